"""Arguments and options that several commands take, declared once so that they read alike everywhere."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.failure import Debugging
from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from placement.load import Margin


def _enable_debugging(context: typer.Context, value: bool) -> bool:
    debugging = context.find_object(Debugging)
    if value and debugging is not None:
        debugging.enabled = True
    return value


class MarginError(OrchestratorError):
    """A margin that is none."""


def read_margin(text: str | None) -> Margin:
    """A factor, 1 where nothing is given, or the word for each time's own. Raises `MarginError`."""
    from placement.load import INTERVAL, MOST_MARGIN

    if text == INTERVAL:
        return INTERVAL
    try:
        factor = 1.0 if text is None else float(text)
    except ValueError:
        factor = math.nan
    if not 1.0 <= factor <= MOST_MARGIN:
        raise MarginError(f"--margin {text!r} is no margin", f"give a number from 1 to {MOST_MARGIN:g}, or {INTERVAL}")
    return factor


def _check_time_scale(value: float) -> float:
    if not 0 < value < math.inf:
        raise typer.BadParameter(f"the fraction must be greater than zero, got {value:g}")
    return value


AgentFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A Python file that defines an agent, or a graph document (.json).")
]
AgentFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="A Python file that defines an agent, or a graph document (.json); several with --load."
    ),
]
LoadFile = Annotated[
    Path | None,
    typer.Option("--load", metavar="LOAD", help="How much each agent runs (YAML), for a fleet paid by the hour."),
]
Progress = Annotated[
    bool | None,
    typer.Option("--progress/--no-progress", help="With --load, tell better answers as they come (a terminal: yes)."),
]
ObjectiveText = Annotated[
    str,
    typer.Option(
        "--objective",
        metavar="AIM",
        help="Cost, latency, energy or carbon, with --load also throughput; a,b in order; a+0.5*b by weight.",
    ),
]
MarginText = Annotated[
    str | None,
    typer.Option(
        "--margin",
        metavar="FACTOR",
        help="Keep limits although calls take so many times their estimate, 1 to 10; or interval: each its own.",
    ),
]
AgentName = Annotated[str | None, typer.Option("--agent", metavar="NAME", help="Which agent, if FILE defines several.")]
FleetFile = Annotated[Path, typer.Option("--fleet", metavar="FLEET", help="The devices that may be used (YAML).")]
SlaText = Annotated[
    str | None,
    typer.Option("--sla", metavar="SLA", help="Limit on the whole run: p95=4s; a bare 120ms limits the worst case."),
]
Debug = Annotated[
    bool, typer.Option("--debug", callback=_enable_debugging, is_eager=True, help="Print a traceback with any error.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
AddedPasses = Annotated[
    str,
    typer.Option("--passes", metavar="LIST", help="Passes beside the default ones: 'chunk-prefill{tokens=512}'."),
]
TimeScale = Annotated[
    float,
    typer.Option(
        "--time-scale",
        metavar="FRACTION",
        callback=_check_time_scale,
        help="Fraction of its predicted time that a simulated device really takes.",
    ),
]
RayAddress = Annotated[
    str | None, typer.Option("--address", metavar="RAY", help="A Ray cluster; without it Ray starts on this machine.")
]
WithDashboard = Annotated[bool, typer.Option("--dashboard/--no-dashboard", help="Start Ray's dashboard too.")]
