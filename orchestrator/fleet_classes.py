"""The best plans of a load on one accelerator class each, beside the plan: one that is cheaper takes its place.

Both are found by searches that end with a gap, so that the smaller problem of one class can be solved better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.fleet_pipeline import FleetPlan, plans_of

if TYPE_CHECKING:
    from placement.shared_evaluate import SharedEvaluation
    from placement.shared_homogeneous import SharedHomogeneous
    from placement.shared_problem import SharedPlacement

SHARE = 0.2
"""The part of the time limit that the comparison takes at most."""

LEAST_GAIN = 1e-6
"""A plan that saves a smaller part of the cost does not take the other's place."""


def with_classes(plan: FleetPlan, time_limit_s: float) -> FleetPlan:
    """The plan with a row for each accelerator class of the fleet, each with as many devices of it as can be used.

    Where cost is minimised, the cheapest row that the fleet has the devices for becomes the plan if it costs less; the
    bound stays. Raises `ProblemError` for a table that contradicts itself.
    """
    from placement.pricing import runs_functions
    from placement.shared_homogeneous import shared_homogeneous

    cores = {each.id for each in plan.fleet.classes if runs_functions(each)}
    rows = shared_homogeneous(plan.shared.problem, cores, SHARE * time_limit_s)
    plan = replace(plan, homogeneous=rows)
    if plan.answer is None or not plan.objective.is_cost:
        return plan
    ours_usd = plan.answer.evaluation.objective_usd_per_hour
    cheapest = min(_that_hold(plan, rows), key=lambda found: found[1].objective_usd_per_hour, default=None)
    if cheapest is None or cheapest[1].objective_usd_per_hour >= ours_usd * (1.0 - LEAST_GAIN):
        return plan
    return _in_its_place(plan, *cheapest)


def _that_hold(
    plan: FleetPlan, rows: tuple[SharedHomogeneous, ...]
) -> Iterator[tuple[SharedPlacement, SharedEvaluation]]:
    """The rows that keep the fleet's counts too, judged among all classes."""
    from placement.confidence import surely_hold
    from placement.shared_evaluate import judge_shared
    from placement.shared_solve import SAMPLES

    for row in rows:
        if row.placement is not None and row.devices <= row.had:
            verdict = judge_shared(plan.shared.problem, row.placement, samples=SAMPLES)
            if verdict.feasible and all(surely_hold(plan.shared.problem, verdict)):
                yield row.placement, verdict


def _in_its_place(plan: FleetPlan, placement: SharedPlacement, verdict: SharedEvaluation) -> FleetPlan:
    """The plan of one class, with what was proven of plans of all classes."""
    assert plan.answer is not None
    ours_usd, usd = plan.answer.evaluation.objective_usd_per_hour, verdict.objective_usd_per_hour
    bound_usd = min(usd, ours_usd * (1.0 - plan.answer.gap))
    gap = (usd - bound_usd) / usd if usd else 0.0
    answer = replace(plan.answer, placement=placement, evaluation=verdict, gap=gap, kappas=(), unsplit=None)
    return replace(plan, answer=answer, plans=tuple(plans_of(plan.graphs, plan.shared, answer)))
