"""The limits of a shared problem, one record each, so that each can be left out or loosened by itself.

Limits in numbers are changed in the table; rules of a load file (pins, tenants) delete options before there is a table,
so that leaving one out makes another table, which whoever knows the rules supplies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ir.duration import format_duration
from ir.sla import Sla
from placement.held import held_at_most
from placement.infeasible import rounded_up
from placement.shared_problem import AgentLoad, SharedProblem

Kind = Literal["sla", "first_output", "devices", "usd_per_hour", "watts", "gco2e_per_hour", "rate", "rule"]
BUDGETS: tuple[Kind, ...] = ("usd_per_hour", "watts", "gco2e_per_hour")
UNITS: Mapping[Kind, str] = {"usd_per_hour": "$/h", "watts": "W", "gco2e_per_hour": "gCO2e/h"}


@dataclass(frozen=True, slots=True)
class Term:
    """One limit: `what` is an agent, a device class, or a budget or rule in words.

    `before` is what is allowed now, in seconds, devices, the budget's unit or runs a second; 0 for a rule. `remedy` of
    a rule says what it is to leave it out.
    """

    kind: Kind
    what: str
    before: float = 0.0
    stat: str = ""
    remedy: str = ""

    @property
    def text(self) -> str:
        """The limit in words."""
        match self.kind:
            case "sla":
                return f"SLA of {self.what} {self.stat} {format_duration(self.before)}"
            case "first_output":
                return f"first output of {self.what} {self.stat} {format_duration(self.before)}"
            case "devices":
                return f"{self.before:.0f} {self.what}"
            case "rate":
                return f"rate of {self.what} {self.before:.4g}/s"
            case "rule":
                return self.what
            case _:
                return f"budget {self.before:g} {UNITS[self.kind]}"

    def change(self, after: float) -> str:
        """The change to `after` in words; what is printed loosens no less than `after` does."""
        match self.kind:
            case "sla" | "first_output":
                return f"{self.text} -> {rounded_up(after)}"
            case "devices":
                return f"+{after - self.before:.0f} {self.what}"
            case "rate":
                return f"{self.text} -> {after:.4g}/s"
            case "rule":
                return self.remedy
            case _:
                return f"{self.text} -> {after:.6g} {UNITS[self.kind]}"


def terms_of(problem: SharedProblem, useful: int = 0) -> tuple[Term, ...]:
    """The limits in numbers that a plan may break: devices where all levels together may need more, budgets, times.

    Up to `useful` devices of a class may make for levels that the problem does not have.
    """
    counts = [Term("devices", row.device, row.count) for row in problem.capacities]
    budgets = [
        Term(kind, "all replicas", limit) for kind in BUDGETS if (limit := getattr(problem.budget, kind)) is not None
    ]
    firsts = [
        Term("first_output", agent.name, agent.first_output.sla.limit_s, agent.first_output.sla.stat)
        for agent in problem.agents
        if agent.first_output is not None
    ]
    hard = [agent for agent in problem.agents if agent.problem.penalty_usd_per_s is None]
    slas = [
        Term("sla", agent.name, agent.problem.sla.limit_s, agent.problem.sla.stat)
        for agent in hard
        if agent.problem.sla is not None
    ]
    short = [term for term in counts if max(useful, enough_shared(problem, term.what)) > term.before]
    return (*short, *budgets, *firsts, *slas)


def rates_of(problem: SharedProblem) -> tuple[Term, ...]:
    """The agents' rates, which are no limits, but less of them may be enough."""
    return tuple(Term("rate", agent.name, agent.rate_per_s) for agent in problem.agents)


def loosened(problem: SharedProblem, term: Term, value: float | None) -> SharedProblem:
    """The problem with another value of a limit in numbers; None leaves the limit out. A rule changes nothing here."""
    match term.kind:
        case "devices":
            count = max(term.before, enough_shared(problem, term.what)) if value is None else value
            rows = (replace(row, count=round(count)) if row.device == term.what else row for row in problem.capacities)
            return replace(problem, capacities=tuple(rows))
        case "sla" | "first_output" | "rate":
            agents = (_changed(each, term, value) if each.name == term.what else each for each in problem.agents)
            return replace(problem, agents=tuple(agents))
        case "rule":
            return problem
        case _:
            return replace(problem, budget=replace(problem.budget, **{term.kind: value}))


def enough_shared(problem: SharedProblem, device: str) -> int:
    """As many devices of a class as all its levels take if each served all that may use it: more cannot help."""
    shares: dict[int, float] = {}
    for agent, held in zip(problem.agents, held_at_most(problem.agents, problem.margin), strict=True):
        for operator, services in zip(agent.problem.operators, held, strict=True):
            most: dict[int, float] = {}
            for option, service in zip(operator.options, services, strict=True):
                level = problem.levels[option.pool]
                busy = agent.rate_per_s * operator.visits * service.slot_s
                share = busy / (level.cap * level.slots)
                most[option.pool] = max(most.get(option.pool, 0.0), share)
            for pool, share in most.items():
                shares[pool] = shares.get(pool, 0.0) + share
    levels = [problem.levels[at].pool for at in shares]
    counted = zip(levels, shares.values(), strict=True)
    return sum(pool.tp * max(1, math.ceil(share)) for pool, share in counted if pool.device == device)


def _changed(agent: AgentLoad, term: Term, value: float | None) -> AgentLoad:
    if term.kind == "rate":
        return replace(agent, rate_per_s=agent.rate_per_s if value is None else value)
    if term.kind == "first_output":
        first = agent.first_output
        if first is None or value is None:
            return replace(agent, first_output=None)
        return replace(agent, first_output=replace(first, sla=Sla(first.sla.stat, value)))
    sla = agent.problem.sla
    longer = None if sla is None or value is None else Sla(sla.stat, value)
    return replace(agent, problem=replace(agent.problem, sla=longer))
