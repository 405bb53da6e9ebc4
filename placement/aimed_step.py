"""One aim of several: the program of a metered problem with rows for what earlier aims reached."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from placement.evaluate import exceeds, score
from placement.greedy import greedy
from placement.highs import Limits
from placement.infeasible import InfeasibleError, UndecidedError, diagnose
from placement.milp import formulate
from placement.milp_columns import Form, seconds_unit
from placement.optimise import DisagreementError, Found, optimise_program
from placement.prepared import Prepared, prepare
from placement.presolve import presolve
from placement.problem import Placement, Problem
from placement.run_aims import RunAim, Uses, in_points
from placement.solve import solve

EQUAL = 1e-6
"""What differs by this share or less is equal: the solver's tolerance of an answer."""

_UNITS = 1000.0
"""What is known of an aim, in the program's units: far above the solver's absolute tolerances."""


@dataclass(frozen=True, slots=True)
class Held:
    """An aim without seconds that may come to so many points."""

    aim: RunAim
    most: float


@dataclass(frozen=True, slots=True)
class Stage:
    """What one aim starts from: the problem with the latency that earlier aims reached as its limit, what these may
    come to otherwise, and a placement that keeps all of it (None: the first aim)."""

    problem: Problem
    uses: Uses
    aim: RunAim
    held: tuple[Held, ...] = ()
    start: Placement | None = None


def best(stage: Stage, limits: Limits) -> Found:
    """The best placement for the stage's aim; its start where time was too short.

    Raises `InfeasibleError` and `UndecidedError` where it has no start, and `DisagreementError`.
    """
    try:
        found = _found(stage, limits)
    except UndecidedError:
        if stage.start is None:
            raise
        return Found("time_limit", stage.start, math.inf, 0.0)
    if stage.start is not None:
        if found.status == "infeasible":
            raise DisagreementError(f"{stage.problem.name}: what was reached before cannot be reached again")
        return found if found.placement is not None else replace(found, placement=stage.start)
    if found.placement is None and found.status == "time_limit":
        raise UndecidedError(f"{stage.problem.name}: no placement found in {limits.time_s:.3g} s; allow more time")
    if found.placement is None or score(prepare(stage.problem), found.placement).over_s:
        raise InfeasibleError(diagnose(stage.problem, limits))
    return found


def _found(stage: Stage, limits: Limits) -> Found:
    table = in_points(stage.problem, stage.uses, stage.aim)
    if stage.held:
        return _after(stage, table, limits)
    if not stage.aim.seconds:
        solution = solve(table, time_limit_s=limits.time_s, gap=limits.gap, threads=limits.threads)
        return Found(solution.status, solution.placement, solution.evaluation.objective_usd, solution.bound_usd)
    return _with_seconds(stage.problem, table, stage.aim, limits)


def _with_seconds(problem: Problem, table: Problem, aim: RunAim, limits: Limits) -> Found:
    """The program of what presolve leaves, from the heuristic's cheapest placement."""
    reduced = presolve(prepare(table))
    rows = zip(problem.operators, reduced.kept, strict=True)
    operators = (replace(each, options=tuple(each.options[index] for index in kept)) for each, kept in rows)
    answer = greedy(prepare(replace(problem, operators=tuple(operators))))
    start = answer.placement if answer is not None and answer.score.feasible else None
    found = _search(prepare(reduced.problem), aim, start, limits)
    return found if found.placement is None else replace(found, placement=reduced.restore(found.placement))


def _after(stage: Stage, table: Problem, limits: Limits) -> Found:
    """With rows for what was reached of the aims before."""
    held = [(prepare(in_points(stage.problem, stage.uses, each.aim)), each.most) for each in stage.held]
    found = _search(prepare(table), stage.aim, stage.start, limits, held)
    for prepared, most in held:
        reached = 0.0 if found.placement is None else score(prepared, found.placement).objective_usd
        if exceeds(reached, most * (1.0 + EQUAL)):
            raise DisagreementError(f"{stage.problem.name}: {reached} of an earlier aim, and {most} is the most")
    return found


_Rows = Sequence[tuple[Prepared, float]]
"""Tables in the points of earlier aims, and the most that each may come to."""


def _search(prepared: Prepared, aim: RunAim, start: Placement | None, limits: Limits, held: _Rows = ()) -> Found:
    """The program, again in better units where the answer is far below what was known."""
    end = time.monotonic() + limits.time_s
    known = _known(prepared, aim, start)
    while True:
        form = _form(prepared, aim, known / _UNITS, all_flows=bool(held))
        program = formulate(prepared, form)
        for other, most in held:
            points = most / _UNITS or 1.0
            costs = formulate(other, Form("cost", keep_sla=False, usd=points, all_flows=True)).model.cost
            terms = {column: cost for column, cost in enumerate(costs) if cost}
            program.model.row(-math.inf, terms, most / points)
        left = replace(limits, time_s=max(0.0, end - time.monotonic()))
        found = optimise_program(program, prepared, form, left, start)
        if aim.is_latency:
            return replace(found, objective=aim.seconds * found.objective, bound=aim.seconds * found.bound)
        if found.placement is None or found.status == "time_limit" or not 0.0 < found.objective < known / _UNITS:
            return found
        start, known = found.placement, found.objective


def _form(prepared: Prepared, aim: RunAim, usd: float, *, all_flows: bool) -> Form:
    seconds = seconds_unit(prepared)
    if aim.is_latency:
        return Form("latency", keep_sla=False, seconds=seconds, all_flows=all_flows)
    return Form("cost", usd=usd, seconds=seconds, usd_per_s=aim.seconds, all_flows=all_flows)


def _known(prepared: Prepared, aim: RunAim, start: Placement | None) -> float:
    """Points of the order of the answer: those of the start, or of the dearest options and their seconds."""
    if start is not None:
        found = score(prepared, start)
        return found.objective_usd + aim.seconds * found.latency_s or 1.0
    rows = (
        each.visits * max((row.cost_usd + aim.seconds * row.latency_s for row in each.options), default=0.0)
        for each in prepared.problem.operators
    )
    return math.fsum(rows) or 1.0
