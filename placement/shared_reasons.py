"""Why each option of an operator of a shared plan was not taken: dominated, over a limit, or dearer, and by how much.

Each option whose level no other dominates is fixed in turn and everything else planned anew, all agents and replicas,
through the sampled judge. Beside it stands the reduced cost of the program's relaxation at the answer's `kappa`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

from placement.highs import relax
from placement.shared_again import PLENTY, Held, again, fixed, over_s, softened, with_counts, without_calls
from placement.shared_milp import formulate_shared
from placement.shared_presolve import dominating_levels
from placement.shared_problem import Budget, SharedProblem
from placement.shared_solve import SharedSolution
from placement.shared_surrogate import Aim, surrogate

TIME_S = 60.0
"""Seconds for all options of one operator."""

SharedVerdict = Literal[
    "taken", "dominated", "equal", "dearer", "cheaper", "sla", "calls", "capacity", "budget", "links", "unknown"
]

_EQUAL = 2e-3


@dataclass(frozen=True, slots=True)
class SharedReason:
    """The verdict on an option, in dollars an hour of all agents and replicas together.

    `better`: the option whose level dominates this one's. `more_usd`: what the best plan with it costs more (negative
    where the plan was not the best, within its gap). `over_s`: by how much some agent misses its SLA in the best plan
    found with it. `reduced_cost_usd`: what the relaxation's optimum rises by with it.

    `sla`, `calls` (first outputs and limits of calls), `capacity`, `budget`: no plan with it keeps these. `links`: it
    parts a group, or data cannot reach it. `unknown`: time or solves were too few.
    """

    verdict: SharedVerdict
    better: int | None = None
    more_usd: float | None = None
    over_s: float | None = None
    reduced_cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """An operator of an agent by their indices, and the options of it that the plan takes: several where it splits."""

    agent: int
    operator: int
    taken: frozenset[int]


def shared_option_reasons(
    problem: SharedProblem, held: Held, place: Place, time_s: float = TIME_S
) -> tuple[SharedReason, ...]:
    """[option] the verdict. An operator whose alternative is not taken is judged as if it were."""
    end = time.monotonic() + time_s
    better, reduced = _of_relaxation(problem, held, place)
    found: list[SharedReason] = []
    count = len(problem.agents[place.agent].problem.operators[place.operator].options)
    for option in range(count):
        if option in place.taken:
            reason = SharedReason("taken")
        elif better[option] is not None:
            reason = SharedReason("dominated", better[option])
        else:
            share = max(0.0, end - time.monotonic()) / (count - option)
            reason = _reason(fixed(problem, place.agent, place.operator, option), held, share)
        found.append(replace(reason, reduced_cost_usd=reduced[option]))
    return tuple(found)


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


def _reason(problem: SharedProblem, held: Held, time_s: float) -> SharedReason:
    """The verdict on a problem in which the option is fixed."""
    end, best_usd = time.monotonic() + time_s, held.usd_per_hour
    found = again(problem, time_s / 2.0, splits=held.splits)
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
