"""`plan --pareto`: the front of cost and latency as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.text import percent, table, usd
from orchestrator.pipeline import PlanResult
from placement.pareto import Front, Point

_NUMBERS = ("latency", "cost/run", "bound", "gap")


def pareto_lines(front: Front, result: PlanResult) -> Iterator[str]:
    """The table, fastest first; `*` marks the cheapest point that keeps the SLA, if there is one."""
    yield ""
    yield f"cost against {front.stat} latency: of no plan below is another both cheaper and faster"
    kept = _cheapest_within(front, result)
    rows = [_row(point, result, point is kept) for point in front.points]
    yield table(("", "latency", "cost/run", "bound", "gap", "devices"), rows, _NUMBERS)
    if not front.is_complete:
        yield "the time limit ended the search: slower and cheaper plans may be missing"


def pareto_json(front: Front, result: PlanResult) -> dict[str, Any]:
    """The same as a document; seconds and dollars of a run, and the place of each operator."""
    return {
        "stat": front.stat,
        "is_complete": front.is_complete,
        "points": [
            {
                "latency_s": point.evaluation.latency_s,
                "cost_usd": point.evaluation.cost_usd,
                "bound_usd": point.bound_usd,
                "gap": point.gap,
                "devices": _devices(point),
                "operators": _operators(point, result),
            }
            for point in front.points
        ],
    }


def _cheapest_within(front: Front, result: PlanResult) -> Point | None:
    sla = result.lowered.problem.sla
    within = [point for point in front.points if sla is None or point.evaluation.latency_s <= sla.limit_s * (1 + 1e-9)]
    return within[-1] if within else None


def _row(point: Point, result: PlanResult, is_kept: bool) -> tuple[str, ...]:
    judged = point.evaluation
    return (
        "*" if is_kept else "",
        format_duration(judged.latency_s),
        usd(judged.cost_usd),
        usd(point.bound_usd),
        percent(point.gap),
        ", ".join(f"{count} {device}" for device, count in _devices(point).items()),
    )


def _devices(point: Point) -> dict[str, int]:
    return {device: count for device, count in point.evaluation.devices_used.items() if count}


def _operators(point: Point, result: PlanResult) -> dict[str, str]:
    """By operator, its pool."""
    problem = result.lowered.problem
    rows = zip(result.lowered.specs, problem.operators, point.placement.option, strict=True)
    return {
        spec.id: problem.pools[operator.options[option].pool].id
        for spec, operator, option in rows
        if option is not None
    }
