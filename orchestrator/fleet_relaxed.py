"""What stands in the way of a load that cannot be planned, and the smallest single changes that make a plan.

A limit in numbers is loosened in the problem; a rule of the load file, and devices that allow other pools, make another
problem. Each change that is told was planned for the changed load and fleet, as whoever makes it will plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestrator.fleet_pipeline import FleetPlan, FleetRequest, lacks, price_fleet
from orchestrator.graph import Graph
from orchestrator.load_rules import rules_of, with_demand
from orchestrator.relaxed import CHASSIS

if TYPE_CHECKING:
    from costmodel.fleet import Fleet
    from placement.load import Load
    from placement.shared_conflict import SharedConflict
    from placement.shared_fixes import SharedFixes
    from placement.shared_problem import SharedProblem
    from placement.shared_terms import Term

CONFLICT = 1.0 / 3.0
"""The share of the time limit for the conflict; the rest is for the changes."""


@dataclass(frozen=True, slots=True)
class FleetRelaxed:
    """Limits that cannot hold together, and the single changes after which there is a plan, cheapest first."""

    conflict: SharedConflict
    fixes: SharedFixes


@dataclass(slots=True)
class _Load:
    """The load and fleet of a plan, and the problems that were made of them without some limits."""

    graphs: Mapping[str, Graph]
    plan: FleetPlan
    request: FleetRequest
    rules: dict[Term, Callable[[Load], Load]]
    made: dict[frozenset[Term], SharedProblem] = field(default_factory=dict["frozenset[Term]", "SharedProblem"])

    def table(self, dropped: frozenset[Term]) -> SharedProblem:
        """The problem without these rules, and with pools of so many devices as more of these classes allow."""
        key = frozenset(
            term for term in dropped if term in self.rules or (term.kind == "devices" and term.before < CHASSIS)
        )
        if key not in self.made:
            self.made[key] = self._make(key) if key else self.plan.shared.problem
        return self.made[key]

    def _make(self, dropped: frozenset[Term]) -> SharedProblem:
        load, fleet = self.plan.load, self.plan.fleet
        for term in dropped:
            if term in self.rules:
                load = self.rules[term](load)
            else:
                fleet = with_count(fleet, term.what, CHASSIS)
        made = price_fleet(self.graphs, fleet, load, self.request).problem
        return replace(made, capacities=self.plan.shared.problem.capacities)

    def verify(self, term: Term, value: float, time_s: float) -> tuple[float, float] | None:
        """Dollars an hour and gap of the plan for the changed load and fleet; None where none was found."""
        from placement.shared_fixes import GAP, verified
        from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError, solve_shared

        if term.kind == "first_output":  # an agent's own, which no load file states
            return verified(self.table)(term, value, time_s)
        end = time.monotonic() + time_s
        load, fleet = self._changed(term, value)
        shared = price_fleet(self.graphs, fleet, load, self.request)
        if any(lacks(shared)):
            return None
        try:
            found = solve_shared(shared.problem, effort=Effort(max(0.1, end - time.monotonic()), GAP))
        except (SharedInfeasibleError, SharedUndecidedError):
            return None
        return found.evaluation.usd_per_hour, found.gap

    def _changed(self, term: Term, value: float) -> tuple[Load, Fleet]:
        load, fleet = self.plan.load, self.plan.fleet
        match term.kind:
            case "rule":
                return self.rules[term](load), fleet
            case "devices":
                return load, with_count(fleet, term.what, round(value))
            case "sla":
                problem = next(each.problem for each in self.plan.shared.problem.agents if each.name == term.what)
                assert problem.sla is not None, "only agents with an SLA have such a limit"
                longer = replace(problem.sla, limit_s=value)
                return with_demand(load, term.what, lambda each: replace(each, sla=longer)), fleet
            case "rate":
                return with_demand(load, term.what, lambda each: replace(each, rate_per_s=value)), fleet
            case _:
                return replace(load, budget=replace(load.budget, **{term.kind: value})), fleet


def fleet_relaxed(graphs: Mapping[str, Graph], plan: FleetPlan, request: FleetRequest) -> FleetRelaxed:
    """Of a load without a plan. Takes as long as planning may, and raises what pricing raises."""
    from placement.shared_conflict import conflict
    from placement.shared_fixes import single_fixes
    from placement.shared_terms import terms_of

    rules = rules_of(plan.load)
    load = _Load(graphs, plan, request, rules)
    began = time.monotonic()
    found = conflict(
        load.table, (*rules, *terms_of(plan.shared.problem, CHASSIS)), began + CONFLICT * request.time_limit_s
    )
    fixes = single_fixes(load.table, found, began + request.time_limit_s, load.verify)
    return FleetRelaxed(found, fixes)


def with_count(fleet: Fleet, device: str, count: int) -> Fleet:
    """The fleet with another number of devices of a class."""
    rows = (replace(each, count=count) if each.id == device else each for each in fleet.classes)
    return replace(fleet, classes=tuple(rows))
