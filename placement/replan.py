"""From a running placement and a changed table to a new placement that moves as little as it must.

A plan made anew would be cheapest, and would move half the agent to save a cent. Here each move has a price, only what
the event concerns may move, and others follow only where no limit could be kept otherwise.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from dataclasses import dataclass

from placement.evaluate import Evaluation, judge
from placement.highs import Limits
from placement.infeasible import InfeasibleError, UndecidedError, diagnose
from placement.problem import Placement, Problem
from placement.replan_change import Change, change
from placement.replan_search import PATIENCE_S, run, same_pool
from placement.replan_steps import PoolUse, Step, steps

DEFAULT_TIME_LIMIT_S = 0.1
DEFAULT_GAP = 0.01
BOUND_SCOPE = "metered MILP at operator means with the price of moves, over the operators that may move"


@dataclass(frozen=True, slots=True)
class MovePrice:
    """What a moved operator costs once, in dollars, and over how many runs that must pay."""

    usd: float = 0.0
    runs: float = 1.0

    @property
    def usd_per_run(self) -> float:
        """What a move must save in each run."""
        return self.usd / self.runs


@dataclass(frozen=True, slots=True)
class Replan:
    """The new placement, judged, and how to get there.

    `moved` are operators that run on another pool than before, or did not run; `forced` those among them that the
    event does not concern. `kept` is the verdict on keeping everything, None where an option of it is gone.
    `change_usd` is what the moves cost in all. No plan that moves only what may move costs less a run than `bound_usd`,
    its moves' share of a run included; `gap` is of the same sum.
    """

    placement: Placement
    before: Evaluation
    after: Evaluation
    kept: Evaluation | None
    moved: tuple[int, ...]
    forced: tuple[int, ...]
    change_usd: float
    bound_usd: float
    gap: float
    steps: tuple[Step, ...]
    seconds: float


NOTHING = MovePrice()


def replan(
    before: Problem,
    running: Placement,
    after: Problem,
    price: MovePrice = NOTHING,
    *,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    gap: float = DEFAULT_GAP,
) -> Replan:
    """The cheapest placement after an event, with a price on each operator that moves.

    Once an answer is known, the search for better ones ends at the time limit or at the relative `gap`. Raises
    `ProblemError` for tables of different agents, `InfeasibleError` where no placement keeps the limits any more, and
    `UndecidedError` where after `PATIENCE_S` neither is known.
    """
    began = time.monotonic()
    found = change(before, running, after)
    usd = price.usd_per_run
    limits = Limits(time_limit_s, gap)
    stay = _stay(found)
    kept = judge(found.after, stay) if stay else None
    start = stay if kept and kept.feasible else None
    may_move = set(found.concerned)
    moves = dict.fromkeys(range(len(found.kept)), usd)
    answer = run(found, moves, may_move, limits, start)
    if answer.status == "infeasible":
        may_move |= _least_moves(found, limits)
        answer = run(found, moves, may_move, limits, None)
    if answer.placement is None:
        raise UndecidedError(f"{after.name}: no placement found in {PATIENCE_S} s")
    moved = _moved(found, answer.placement)
    judged = judge(found.after, answer.placement)
    total = judged.objective_usd + usd * len(moved)
    return Replan(
        placement=answer.placement,
        before=judge(found.before, running),
        after=judged,
        kept=kept,
        moved=moved,
        forced=tuple(one for one in moved if one not in found.concerned),
        change_usd=price.usd * len(moved),
        bound_usd=min(answer.bound, total),
        gap=max(0.0, total - answer.bound) / total if total else 0.0,
        steps=_steps(found, answer.placement, moved),
        seconds=time.monotonic() - began,
    )


def _stay(found: Change) -> Placement | None:
    rows = zip(found.kept, found.running.option, strict=True)
    if any(option is None and ran is not None for option, ran in rows):
        return None
    return Placement(found.kept, found.running.alternative)


def _least_moves(found: Change, limits: Limits) -> set[int]:
    """Operators that the event does not concern and that still must move: as few as possible, then the cheapest."""
    operators = found.after.problem.operators
    most = math.fsum(o.visits * max((row.cost_usd for row in o.options), default=0.0) for o in operators)
    edges = found.after.problem.edges
    most += math.fsum(e.visits * max((move.cost_usd for move in e.table.values()), default=0.0) for e in edges)
    weight = 2.0 * most or 1.0
    others = [one for one in range(len(found.kept)) if one not in found.concerned]
    answer = run(found, dict.fromkeys(others, weight), range(len(found.kept)), limits, None)
    if answer.status == "infeasible":
        raise InfeasibleError(diagnose(found.after.problem, limits))
    if answer.placement is None:
        raise UndecidedError(f"{found.after.problem.name}: no placement found in {limits.time_s} s; allow more time")
    taken = zip(operators, answer.placement.option, found.kept, strict=True)
    return {index for index, (row, option, kept) in enumerate(taken) if not same_pool(row, option, kept)}


def _moved(found: Change, placement: Placement) -> tuple[int, ...]:
    rows = zip(found.after.problem.operators, placement.option, found.kept, strict=True)
    return tuple(
        index
        for index, (row, option, kept) in enumerate(rows)
        if option is not None and not same_pool(row, option, kept)
    )


def _steps(found: Change, placement: Placement, moved: Collection[int]) -> tuple[Step, ...]:
    before, after = found.before.problem, found.after.problem
    pools = {pool.id: pool for pool in (*before.pools, *after.pools)}
    used = _used(before, found.running), _used(after, placement)
    uses = {
        name: PoolUse(pool.device, pool.tp, int(name in used[0]), int(name in used[1]))
        for name, pool in pools.items()
        if name in used[0] | used[1]
    }
    routes = [(after.operators[index].id, _pool(after, placement, index)) for index in moved]
    return steps(uses, routes, found.after.counts)


def _used(problem: Problem, placement: Placement) -> set[str]:
    return {_pool(problem, placement, index) for index, option in enumerate(placement.option) if option is not None}


def _pool(problem: Problem, placement: Placement, index: int) -> str:
    option = placement.option[index]
    assert option is not None
    return problem.pools[problem.operators[index].options[option].pool].id
