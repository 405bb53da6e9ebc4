"""Improves a placement by small moves until none helps.

A move takes a unit to another option or, where devices are scarce, all users of one or two pools to a pool.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from placement.evaluate import Score, judge, score
from placement.moves import Unit, candidates, moved, neighbourhood, price
from placement.prepared import Prepared
from placement.problem import Placement

EFFORT = 100_000
"""Operators times placements judged, at most; a count and not a time, so that answers can be made again."""

_Move = tuple[Unit, tuple[int, ...]]


def rank(found: Score) -> tuple[float, float, float]:
    """The smaller the better: limits broken, then seconds over a hard SLA, then dollars."""
    return found.broken, found.over_s, found.objective_usd


def improve(prepared: Prepared, placement: Placement) -> tuple[Placement, Score]:
    """Sweeps over all moves, taking each that helps, until a sweep takes none or the effort is spent."""
    best, found = placement, score(prepared, placement)
    judged = EFFORT // max(20, len(placement.option))
    scarce = is_scarce(prepared)
    better = True
    while better:
        better = False
        slack_s = _slack_s(prepared, best, found)
        moves = list(_unit_moves(prepared, best, found))
        if scarce:
            moves += _pool_moves(prepared, best)
        for unit, options in moves:
            if _too_slow(prepared, best, (unit, options), slack_s):
                continue
            judged -= 1
            if judged < 0:
                return best, found
            move = moved(best, unit, options)
            then = score(prepared, move)
            if rank(then) < rank(found):
                best, found, better = move, then, True
                slack_s = _slack_s(prepared, best, found)
    return best, found


def _slack_s(prepared: Prepared, placement: Placement, found: Score) -> Sequence[float | None]:
    """[operator] seconds to spare under a hard SLA that holds; empty where nothing is lost by more seconds."""
    problem = prepared.problem
    hard = problem.sla is not None and problem.penalty_usd_per_s is None and found.over_s == 0.0
    return judge(prepared, placement).slack_s if hard else ()


def _too_slow(prepared: Prepared, placement: Placement, move: _Move, slack_s: Sequence[float | None]) -> bool:
    """Whether an operator that moves alone would take longer than it may; what its transfers save is not looked at."""
    (operator, *others), (then, *_) = move
    if others or not slack_s:
        return False
    spare, now = slack_s[operator], placement.option[operator]
    if spare is None or now is None:
        return False
    rows = prepared.problem.operators[operator].options
    return rows[then].latency_s - rows[now].latency_s > spare + 1e-9


def is_scarce(prepared: Prepared) -> bool:
    """Whether some class has too few devices for all the pools that operators could use."""
    used = {option.pool for operator in prepared.problem.operators for option in operator.options}
    taken = dict.fromkeys(prepared.counts, 0)
    for pool in used:
        taken[prepared.problem.pools[pool].device] += prepared.problem.pools[pool].tp
    return any(taken[device] > count for device, count in prepared.counts.items())


def _unit_moves(prepared: Prepared, placement: Placement, found: Score) -> Iterator[_Move]:
    """The most saving first; where all limits hold and the SLA is hard, only moves that save."""
    around = neighbourhood(prepared, placement.alternative)
    must_save = found.feasible and prepared.problem.penalty_usd_per_s is None
    savings: list[tuple[float, _Move]] = []
    for unit in around.units:
        now = price(around, placement.option, unit, 0.0)
        for options in candidates(prepared, unit):
            then = price(around, moved(placement, unit, options).option, unit, 0.0)
            if math.isfinite(then) and (then < now or not must_save):
                savings.append((then - now, (unit, options)))
    for _, move in sorted(savings, key=lambda one: one[0]):
        yield move


def _pool_moves(prepared: Prepared, placement: Placement) -> Iterator[_Move]:
    users: dict[int, list[int]] = {}
    for operator, index in enumerate(placement.option):
        if index is not None:
            users.setdefault(prepared.problem.operators[operator].options[index].pool, []).append(operator)
    together = [*users.values(), *(one + other for one, other in combinations(users.values(), 2))]
    for members in together:
        if len(members) > 1:
            for options in candidates(prepared, tuple(members)):
                yield tuple(members), options
