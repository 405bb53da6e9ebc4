"""Today's placement of one agent beside the plan, both judged by the same judge on the same table."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.cost_breakdown import cost_breakdown
from orchestrator.errors import OrchestratorError
from orchestrator.pipeline import PlanResult
from orchestrator.what_if import Move, devices_of, moves_between

if TYPE_CHECKING:
    from placement.evaluate import Evaluation, Violation
    from placement.plan import Plan
    from placement.problem import Placement
    from placement.solve import Solution
    from placement.today import Today


class CompareError(OrchestratorError):
    """What is written of today's placement does not fit the agent or the fleet."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two placements, a run of it: US dollars, seconds, joules at the meter, grams of CO2 equivalent.

    `latency_s` is the SLA's statistic. `facility_j` and `gco2e` (of the electricity) are None where some part is not
    known. `broken` are the limits that do not hold.
    """

    plan: Plan
    cost_usd: float
    latency_s: float
    latency_mean_s: float
    facility_j: float | None
    gco2e: float | None
    devices: dict[str, int]
    broken: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`ours` is None where no plan keeps the limits. `unsaid` operators are where they cost least today."""

    name: str
    today: Side
    ours: Side | None
    moves: tuple[Move, ...]
    unsaid: tuple[str, ...]


def compare(result: PlanResult, today: Today) -> Comparison:
    """Judges today's placement. Raises `CompareError` for what has no meaning in a metered plan, and `TodayError`."""
    from placement.today import TodayError, today_of, unused

    problem = result.problem
    names = [spec.id for spec in result.lowered.specs]
    for wrong in unused(today, {problem.name: names}):
        raise TodayError(wrong)
    for rule in today.of(problem.name):
        if rule.replicas not in (None, 1):
            raise CompareError(
                f"{rule.pattern!r} has {rule.replicas} replicas, and a metered plan pays for the time it uses",
                "take replicas out, or plan a load on a fleet with cost_basis: provisioned",
                rule.where,
            )
    agreed = today_of(problem, today, names, result.request.time_limit_s)
    side = _side(result, _as_solution(agreed.placement, agreed.evaluation))
    ours = None if result.solution is None else _side(result, result.solution)
    moves = () if ours is None else moves_between(side.plan, ours.plan)
    return Comparison(today.name, side, ours, moves, agreed.unsaid)


def _as_solution(placement: Placement, judged: Evaluation) -> Solution:
    """A placement that was given, as the record that plans are written from."""
    from placement.solve import Solution

    return Solution(
        placement=placement,
        evaluation=judged,
        bound_usd=judged.objective_usd,
        gap=0.0,
        bound_scope="a placement that was given",
        status="optimal",
        seconds=0.0,
        solver="none",
        heuristic_cost_usd=None,
    )


def _side(result: PlanResult, solution: Solution) -> Side:
    from orchestrator.provenance import heading
    from placement.evaluate import evaluate
    from placement.plan_from_ir import plan_from_ir

    estimates = evaluate(result.lowered.problem, solution.placement)
    promised = replace(solution, evaluation=estimates)
    top = heading(result.graph, result.lowered, solution, result.request.margin)
    plan = plan_from_ir(result.lowered, promised, top)
    judged = solution.evaluation
    used = [row.used for row in cost_breakdown(plan, result).rows if row.device]
    known = [each for each in used if each is not None]
    is_known = len(known) == len(used)
    return Side(
        plan=plan,
        cost_usd=judged.cost_usd,
        latency_s=judged.latency_s,
        latency_mean_s=judged.latency_mean_s,
        facility_j=math.fsum(each.facility_j for each in known) if is_known else None,
        gco2e=math.fsum(each.operational_gco2e for each in known) if is_known else None,
        devices=devices_of(plan),
        broken=judged.violations,
    )
