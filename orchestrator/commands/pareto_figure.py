"""`plan --figure`: the front of cost and latency, drawn with matplotlib where it is installed."""

# pyright: reportUnknownMemberType=false
# matplotlib's methods take untyped **kwargs, so none of them is wholly known to pyright.

from __future__ import annotations

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


def draw_front(front: Front, result: PlanResult, file: Path) -> None:
    """Draws the front into a file, whose ending says as what. Raises `FigureError`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    seconds = [point.evaluation.latency_s for point in front.points]
    dollars = [point.evaluation.cost_usd for point in front.points]
    bounds = [point.bound_usd for point in front.points]
    axes.step(seconds, dollars, where="post", color="#5b6b7b", linewidth=1)
    axes.plot(seconds, dollars, "o", color="#0071c5", label="plans")
    axes.plot(seconds, bounds, "_", color="#d1341f", label="bounds")
    sla = result.lowered.problem.sla
    if sla is not None:
        axes.axvline(sla.limit_s, color="#9aa5b1", linestyle="--", label=f"SLA {sla.stat}")
    axes.set_xlabel(f"{front.stat} latency of a run, s")
    axes.set_ylabel("cost of a run, USD")
    axes.set_ylim(bottom=0.0)
    axes.set_title(f"{result.graph.name} on fleet {result.fleet.name}", fontsize=10)
    axes.legend(fontsize=8)
    try:
        figure.savefig(file, dpi=120, metadata={"Software": None} if file.suffix == ".png" else None)
    except (OSError, ValueError) as error:
        raise FigureError(f"--figure {file} cannot be written: {error}", "name a .png, .svg or .pdf file") from error
