"""`plan --load --pareto`: the front of cost per hour and latency as a table, as JSON and as a figure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ir.duration import format_duration
from orchestrator.commands.text import percent, table, usd
from orchestrator.errors import OrchestratorError
from orchestrator.fleet_pipeline import FleetPlan

if TYPE_CHECKING:
    from placement.shared_pareto import SharedFront, SharedPoint

HEADER = ("", "of SLA", "slowest", "latency", "cost/hour", "bound", "gap", "devices")


class FleetParetoError(OrchestratorError):
    """A front that was asked for of agents without an SLA, or of one that the load does not have."""


def fleet_pareto(plan: FleetPlan, agent: str | None, time_s: float) -> SharedFront:
    """The front of one agent's latency, or of the slowest relative to its SLA. Raises `FleetParetoError`."""
    from placement.shared_pareto import shared_pareto

    problem = plan.shared.problem
    if not plan.feasible and any(not row.options for each in problem.agents for row in each.problem.operators):
        raise FleetParetoError("--pareto needs operators that can run somewhere", plan.why)
    names = {each.name: each.problem.sla for each in problem.agents}
    if agent is not None and agent not in names:
        raise FleetParetoError(f"--agent names {agent!r}", f"the load has {', '.join(names)}")
    wanted = list(names) if agent is None else [agent]
    if not any(names[name] for name in wanted):
        raise FleetParetoError(
            f"--pareto is of the statistic of an SLA, and {', '.join(wanted)} has none", "give it an sla in the load"
        )
    return shared_pareto(problem, wanted, time_s)


def fleet_pareto_lines(front: SharedFront, plan: FleetPlan) -> Iterator[str]:
    """The table, fastest first; `*` marks the cheapest point that keeps the SLAs, if there is one."""
    yield ""
    yield f"cost per hour against {_subject(front)}: of no plan below is another both cheaper and faster"
    kept = [point for point in front.points if point.share <= 1.0 + 1e-9]
    rows = [_row(point, plan, is_kept=bool(kept) and point is kept[-1]) for point in front.points]
    yield table(HEADER, rows, HEADER[1:2] + HEADER[3:7])
    if not front.is_complete:
        yield "the time limit cut searches short: cheaper plans may be missing"


def fleet_pareto_json(front: SharedFront, plan: FleetPlan) -> dict[str, Any]:
    """The same as a document: shares of the SLA, US dollars an hour, seconds of each agent's statistic."""
    return {
        "agents": list(front.agents),
        "is_complete": front.is_complete,
        "points": [_document(point, plan) for point in front.points],
    }


def draw_fleet_front(front: SharedFront, plan: FleetPlan, file: Path) -> None:
    """Draws the front into a file, whose ending says as what. Raises `FigureError`."""
    from orchestrator.commands.pareto_figure import Curve, draw_curve

    points = [(each.share, each.evaluation.usd_per_hour, _bound(each)) for each in front.points]
    axes = (f"{_subject(front)}, share of the SLA", "cost per hour, USD")
    draw_curve(Curve(f"{plan.load.name} on fleet {plan.fleet.name}", axes, points, (1.0, "SLA")), file)


def _subject(front: SharedFront) -> str:
    if len(front.agents) == 1:
        return f"the latency of {front.agents[0]}"
    return "the latency of the slowest agent relative to its SLA"


def _row(point: SharedPoint, plan: FleetPlan, *, is_kept: bool) -> tuple[str, ...]:
    return (
        "*" if is_kept else "",
        f"{point.share:.0%}",
        point.slowest,
        format_duration(_latencies(point)[point.slowest]),
        usd(point.evaluation.usd_per_hour),
        usd(_bound(point)),
        percent(point.gap),
        ", ".join(f"{count} {device}" for device, count in _devices(point).items()),
    )


def _document(point: SharedPoint, plan: FleetPlan) -> dict[str, Any]:
    levels = zip(plan.shared.problem.levels, point.placement.replicas, strict=True)
    return {
        "share_of_sla": point.share,
        "slowest": point.slowest,
        "latency_s": _latencies(point),
        "usd_per_hour": point.evaluation.usd_per_hour,
        "bound_usd_per_hour": _bound(point),
        "gap": point.gap,
        "bound_scope": "surrogate",
        "devices": _devices(point),
        "replicas": {level.pool.id: count for level, count in levels if count},
    }


def _bound(point: SharedPoint) -> float:
    return point.evaluation.usd_per_hour * (1.0 - point.gap)


def _latencies(point: SharedPoint) -> dict[str, float]:
    return {agent.name: agent.latency_s for agent in point.evaluation.agents}


def _devices(point: SharedPoint) -> dict[str, int]:
    return {device: count for device, count in point.evaluation.devices_used.items() if count}
