"""Which limits bind, and what loosening each is worth: by solving again with a little more, and by the dual price.

A dual price speaks of the linear relaxation, where operators may be split; the solves speak of plans, so where they
differ the solves count. Plans are discrete: the step of an SLA is the one that reaches the next cheaper plan.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ir.sla import Sla
from placement.evaluate import judge
from placement.highs import Limits
from placement.infeasible import UndecidedError
from placement.kernel import relaxation
from placement.milp import SLA_ROW, formulate
from placement.milp_columns import Form, seconds_unit
from placement.pareto import fastest_within
from placement.prepared import prepare
from placement.presolve import presolve
from placement.problem import Problem
from placement.restrict import enough, with_counts
from placement.solve import Solution, solve

TIME_S = 5.0
"""Seconds for all limits."""

_EQUAL = 1e-6


@dataclass(frozen=True, slots=True)
class ShadowPrice:
    """A limit that binds: a run of the best plan costs `saves_usd` less with `step` more (one device; for an SLA the
    fewest seconds with which any plan is cheaper), and `free_usd` less without the limit.

    `dual_usd` is what one more unit (a second, a device) saves of a run by the relaxation's dual price; None where it
    was not solved. Time may have ended the search for `step`: then it and `saves_usd` are 0.
    """

    kind: Literal["sla", "devices"]
    what: str
    limit: float
    dual_usd: float | None
    step: float
    saves_usd: float
    free_usd: float

    @property
    def unit_usd(self) -> float | None:
        """Dollars of a run that a unit of the step saves, by solves."""
        return self.saves_usd / self.step if self.step else None


def shadow_prices(problem: Problem, solution: Solution, time_s: float = TIME_S) -> tuple[ShadowPrice, ...]:
    """The limits without which a run would cost less. A soft SLA has its price already, and is no limit."""
    end = time.monotonic() + time_s
    best = solution.evaluation.objective_usd
    duals = _duals(problem, best, time_s)
    return tuple(_binding(problem, best, duals, end))


def _binding(problem: Problem, best: float, duals: dict[str, float], end: float) -> Iterator[ShadowPrice]:
    sla = problem.sla
    if sla is not None and problem.penalty_usd_per_s is None:
        free = best - _cost_usd(replace(problem, sla=None), best, end)
        if free > _EQUAL * best:
            step_s, saves = _next_cheaper(problem, sla, best, end)
            yield ShadowPrice("sla", sla.stat, sla.limit_s, duals.get(SLA_ROW), step_s, saves, free)
    for row in problem.capacities:
        most = enough(problem, row.device)
        if most <= row.count:
            continue
        free = best - _cost_usd(with_counts(problem, {row.device: most}), best, end)
        if free > _EQUAL * best:
            saves = best - _cost_usd(with_counts(problem, {row.device: row.count + 1}), best, end)
            yield ShadowPrice("devices", row.device, float(row.count), duals.get(row.device), 1.0, saves, free)


def _next_cheaper(problem: Problem, sla: Sla, best: float, end: float) -> tuple[float, float]:
    """By how many seconds the fastest of all cheaper plans is over the SLA, and what the best plan of that time saves.

    Zeros where time was too short.
    """
    reduced = presolve(prepare(problem))
    left = Limits(max(0.0, end - time.monotonic()), _EQUAL)
    found = fastest_within(reduced.problem, best * (1.0 - _EQUAL), None, left)
    if found.placement is None:
        return 0.0, 0.0
    next_s = judge(prepare(problem), reduced.restore(found.placement)).latency_s
    longer = replace(problem, sla=Sla(sla.stat, next_s))
    return max(0.0, next_s - sla.limit_s), best - _cost_usd(longer, best, end)


def _cost_usd(problem: Problem, best: float, end: float) -> float:
    """The objective of the best plan of a loosened problem, never more than before."""
    try:
        answer = solve(problem, time_limit_s=max(0.0, end - time.monotonic()))
    except UndecidedError:
        return best
    return min(best, answer.evaluation.objective_usd)


def _duals(problem: Problem, best: float, time_s: float) -> dict[str, float]:
    """By limit, the dollars of a run that one unit more saves in the linear relaxation."""
    prepared = prepare(problem)
    form = Form("cost", usd=best / 1000.0 or 1.0, seconds=seconds_unit(prepared))
    program = formulate(prepared, form)
    relaxed = relaxation(program, time_s)
    if relaxed is None:
        return {}
    unit = {SLA_ROW: form.seconds}
    return {
        name: max(0.0, -relaxed.row_prices[row]) * form.usd / unit.get(name, 1.0) for name, row in program.rows.items()
    }
