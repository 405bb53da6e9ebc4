"""The front of cost and latency: plans of which no other is both cheaper and faster, by the epsilon-constraint method.

From the fastest plan the limit on the latency is loosened step by step; each plan keeps the looser limit too, so it is
the next solve's start and the most that it may cost. Of equally cheap plans the fastest stands for all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ir.sla import Sla
from placement.evaluate import Evaluation, judge, score
from placement.greedy import Answer
from placement.highs import Limits
from placement.infeasible import InfeasibleError, UndecidedError, diagnose
from placement.milp import formulate
from placement.milp_columns import Form, seconds_unit
from placement.optimise import Found, optimise_program
from placement.prepared import prepare
from placement.presolve import presolve
from placement.problem import Placement, Problem
from placement.solve import improve

POINTS = 12
"""Limits from the fastest to the cheapest plan; equal answers count once."""

TIME_S = 20.0
"""Seconds for the whole front."""

EQUAL = 1e-6
"""Costs and latencies that differ by this share or less are equal: the solver's tolerance of an answer."""

_UNITS = 1000.0

_SMALLEST_S = 1e-12
"""Stands for a limit of nothing, which an SLA may not state."""


@dataclass(frozen=True, slots=True)
class Point:
    """A plan of the front. `gap` = (cost - bound) / cost: no plan within `limit_s` costs less than `bound_usd`."""

    placement: Placement
    evaluation: Evaluation
    limit_s: float
    bound_usd: float
    gap: float


@dataclass(frozen=True, slots=True)
class Front:
    """The points, fastest first; `stat` says which latency. `is_complete` is False where time ended the search."""

    stat: str
    points: tuple[Point, ...]
    is_complete: bool


def pareto(problem: Problem, points: int = POINTS, time_s: float = TIME_S, gap: float = 1e-6) -> Front:
    """The front of a problem, whatever its SLA, by at most `points` limits; no point of it is dominated.

    Raises `InfeasibleError` where the other limits cannot be kept, `UndecidedError` where time was too short.
    """
    end = time.monotonic() + time_s
    prepared = prepare(problem)
    free = replace(problem, sla=Sla(prepared.stat, 1.0), penalty_usd_per_s=None)
    reduced = presolve(prepare(free))
    small = reduced.problem

    def left() -> Limits:
        return Limits(max(0.0, end - time.monotonic()), gap)

    fastest = fastest_within(small, math.inf, None, left())
    if fastest.placement is None and fastest.status == "infeasible":
        raise InfeasibleError(diagnose(replace(free, sla=None), left()))
    cheapest = improve(prepare(replace(small, sla=None)), None, left())
    if fastest.placement is None or cheapest.placement is None:
        raise UndecidedError(f"{problem.name}: no front found in {time_s} s; allow more time")
    fast_s = judge(prepare(small), fastest.placement).latency_s
    slow_s = judge(prepare(small), cheapest.placement).latency_s
    found: list[Point] = []
    start = fastest.placement
    for limit_s in _limits(fast_s, slow_s, points):
        if time.monotonic() >= end:
            return Front(prepared.stat, _undominated(found), is_complete=False)
        point = _point(small, limit_s, start, left())
        if not found or point.evaluation.cost_usd < found[-1].evaluation.cost_usd * (1.0 - EQUAL):
            point = _fastest_as_cheap(small, point, left())
            found.append(point)
            start = point.placement
    restored = [replace(each, placement=reduced.restore(each.placement)) for each in found]
    return Front(prepared.stat, _undominated(restored), is_complete=True)


def _limits(fast_s: float, slow_s: float, points: int) -> list[float]:
    """Limits from the fastest plan to the cheapest, at equal ratios."""
    if slow_s <= fast_s * (1.0 + EQUAL) or points < 2:
        return [slow_s or _SMALLEST_S]
    if fast_s <= 0.0:
        return [max(_SMALLEST_S, slow_s * step / (points - 1)) for step in range(points)]
    ratio = slow_s / fast_s
    return [*(fast_s * ratio ** (step / (points - 1)) for step in range(points - 1)), slow_s]


def _limited(problem: Problem, limit_s: float) -> Problem:
    stat = problem.sla.stat if problem.sla else "worst"
    return replace(problem, sla=Sla(stat, limit_s), penalty_usd_per_s=None)


def _point(problem: Problem, limit_s: float, start: Placement, limits: Limits) -> Point:
    """The cheapest plan within the limit; the start keeps it."""
    prepared = prepare(_limited(problem, limit_s))
    found = improve(prepared, Answer(start, score(prepared, start)), limits)
    placement = found.placement or start
    judged = judge(prepared, placement)
    bound = min(max(found.bound, 0.0), judged.cost_usd)
    gap = (judged.cost_usd - bound) / judged.cost_usd if judged.cost_usd else 0.0
    return Point(placement, judged, limit_s, bound, gap)


def _fastest_as_cheap(problem: Problem, point: Point, limits: Limits) -> Point:
    """The fastest of the plans that cost no more than a point's."""
    found = fastest_within(problem, point.evaluation.cost_usd, point.placement, limits)
    if found.placement is None:
        return point
    judged = judge(prepare(_limited(problem, point.limit_s)), found.placement)
    if judged.violations or judged.latency_s >= point.evaluation.latency_s:
        return point
    bound = min(point.bound_usd, judged.cost_usd)
    gap = (judged.cost_usd - bound) / judged.cost_usd if judged.cost_usd else 0.0
    return Point(found.placement, judged, point.limit_s, bound, gap)


def fastest_within(problem: Problem, most_usd: float, start: Placement | None, limits: Limits) -> Found:
    """The fastest plan that costs at most so much; its program has the columns of the cost's, and more after them."""
    prepared = prepare(problem)
    form = Form("latency", keep_sla=False, seconds=seconds_unit(prepared))
    program = formulate(prepared, form)
    if math.isfinite(most_usd):
        usd = most_usd / _UNITS or 1.0
        costs = formulate(prepared, Form("cost", keep_sla=False, usd=usd)).model.cost
        terms = {column: cost for column, cost in enumerate(costs) if cost}
        program.model.row(-math.inf, terms, most_usd / usd * (1.0 + 1e-9))
    return optimise_program(program, prepared, form, limits, start)


def _undominated(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points, fastest first, without those that another one beats or equals in both cost and latency."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda each: (each.evaluation.latency_s, each.evaluation.cost_usd)):
        if not kept or point.evaluation.cost_usd < kept[-1].evaluation.cost_usd * (1.0 - EQUAL):
            kept.append(point)
    return tuple(kept)
