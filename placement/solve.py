"""Finds the cheapest placement under all limits, with a bound on how much cheaper any other could be.

The heuristic gives a first answer, the program improves and bounds it, and the judge has the last word on both.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Literal

import highspy

from placement.bounded_search import search_bounded
from placement.evaluate import Evaluation, judge, score
from placement.greedy import Answer, greedy
from placement.highs import Limits
from placement.infeasible import InfeasibleError, UndecidedError, diagnose
from placement.kernel import search
from placement.local_search import is_scarce
from placement.milp_columns import Form, seconds_unit
from placement.open_pools import with_open_pools
from placement.optimise import DisagreementError, Found
from placement.prepared import Prepared, prepare
from placement.presolve import presolve
from placement.problem import Placement, Problem

DEFAULT_TIME_LIMIT_S = 30.0
DEFAULT_GAP = 1e-6
BOUND_SCOPE = "metered MILP at operator means (exact)"
SOFT_BOUND_SCOPE = f"{BOUND_SCOPE}, cost plus SLA penalty"

LARGE_FROM = 400
"""From so many options on, prices of seconds bound the cost before the program does."""

ROUGH_FROM, ROUGH_GAP = 250, 0.005
"""Options and gap from which on it is tried first where no device is scarce: quick, but seldom the last thousandth."""

ROUGH_SHARE = 0.25
BOUNDED_SHARE = 0.85
ALONE_SHARE = 0.95
"""The share of the time that this may take: in smaller problems, before the program, and where too little is left."""

PROGRAM_S = 0.01
"""Seconds for each option under which the program finds nothing more in a problem of that size."""

SCARCE_FROM = 400
"""From so many options on, scarce devices are first given to pools, and operators placed within these."""

SCARCE_SHARE = 0.35
"""The share of the time that this may take."""

_UNITS = 1000.0
"""The known objective in the program's units: far above the solver's absolute tolerances."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A placement that the judge accepts, and how good it is.

    No placement has an objective (cost, plus the penalty of a soft SLA) below `bound_usd`; `gap` = (objective - bound)
    / objective, 0 where the objective is 0. `status` is `optimal` where the gap asked for was proven.
    `heuristic_cost_usd` is the first answer's objective, None where it broke limits.
    """

    placement: Placement
    evaluation: Evaluation
    bound_usd: float
    gap: float
    bound_scope: str
    status: Literal["optimal", "time_limit"]
    seconds: float
    solver: str
    heuristic_cost_usd: float | None


def solve(
    problem: Problem,
    *,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    gap: float = DEFAULT_GAP,
    threads: int | None = None,
) -> Solution:
    """The cheapest placement, proven to a relative `gap` within the time limit if possible.

    Raises `ProblemError` for a table that contradicts itself, `InfeasibleError` with the limit that binds,
    `UndecidedError` where time ran out first, and `DisagreementError` for a mistake in the program or the judge.
    """
    began = time.monotonic()
    prepared = prepare(problem)
    reduced = presolve(prepared)
    smaller = prepare(reduced.problem)
    first, found = _search(smaller, Limits(time_limit_s, gap, threads), began)
    placement = _better(prepared.problem.name, first, found)
    if placement is None and found.status == "infeasible":
        raise InfeasibleError(diagnose(problem, Limits(time_limit_s, 0.0, threads)))
    if placement is None:
        raise UndecidedError(f"{problem.name}: no placement found in {time_limit_s} s; allow more time")
    placement = reduced.restore(placement)
    evaluation = judge(prepared, placement)
    if not evaluation.feasible:
        raise DisagreementError(f"{problem.name}: the answer breaks {evaluation.violations} after presolve")
    bound = min(max(found.bound, _cheapest_usd(prepared)), evaluation.objective_usd)
    objective = evaluation.objective_usd
    proven = (objective - bound) / objective if objective else 0.0
    return Solution(
        placement=placement,
        evaluation=evaluation,
        bound_usd=bound,
        gap=proven,
        bound_scope=BOUND_SCOPE if problem.penalty_usd_per_s is None else SOFT_BOUND_SCOPE,
        status="optimal" if found.status == "optimal" or proven <= gap else "time_limit",
        seconds=time.monotonic() - began,
        solver=f"HiGHS {highspy.HIGHS_VERSION_MAJOR}.{highspy.HIGHS_VERSION_MINOR}.{highspy.HIGHS_VERSION_PATCH}",
        heuristic_cost_usd=first.score.objective_usd if first and first.score.feasible else None,
    )


def _search(prepared: Prepared, limits: Limits, began: float) -> tuple[Answer | None, Found]:
    """The first answer, and what the search with a bound or the program made of it."""
    options = sum(len(operator.options) for operator in prepared.problem.operators)
    end = began + limits.time_s
    bounded = None
    if options >= LARGE_FROM:
        left_s = end - time.monotonic()
        alone = (1.0 - BOUNDED_SHARE) * left_s < PROGRAM_S * options
        bounded = search_bounded(prepared, limits.gap, (ALONE_SHARE if alone else BOUNDED_SHARE) * left_s)
    elif options >= ROUGH_FROM and limits.gap >= ROUGH_GAP and not is_scarce(prepared):
        bounded = search_bounded(prepared, limits.gap, ROUGH_SHARE * (end - time.monotonic()))
    if bounded is None or bounded.placement is None:
        first = _first(prepared, limits)
    else:
        first = Answer(bounded.placement, score(prepared, bounded.placement))
    left = replace(limits, time_s=max(0.0, end - time.monotonic()))
    if bounded is None:
        return first, improve(prepared, first, left)
    known = Found("time_limit", bounded.placement, bounded.objective_usd, bounded.bound_usd)
    near = bounded.objective_usd - bounded.bound_usd <= limits.gap * bounded.objective_usd
    if bounded.placement and (near or left.time_s < PROGRAM_S * options):
        return first, known
    found = improve(prepared, first, left)
    return first, found if found.status == "infeasible" else replace(found, bound=max(found.bound, bounded.bound_usd))


def _first(prepared: Prepared, limits: Limits) -> Answer | None:
    """The heuristic's answer; of a large problem with scarce devices the best within the pools that look best."""
    options = sum(len(operator.options) for operator in prepared.problem.operators)
    if options < SCARCE_FROM or not is_scarce(prepared):
        return greedy(prepared)
    began = time.monotonic()
    narrowed = with_open_pools(prepared, (0,) * len(prepared.problem.choices))
    if narrowed is None:
        return greedy(prepared)
    inner = prepare(narrowed.problem)
    answer = greedy(inner)
    left_s = max(0.0, SCARCE_SHARE * limits.time_s - (time.monotonic() - began))
    found = improve(inner, answer, Limits(left_s, limits.gap / 2.0, limits.threads))
    best = _better(prepared.problem.name, answer, found)
    if best is None:
        return greedy(prepared)
    placement = narrowed.restore(best)
    return Answer(placement, score(prepared, placement))


def improve(prepared: Prepared, first: Answer | None, limits: Limits) -> Found:
    """The program in units of the objective that is known; again in better ones where the answer is far below it."""
    start = first.placement if first and first.score.feasible else None
    if first and start and first.score.objective_usd == 0.0:
        return Found("optimal", start, 0.0, 0.0)
    known = _known_usd(prepared, first)
    cutoff = known * (1.0 + 1e-6) if start else math.inf
    seconds = seconds_unit(prepared)
    end = time.monotonic() + limits.time_s
    while True:
        left = Limits(max(0.0, end - time.monotonic()), limits.gap, limits.threads)
        found = search(prepared, Form("cost", usd=known / _UNITS, seconds=seconds, cutoff_usd=cutoff), left, start)
        if found.placement is None or found.status == "time_limit" or not 0.0 < found.objective < known / _UNITS:
            return found
        start, known = found.placement, found.objective
        cutoff = known * (1.0 + 1e-6)


def _known_usd(prepared: Prepared, first: Answer | None) -> float:
    """Dollars of the order of the answer: the heuristic's, whatever it breaks, or that of the dearest options."""
    if first and first.score.objective_usd > 0.0:
        return first.score.objective_usd
    operators = prepared.problem.operators
    return math.fsum(o.visits * max((row.cost_usd for row in o.options), default=0.0) for o in operators) or 1.0


def _cheapest_usd(prepared: Prepared) -> float:
    """What the operators that always run cost at the least: the bound where time ran out before any other."""
    rows = zip(prepared.problem.operators, prepared.needs, strict=True)
    always = [operator for operator, needs in rows if not needs]
    return math.fsum(o.visits * min((row.cost_usd for row in o.options), default=0.0) for o in always)


def _better(name: str, first: Answer | None, found: Found) -> Placement | None:
    """The cheaper of the two answers. Raises `DisagreementError` where the heuristic beats the bound."""
    if first is None or not first.score.feasible:
        return found.placement
    if found.status == "infeasible" or found.bound > first.score.objective_usd * (1.0 + 1e-6):
        raise DisagreementError(
            f"{name}: the heuristic costs {first.score.objective_usd}, the program says {found.status}, {found.bound}"
        )
    if found.placement is None or first.score.objective_usd < found.objective:
        return first.placement
    return found.placement
