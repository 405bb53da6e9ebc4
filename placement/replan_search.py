"""Searches placements in which only some operators may move, each move at a price.

What stays has one option left, so that its transfers and much of the path are constants; that makes the program small
enough to answer while the agent runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from dataclasses import replace

from placement.evaluate import score
from placement.greedy import greedy
from placement.highs import Limits
from placement.milp import formulate
from placement.milp_columns import Form, seconds_unit
from placement.optimise import Found, optimise_program
from placement.prepared import Prepared, prepare
from placement.presolve import Reduced, presolve
from placement.problem import Operator, Placement
from placement.replan_change import Change

PATIENCE_S = 30.0
"""Seconds to search while no placement is known."""


def run(
    found: Change, usd: Mapping[int, float], may_move: Collection[int], limits: Limits, start: Placement | None
) -> Found:
    """The cheapest placement that leaves all but `may_move` in place, with dollars [operator] on a move.

    `start`, if any, keeps all limits. The answer is never worse than it, and costs include the moves.
    """
    end = time.monotonic() + limits.time_s
    narrowed = _narrowed(found, usd, may_move)
    reduced = presolve(prepare(narrowed.problem))
    prepared = prepare(reduced.problem)
    kept_choices = {choice for index in _staying(found, may_move) for choice, _ in found.after.needs[index]}
    known = _best(found, prepared, kept_choices, _within(reduced, _within(narrowed, start)))
    dearest = math.fsum(max((row.cost_usd for row in each.options), default=0.0) for each in reduced.problem.operators)
    form = Form("cost", usd=dearest / 1000.0 or 1.0, seconds=seconds_unit(prepared))
    program = formulate(prepared, form)
    for choice in kept_choices:
        for index, column in enumerate(program.choices[choice]):
            program.model.upper[column] = 1.0 if index == found.running.alternative[choice] else 0.0
    left = replace(limits, time_s=max(0.0, end - time.monotonic()) if known else PATIENCE_S)
    answer = optimise_program(program, prepared, form, left, known)
    placement = _better(prepared, known, answer.placement)
    bound = max(answer.bound, _cheapest_usd(prepared)) if answer.status == "time_limit" else answer.bound
    return replace(answer, bound=bound, placement=narrowed.restore(reduced.restore(placement)) if placement else None)


def _cheapest_usd(prepared: Prepared) -> float:
    """What the operators that always run cost at the least: the bound where time ran out before any other."""
    rows = zip(prepared.problem.operators, prepared.needs, strict=True)
    always = [operator for operator, needs in rows if not needs]
    return math.fsum(min((row.cost_usd for row in each.options), default=0.0) for each in always)


def _best(
    found: Change, prepared: Prepared, kept_choices: Collection[int], start: Placement | None
) -> Placement | None:
    """The better of the heuristic's answer, where it keeps all limits and choices, and of the start."""
    answer = greedy(prepared)
    if answer is None or not answer.score.feasible:
        return start
    if any(answer.placement.alternative[one] != found.running.alternative[one] for one in kept_choices):
        return start
    return _better(prepared, start, answer.placement)


def _better(prepared: Prepared, one: Placement | None, other: Placement | None) -> Placement | None:
    if one is None or other is None:
        return one or other
    return min((one, other), key=lambda each: score(prepared, each).objective_usd)


def _staying(found: Change, may_move: Collection[int]) -> list[int]:
    return [index for index, kept in enumerate(found.kept) if kept is not None and index not in may_move]


def _narrowed(found: Change, usd: Mapping[int, float], may_move: Collection[int]) -> Reduced:
    """The table after: one visit of each operator costs all of them, and on another pool than the kept one a move."""
    staying = set(_staying(found, may_move))
    operators: list[Operator] = []
    indices: list[tuple[int, ...]] = []
    for index, (row, kept) in enumerate(zip(found.after.problem.operators, found.kept, strict=True)):
        left = (kept,) if kept is not None and index in staying else tuple(range(len(row.options)))
        move = usd.get(index, 0.0)
        costs = [row.visits * row.options[one].cost_usd + (0.0 if same_pool(row, one, kept) else move) for one in left]
        options = tuple(replace(row.options[one], cost_usd=cost) for one, cost in zip(left, costs, strict=True))
        operators.append(replace(row, visits=1.0, options=options))
        indices.append(left)
    return Reduced(replace(found.after.problem, operators=tuple(operators)), tuple(indices))


def _within(reduced: Reduced, placement: Placement | None) -> Placement | None:
    """The placement in the indices of the smaller table; None where it has an option that was left out."""
    if placement is None:
        return None
    pairs = list(zip(placement.option, reduced.kept, strict=True))
    if any(option is not None and option not in kept for option, kept in pairs):
        return None
    option = tuple(None if option is None else kept.index(option) for option, kept in pairs)
    return Placement(option, placement.alternative)


def same_pool(row: Operator, option: int | None, kept: int | None) -> bool:
    """Whether two options of an operator are on one pool, or neither is taken."""
    if option is None or kept is None:
        return option is kept
    return row.options[option].pool == row.options[kept].pool
