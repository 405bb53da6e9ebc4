"""Improves a placement by small moves until none helps.

A move takes a unit to another option, or all users of one or two pools to a pool: what a full fleet needs to make room.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

from placement.evaluate import Score, score
from placement.moves import Unit, candidates, moved, neighbourhood, price
from placement.prepared import Prepared
from placement.problem import Placement

EFFORT = 400_000
"""Operators times placements judged, at most; a count and not a time, so that answers can be made again."""

_Move = tuple[Unit, tuple[int, ...]]


def rank(found: Score) -> tuple[float, float, float]:
    """The smaller the better: limits broken, then seconds over a hard SLA, then dollars."""
    return found.broken, found.over_s, found.objective_usd


def improve(prepared: Prepared, placement: Placement) -> tuple[Placement, Score]:
    """Sweeps over all moves, taking each that helps, until a sweep takes none or the effort is spent."""
    best, found = placement, score(prepared, placement)
    judged = EFFORT // max(20, len(placement.option))
    better = True
    while better:
        better = False
        for unit, options in [*_unit_moves(prepared, best, found), *_pool_moves(prepared, best)]:
            judged -= 1
            if judged < 0:
                return best, found
            move = moved(best, unit, options)
            then = score(prepared, move)
            if rank(then) < rank(found):
                best, found, better = move, then, True
    return best, found


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
