"""The figures, drawn with matplotlib where it is installed; all they show is in the tables too.

matplotlib is an optional extra, imported here and in `commands.pareto_figure` alone.
"""

# pyright: reportUnknownMemberType=false
# matplotlib's methods take untyped **kwargs, so none of them is wholly known to pyright.

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from costmodel.paper_devices import DEVICES, NAMES
from costmodel.phase import Workload
from orchestrator.reproduction.experiments import of_load
from orchestrator.reproduction.figure4 import METRICS, capex_per
from orchestrator.reproduction.scenario import BASIS, DECODE_HEAVY, PREFILL_HEAVY, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOW_TO = "figures were not drawn: matplotlib is not installed; `pip install '.[figures]'` in the checkout brings it"
DPI = 90
COLOURS = ("#9aa5b1", "#5b6b7b", "#0071c5", "#d1341f", "#76b900", "#2f5d00")
"""One for each device, in the order of the table."""


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw(name: str, folder: Path) -> None:
    """Draws a figure into a file of a folder. Raises ModuleNotFoundError without matplotlib."""
    figure = FIGURES[name]()
    figure.savefig(folder / name, dpi=DPI, metadata={"Software": None})


def _capital() -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3), layout="constrained")
    for place, metric in enumerate(METRICS, start=1):
        axes = figure.add_subplot(1, len(METRICS), place)
        values = capex_per(metric, "dense")
        shown = [id_ for id_ in DEVICES if id_ in values]
        colours = [COLOURS[DEVICES.index(id_)] for id_ in shown]
        axes.bar([NAMES[id_] for id_ in shown], [values[id_] for id_ in shown], color=colours)
        axes.set_title(metric.name, fontsize=9)
        axes.tick_params(axis="x", labelrotation=60, labelsize=7)
        axes.tick_params(axis="y", labelsize=7)
    return figure


def _pairs(load: Workload) -> Figure:
    from matplotlib.figure import Figure

    results = of_load(BASIS, load)
    figure = Figure(figsize=(13, 3.1 * len(results) / 2), layout="constrained")
    for place, result in enumerate(results, start=1):
        _bars(figure.add_subplot(len(results) // 2, 2, place), result)
    figure.suptitle(
        f"Tokens per second and dollar over H100::H100, {load} tokens in/out; dense rates, full cost; x: no batch",
        fontsize=10,
    )
    return figure


def _bars(axes: Axes, result: Result) -> None:
    """Pairs grouped by prefill device, one bar for each decode device."""
    width = 0.8 / len(DEVICES)
    for place, decode in enumerate(DEVICES):
        heights = [result.benefit.get((prefill, decode), 0.0) for prefill in DEVICES]
        where = [group + (place - (len(DEVICES) - 1) / 2) * width for group in range(len(DEVICES))]
        axes.bar(where, heights, width, color=COLOURS[place], label=f"::{NAMES[decode]}")
        for x, height in zip(where, heights, strict=True):
            if not height:
                axes.text(x, 0.02, "x", ha="center", va="bottom", fontsize=6)
    axes.axhline(1.0, color="black", linewidth=0.6)
    axes.set_xticks(range(len(DEVICES)), [f"{NAMES[id_]}::" for id_ in DEVICES], fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_title(" ".join(("Llama 3", *result.key[1:3], result.key[3], "SLA")), fontsize=9)
    axes.legend(fontsize=6, ncols=len(DEVICES), loc="upper left", frameon=False)
    axes.set_ylim(0, 1.25 * max(result.benefit.values(), default=1.0))


FIGURES: Mapping[str, Callable[[], Figure]] = {
    "figure4.png": _capital,
    "figure8.png": lambda: _pairs(DECODE_HEAVY),
    "figure9.png": lambda: _pairs(PREFILL_HEAVY),
}
