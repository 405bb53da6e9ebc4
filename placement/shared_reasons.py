"""Why each option of an operator of a shared plan was not taken: dominated, over a limit, or dearer, and by how much.

Each option whose level no other dominates is fixed in turn and everything else planned anew, first for its agent alone,
then for all agents and replicas, through the sampled judge. Beside it stands the reduced cost of the program's
relaxation at the answer's `kappa`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from placement.highs import relax
from placement.problem import Placement
from placement.shared_again import (
    PLENTY,
    Held,
    again,
    any_plan,
    fixed,
    over_s,
    softened,
    with_counts,
    without_calls,
)
from placement.shared_evaluate import judge_shared
from placement.shared_flows import flows_of
from placement.shared_milp import formulate_shared
from placement.shared_prepared import groups_of
from placement.shared_presolve import dominating_levels
from placement.shared_problem import Budget, SharedPlacement, SharedProblem
from placement.shared_solve import SAMPLES, SharedSolution
from placement.shared_surrogate import Aim, surrogate

TIME_S = 60.0
"""Seconds for all options of one operator."""

ALONE = 0.5
"""The share of it for what one agent alone cannot have."""

MOST_PARTS = 4
"""All runs at a level that serves a part of them: each may take this part of the time that is left."""

SharedVerdict = Literal[
    "taken", "dominated", "equal", "dearer", "most", "cheaper", "sla", "calls", "capacity", "budget", "links", "unknown"
]

_EQUAL = 2e-3


@dataclass(frozen=True, slots=True)
class SharedReason:
    """The verdict on an option, in dollars an hour of all agents and replicas together.

    `better`: the option whose level dominates this one's. `more_usd`: what the best plan with it costs more (negative
    where the plan was not the best, within its gap). `over_s`: by how much some agent misses its SLA in the best plan
    found with it. `reduced_cost_usd`: what the relaxation's optimum rises by with it.

    `sla`, `calls` (first outputs and limits of calls), `capacity`, `budget`: no plan with it keeps these. `links`: it
    parts a group, or data cannot reach it. `most`: time was too short to look for a plan with it; `more_usd` is with
    everything else as it is. `unknown`: nothing was found in the time. `whole`: of an option that serves a part of the
    runs, the verdict on all of them there.
    """

    verdict: SharedVerdict
    better: int | None = None
    more_usd: float | None = None
    over_s: float | None = None
    reduced_cost_usd: float | None = None
    whole: SharedReason | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """An operator of an agent by their indices, and the options of it that the plan takes: several where it splits."""

    agent: int
    operator: int
    taken: frozenset[int]


Tell = Callable[[int, SharedReason], None]
"""Is told each option's verdict as soon as it is known."""


def shared_option_reasons(
    problem: SharedProblem, held: Held, place: Place, time_s: float = TIME_S, tell: Tell | None = None
) -> tuple[SharedReason, ...]:
    """[option] the verdict. An operator whose alternative is not taken is judged as if it were.

    First the options with which its agent misses a limit even alone, on as many devices as it likes: that is quickly
    known, and all the time that is left is for plans of all agents with the others.
    """
    end = time.monotonic() + time_s
    better, reduced = _of_relaxation(problem, held, place)
    found: dict[int, SharedReason] = {}

    def take(option: int, reason: SharedReason) -> None:
        if option in place.taken and reason.verdict != "taken":
            reason = SharedReason("taken", whole=reason)
        found[option] = replace(reason, reduced_cost_usd=reduced[option])
        if tell is not None:
            tell(option, found[option])

    count = len(problem.agents[place.agent].problem.operators[place.operator].options)
    for option in range(count):
        if option in place.taken and len(place.taken) == 1:
            take(option, SharedReason("taken"))
        elif better[option] is not None and option not in place.taken:
            take(option, SharedReason("dominated", better[option]))
    for option in _open(count, found):
        share_s = ALONE * max(0.0, end - time.monotonic()) / len(_open(count, found))
        reason = _alone(problem, place, option, held, share_s)
        if reason is not None:
            take(option, reason)
    for option in sorted(_open(count, found), key=lambda one: one not in place.taken):
        left_s = max(0.0, end - time.monotonic())
        share_s = left_s / (MOST_PARTS if option in place.taken else len(_open(count, found)))
        table, start = fixed(problem, place.agent, place.operator, option), _start(problem, held, place, option)
        most = _most(table, held, start)
        take(option, _nearer(most, _reason(table, held, share_s, start.agents if start else ()), held.usd_per_hour))
    return tuple(found[option] for option in range(count))


def _open(count: int, found: Mapping[int, SharedReason]) -> list[int]:
    return [option for option in range(count) if option not in found]


def _alone(problem: SharedProblem, place: Place, option: int, held: Held, time_s: float) -> SharedReason | None:
    """Why the agent cannot have the option even alone, with as many devices as it likes, then with the fleet's.

    None where it can, or that is not known.
    """
    end = time.monotonic() + time_s
    one = replace(problem, agents=(problem.agents[place.agent],), budget=Budget())
    table = fixed(with_counts(one, {row.device: PLENTY for row in one.capacities}), 0, place.operator, option)
    if isinstance(any_plan(table, time_s / 2.0), SharedSolution):
        fleet = with_counts(table, {row.device: row.count for row in problem.capacities})
        found = any_plan(fleet, end - time.monotonic(), splits=held.splits)
        return SharedReason("capacity") if found == "infeasible" else None
    usd = held.usd_per_hour
    soft = any_plan(softened(table, usd), end - time.monotonic())
    if isinstance(soft, SharedSolution):
        over = over_s(table, soft)
        return SharedReason("sla", over_s=over) if over else None
    free = any_plan(without_calls(softened(table, usd)), end - time.monotonic())
    if isinstance(free, SharedSolution):
        return SharedReason("calls")
    return SharedReason("links") if soft == free == "infeasible" else None


def _most(problem: SharedProblem, held: Held, start: SharedPlacement | None) -> SharedReason | None:
    """What the option costs more with everything else where it is; None where that breaks a limit."""
    if start is None:
        return None
    flows = flows_of(surrogate(problem, [0.0] * len(problem.agents), Aim()), start)
    if flows is None or flows.with_fewest().over():
        return None
    found = judge_shared(problem, flows.with_fewest().placement(), samples=SAMPLES)
    return SharedReason("most", more_usd=found.objective_usd_per_hour - held.usd_per_hour) if found.feasible else None


def _nearer(most: SharedReason | None, found: SharedReason, best_usd: float) -> SharedReason:
    """The verdict of the search, or what is known without one where that says more."""
    if most is None or most.more_usd is None or (found.more_usd is not None and found.more_usd <= most.more_usd):
        return found
    known = _held_against(best_usd + most.more_usd, best_usd)
    return most if found.more_usd is None and known.verdict == "dearer" else known


def _start(problem: SharedProblem, held: Held, place: Place, option: int) -> SharedPlacement | None:
    """The plan with the operator, and what must share a level with it, at the option's; None where that cannot be."""
    if held.start is None or held.start.agents[place.agent].option[place.operator] is None:
        return None
    table = problem.agents[place.agent].problem
    group = groups_of(table.groups, len(table.operators))
    members = [one for one, first in enumerate(group) if first == group[place.operator]]
    options = list(held.start.agents[place.agent].option)
    level = table.operators[place.operator].options[option].pool
    for member in members:
        there = [at for at, row in enumerate(table.operators[member].options) if row.pool == level]
        if not there:
            return None
        options[member] = there[0]
    options[place.operator] = 0  # the only one that is left
    moved = replace(held.start.agents[place.agent], option=tuple(options))
    agents = tuple(moved if agent == place.agent else one for agent, one in enumerate(held.start.agents))
    together = {(place.agent, member) for member in members}
    routes = {at: shares for at, shares in held.start.routes.items() if at not in together}
    return SharedPlacement(agents, held.start.replicas, routes)


def _of_relaxation(problem: SharedProblem, held: Held, place: Place) -> tuple[list[int | None], list[float | None]]:
    """[option] the option whose level dominates it, and its reduced cost in dollars an hour."""
    options = problem.agents[place.agent].problem.operators[place.operator].options
    if not held.kappas:
        return [None] * len(options), [None] * len(options)
    table = surrogate(problem, held.kappas, Aim())
    by_level = {row.pool: at for at, row in enumerate(options)}
    dominating = dominating_levels(table)
    better = [by_level.get(dominating.get(row.pool, -1)) for row in options]
    usd = held.usd_per_hour / 1000.0 or 1.0
    program = formulate_shared(table, usd)
    relaxed = relax(program.model, TIME_S)
    columns = program.agents[place.agent].options[place.operator]
    return better, [None if relaxed is None else relaxed.reduced_costs[column] * usd for column in columns]


def _reason(problem: SharedProblem, held: Held, time_s: float, start: Sequence[Placement] = ()) -> SharedReason:
    """The verdict on a problem in which the option is fixed."""
    end, best_usd = time.monotonic() + time_s, held.usd_per_hour
    found = again(problem, time_s / 2.0, splits=held.splits, start=start)
    if isinstance(found, SharedSolution):
        return _held_against(found.evaluation.objective_usd_per_hour, best_usd)
    loosened: tuple[tuple[SharedVerdict, SharedProblem], ...] = (
        ("sla", softened(problem, best_usd)),
        ("calls", without_calls(softened(problem, best_usd))),
        ("capacity", with_counts(softened(problem, best_usd), {row.device: PLENTY for row in problem.capacities})),
        ("budget", replace(softened(problem, best_usd), budget=Budget())),
    )
    for verdict, table in loosened:
        answer = again(table, end - time.monotonic(), splits=held.splits)
        if isinstance(answer, SharedSolution):
            over = over_s(problem, answer)
            if verdict == "sla" and not over:  # the search with hard SLAs had ended before it found this plan
                return _held_against(answer.evaluation.usd_per_hour, best_usd)
            return SharedReason(verdict, over_s=over if verdict == "sla" else None)
        if answer == "undecided" and time.monotonic() >= end:
            return SharedReason("unknown")
    return SharedReason("links" if found == "infeasible" else "unknown")


def _held_against(usd_per_hour: float, best_usd: float) -> SharedReason:
    more = usd_per_hour - best_usd
    if abs(more) <= _EQUAL * best_usd:
        return SharedReason("equal", more_usd=more)
    return SharedReason("dearer" if more > 0.0 else "cheaper", more_usd=more)
