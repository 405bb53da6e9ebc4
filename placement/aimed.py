"""The best placement of a metered problem for other aims than dollars, one after another, with a bound for each.

Of placements that are equally good the cheapest is taken, as most aims leave open where operators are that they do not
count.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import highspy

from ir.sla import Sla
from placement.aimed_step import EQUAL, Held, Stage, best
from placement.evaluate import judge
from placement.highs import Limits
from placement.optimise import DisagreementError, Found
from placement.prepared import prepare
from placement.problem import Placement, Problem
from placement.run_aims import AimError, Aims, RunAim, amount
from placement.solve import BOUND_SCOPE, DEFAULT_GAP, Solution

COST = RunAim(usd=1.0)
NOT_DOLLARS = "nothing: dollars are not what is minimised"

_SMALLEST_S = 1e-12
"""Stands for a limit of nothing, which an SLA may not state."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What the answer reaches of an aim. No placement that keeps the aims before it comes below `bound`."""

    value: float
    bound: float

    @property
    def gap(self) -> float:
        """(value - bound) / value."""
        return (self.value - self.bound) / self.value if self.value else 0.0


@dataclass(frozen=True, slots=True)
class Aimed:
    """The answer, judged like any other, and what it reaches of each aim in turn.

    The solution's bound is of dollars where the first aim is dollars alone, and 0 otherwise.
    """

    solution: Solution
    reached: tuple[Reached, ...]

    def again(self, problem: Problem, asked: Aims, placement: Placement) -> tuple[Reached, ...]:
        """What another placement, which is no worse, reaches of each aim."""
        values = (amount(problem, asked.uses, aim, placement) for aim in asked.aims)
        return tuple(Reached(value, min(each.bound, value)) for value, each in zip(values, self.reached, strict=True))


def solve_aims(problem: Problem, asked: Aims, *, time_limit_s: float, gap: float = DEFAULT_GAP) -> Aimed:
    """The best placement for the aims under all limits; each aim has an equal share of the time that is left.

    Raises as `solve`, and `AimError`; a later aim for which time was too short leaves the placement as it was.
    """
    _check(problem, asked)
    began = time.monotonic()
    steps = _steps(asked)
    stage = Stage(problem, asked.uses, steps[0][0])
    found: list[Found] = []
    for position, (aim, tolerance) in enumerate(steps):
        stage = replace(stage, aim=aim)
        left_s = max(0.0, began + time_limit_s - time.monotonic())
        found.append(best(stage, Limits(left_s / (len(steps) - position), gap)))
        stage = _after(replace(stage, start=found[-1].placement), tolerance)
    assert stage.start is not None, "an aim without a placement raises"
    return _answer(problem, asked, stage.start, found, time.monotonic() - began)


def _check(problem: Problem, asked: Aims) -> None:
    if not asked.aims:
        raise AimError("there is no aim; give one or more")
    if problem.penalty_usd_per_s is not None and not all(aim.usd for aim in asked.aims):
        raise AimError("a soft SLA is paid in dollars, and an aim counts none; minimise cost, or make the SLA hard")


def _steps(asked: Aims) -> list[tuple[RunAim, float]]:
    """Each aim with what later ones may give up of it; then the cheapest, where the last aim leaves it open."""
    *earlier, last = asked.aims
    steps = [(aim, asked.tolerance) for aim in earlier]
    if last.usd or (last.seconds and not last.is_latency):
        return [*steps, (last, 0.0)]
    return [*steps, (last, EQUAL), (COST, 0.0)]


def _after(stage: Stage, tolerance: float) -> Stage:
    """With what the stage's placement reached as a limit for the aims that come."""
    assert stage.start is not None, "an aim without a placement raises"
    aim, problem = stage.aim, stage.problem
    most = amount(problem, stage.uses, aim, stage.start) * (1.0 + tolerance)
    if not aim.is_latency:
        return stage if aim.seconds else replace(stage, held=(*stage.held, Held(aim, most)))
    limit_s, sla = max(most / aim.seconds, _SMALLEST_S), problem.sla
    limit = Sla("worst", limit_s) if sla is None else Sla(sla.stat, min(sla.limit_s, limit_s))
    return replace(stage, problem=replace(problem, sla=limit, penalty_usd_per_s=None))


def _answer(problem: Problem, asked: Aims, placement: Placement, found: Sequence[Found], seconds: float) -> Aimed:
    judged = judge(prepare(problem), placement)
    if not judged.feasible:
        raise DisagreementError(f"{problem.name}: the answer breaks {judged.violations}")
    values = [amount(problem, asked.uses, aim, placement) for aim in asked.aims]
    reached = tuple(Reached(value, min(step.bound, value)) for value, step in zip(values, found, strict=False))
    bounds_cost, cost = asked.aims[0] == COST, judged.objective_usd
    bound_usd = reached[0].bound if bounds_cost else 0.0
    version = f"{highspy.HIGHS_VERSION_MAJOR}.{highspy.HIGHS_VERSION_MINOR}.{highspy.HIGHS_VERSION_PATCH}"
    solution = Solution(
        placement=placement,
        evaluation=judged,
        bound_usd=bound_usd,
        gap=(cost - bound_usd) / cost if cost else 0.0,
        bound_scope=BOUND_SCOPE if bounds_cost else NOT_DOLLARS,
        status="optimal" if all(step.status == "optimal" for step in found) else "time_limit",
        seconds=seconds,
        solver=f"HiGHS {version}",
        heuristic_cost_usd=None,
    )
    return Aimed(solution, reached)
