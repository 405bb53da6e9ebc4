"""`plan --figure`: a front of cost and latency, drawn with matplotlib where it is installed."""

# pyright: reportUnknownMemberType=false
# matplotlib's methods take untyped **kwargs, so none of them is wholly known to pyright.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.pipeline import PlanResult
from placement.pareto import Front


class FigureError(OrchestratorError):
    """A figure was asked for that cannot be drawn here."""


def check_drawable() -> None:
    """Raises `FigureError` where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise FigureError("--figure needs matplotlib, which is not installed", "pip install '.[figures]' brings it")


@dataclass(frozen=True, slots=True)
class Curve:
    """What is drawn: by point, a latency, a cost and its bound; `limit` is where the SLA is, if there is one."""

    title: str
    axes: tuple[str, str]
    points: Sequence[tuple[float, float, float]]
    limit: tuple[float, str] | None


def draw_front(front: Front, result: PlanResult, file: Path) -> None:
    """Draws the front into a file, whose ending says as what. Raises `FigureError`."""
    sla = result.lowered.problem.sla
    curve = Curve(
        title=f"{result.graph.name} on fleet {result.fleet.name}",
        axes=(f"{front.stat} latency of a run, s", "cost of a run, USD"),
        points=[(each.evaluation.latency_s, each.evaluation.cost_usd, each.bound_usd) for each in front.points],
        limit=None if sla is None else (sla.limit_s, f"SLA {sla.stat}"),
    )
    draw_curve(curve, file)


def draw_curve(curve: Curve, file: Path) -> None:
    """Draws plans, their bounds and the SLA into a file. Raises `FigureError`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    latencies, dollars, bounds = ([point[at] for point in curve.points] for at in range(3))
    axes.step(latencies, dollars, where="post", color="#5b6b7b", linewidth=1)
    axes.plot(latencies, dollars, "o", color="#0071c5", label="plans")
    axes.plot(latencies, bounds, "_", color="#d1341f", label="bounds")
    if curve.limit is not None:
        axes.axvline(curve.limit[0], color="#9aa5b1", linestyle="--", label=curve.limit[1])
    axes.set_xlabel(curve.axes[0])
    axes.set_ylabel(curve.axes[1])
    axes.set_ylim(bottom=0.0)
    axes.set_title(curve.title, fontsize=10)
    axes.legend(fontsize=8)
    try:
        figure.savefig(file, dpi=120, metadata={"Software": None} if file.suffix == ".png" else None)
    except (OSError, ValueError) as error:
        raise FigureError(f"--figure {file} cannot be written: {error}", "name a .png, .svg or .pdf file") from error
