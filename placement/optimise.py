"""Solves one form of the placement program and has the judge confirm what the solver claims.

A claim that the judge does not share ends loudly. The one exception: the solver's tolerances may let a placement slip
over a limit by rounding; such a placement is cut off and the program solved again.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Literal

from placement.evaluate import Score, score
from placement.highs import Limits, minimise
from placement.milp import Program, forbid, formulate, read_placement, start_columns
from placement.milp_columns import Form
from placement.prepared import Prepared
from placement.problem import Placement

CLAIM_TOLERANCE = 1e-6
"""By how much of its value a claim of the solver may differ from the judge's."""

SLIP = 1e-5
"""By how much of its limit a latency may slip over it through the solver's tolerances."""

MOST_CUTS = 50


class DisagreementError(RuntimeError):
    """The program and the judge disagree about a placement: a mistake in one of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """How a form was solved: `objective` and `bound` in dollars, seconds, devices or links, as the goal says."""

    status: Literal["optimal", "infeasible", "time_limit"]
    placement: Placement | None
    objective: float
    bound: float


def optimise(prepared: Prepared, form: Form, limits: Limits, start: Placement | None = None) -> Found:
    """Solves the form from an optional starting placement. Raises `DisagreementError` and `SolverError`."""
    return optimise_program(formulate(prepared, form), prepared, form, limits, start)


def optimise_program(
    program: Program, prepared: Prepared, form: Form, limits: Limits, start: Placement | None
) -> Found:
    """As `optimise`, for a program of that form that is already built, or narrowed."""
    first = start_columns(program, start) if start else None
    unit = {"cost": form.usd, "latency": form.seconds}.get(form.goal, 1.0)
    end = time.monotonic() + limits.time_s
    for _ in range(MOST_CUTS):
        left = replace(limits, time_s=max(0.0, end - time.monotonic()))
        outcome = minimise(program.model, left, first)
        if outcome.values is None:
            return Found(outcome.status, None, math.inf, max(0.0, outcome.bound * unit))
        placement = read_placement(program, prepared, outcome.values)
        judged = score(prepared, placement)
        objective, bound = outcome.objective * unit, max(0.0, outcome.bound * unit)
        if _keeps_limits(prepared, form, judged):
            _confirm(prepared, form, judged, (objective, bound))
            return Found(outcome.status, placement, objective, bound)
        forbid(program, placement)
    raise DisagreementError(f"{prepared.problem.name}: {MOST_CUTS} placements slipped over the SLA; use a smaller gap")


def _keeps_limits(prepared: Prepared, form: Form, judged: Score) -> bool:
    """Whether the judge accepts the placement under the form's limits; False where it only slipped over the SLA."""
    if form.goal == "links":
        return True
    if form.goal != "devices" and judged.broken:
        raise DisagreementError(f"{prepared.problem.name}: the program's placement breaks {judged.broken} limits")
    sla = prepared.problem.sla
    if sla is None or not form.keep_sla or form.goal == "latency" or judged.over_s == 0.0:
        return True
    if judged.over_s > SLIP * sla.limit_s:
        raise DisagreementError(f"{prepared.problem.name}: the program's placement is {judged.over_s} s over the SLA")
    return False


def _confirm(prepared: Prepared, form: Form, judged: Score, claim: tuple[float, float]) -> None:
    """The objective claimed is no less than the judge's, and the bound no more."""
    points = judged.objective_usd + form.usd_per_s * judged.latency_s
    truth = {"cost": points, "latency": judged.latency_s}.get(form.goal)
    if truth is None:
        return
    objective, bound = claim
    tolerance = CLAIM_TOLERANCE * max(truth, form.usd if form.goal == "cost" else form.seconds)
    if objective < truth - tolerance or bound > truth + tolerance:
        raise DisagreementError(
            f"{prepared.problem.name}: the program claims {objective} with bound {bound}, the judge says {truth}"
        )
