"""Plans a load again around the levels that its plan uses, for as long as that makes it better.

Few levels are offered at first, so that the search stays short; the best is often beside one of those it took.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placement.offer import Named
    from placement.shared_evaluate import SharedEvaluation
    from placement.shared_from_ir import SharedLowered
    from placement.shared_problem import SharedPlacement
    from placement.shared_solve import SharedSolution

MOST_ROUNDS = 4
SHARE = 0.25
"""Of the time limit, at most, for all rounds; as much again for the plan from all levels."""

LEAST_GAIN = 1e-3
"""A round that saves a smaller part of the cost, or of another aim, is the last."""


@dataclass(frozen=True, slots=True)
class Refined:
    """The best plan found, and the table that it is a plan of; `levels` were looked at in all, in `rounds` more."""

    shared: SharedLowered
    solution: SharedSolution
    levels: int
    rounds: int


def dollars(evaluation: SharedEvaluation) -> float:
    """What a plan comes to by default: dollars an hour, penalties included."""
    return evaluation.objective_usd_per_hour


@dataclass(frozen=True, slots=True)
class Planner:
    """How to plan: `price` makes a table of named levels, `solve` plans it in so many seconds (None: no plan found).

    `value` is what is to be made small.
    """

    price: Callable[[Named], SharedLowered]
    solve: Callable[[SharedLowered, float], SharedSolution | None]
    on_better: Callable[[SharedSolution], None]
    value: Callable[[SharedEvaluation], float] = dollars

    def is_better(self, one: SharedSolution, other: SharedSolution, gain: float) -> bool:
        """Whether a plan comes to less than another by more than a share of it (below 0: to no more than that)."""
        return self.value(one.evaluation) <= self.value(other.evaluation) * (1.0 - gain)


def refine(first: Refined, planner: Planner, time_s: float) -> Refined:
    """Plans with the levels near those in use alone, until nothing is gained; then with all that were offered as well.

    So the answer's table has the levels of every class. Where the last search does not find the plan again, the
    answer is of the small table.
    """
    best = _rounds(first, planner, time_s)
    if best.shared is first.shared:
        return best
    shared = planner.price(_named(_used(best), only=False))
    found = planner.solve(shared, time_s)
    if found is None or not planner.is_better(found, best.solution, -LEAST_GAIN):
        return best
    return Refined(shared, found, best.levels, best.rounds)


def _rounds(first: Refined, planner: Planner, time_s: float) -> Refined:
    from placement.near_levels import near

    end = time.monotonic() + time_s
    best, seen = first, _names(first.shared)
    for rounds in range(first.rounds + 1, MOST_ROUNDS + 1):
        shared = planner.price(_named([one for level in _settled(best) for one in near(level)], only=True))
        left_s = end - time.monotonic()
        if _names(shared) <= seen or left_s <= 0.0:
            break
        seen |= _names(shared)
        found = planner.solve(shared, left_s)
        if found is None or not planner.is_better(found, best.solution, LEAST_GAIN):
            return Refined(best.shared, best.solution, len(seen), rounds)
        best = Refined(shared, found, len(seen), rounds)
        planner.on_better(found)
    return best


def _named(levels: list[str], *, only: bool) -> Named:
    from placement.offer import Named

    return Named(frozenset(levels), only)


def _names(shared: SharedLowered) -> set[str]:
    return {level.pool.id for level in shared.problem.levels}


def _settled(plan: Refined) -> list[str]:
    """The levels of the plan before the judge's moves, which fill up what is there and lead away from other levels."""
    return _open(plan.shared, plan.solution.unmoved or plan.solution.placement)


def _used(plan: Refined) -> list[str]:
    return _open(plan.shared, plan.solution.placement)


def _open(shared: SharedLowered, placement: SharedPlacement) -> list[str]:
    rows = zip(shared.problem.levels, placement.replicas, strict=True)
    return [level.pool.id for level, replicas in rows if replicas]
