"""`orchestrator replan`: from plans that run and an event to new plans, by steps. It starts and stops nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.arguments import AddedPasses, AgentFiles, AsJson, Debug, FleetFile, LoadFile
from orchestrator.commands.failure import INFEASIBLE
from orchestrator.commands.text import json_text
from orchestrator.errors import OrchestratorError


class ReplanOptionError(OrchestratorError):
    """Options of `replan` that do not go together, or a plan that is not there."""


def replan(
    files: AgentFiles,
    *,
    plan: Annotated[
        Path,
        typer.Option("--plan", metavar="PLAN", help="What runs, from `plan --out`: a document, with --load a folder."),
    ],
    fleet: FleetFile,
    load: LoadFile = None,
    lost: Annotated[
        list[str] | None, typer.Option("--lost", metavar="CLASS[:N]", help="Devices that are gone; several times.")
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option("--price", metavar="CLASS=USD", help="What an hour of a device costs now.")
    ] = None,
    load_up: Annotated[
        list[str] | None, typer.Option("--load-up", metavar="AGENT=RATE", help="Runs a second that an agent has now.")
    ] = None,
    new_load: Annotated[
        Path | None, typer.Option("--new-load", metavar="LOAD", help="A load file that holds from now on.")
    ] = None,
    move_cost: Annotated[
        float, typer.Option("--move-cost", metavar="USD", min=0, help="What it costs to move an operator.")
    ] = 0.0,
    over: Annotated[
        float | None,
        typer.Option(
            "--over", metavar="N", min=1e-9, help="Runs (1000), or with --load hours (1), in which a move must pay."
        ),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="As the plan was made with.")] = 1,
    precision: Annotated[str, typer.Option("--precision", metavar="LIST", help="As the plan was made with.")] = "fp16",
    passes: AddedPasses = "",
    calibration: Annotated[
        str, typer.Option("--calibration", metavar="FILE", help="As the plan was made with.")
    ] = "shipped",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PLAN", help="Write the new plan; with --load into a folder.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Change running plans as little as an event demands: what to start, route and stop, in order.

    Exit code 2 when no plan keeps the limits any more.
    """
    from costmodel.fleet import load_fleet
    from orchestrator.commands.replan_text import replan_json, replan_text
    from orchestrator.events import parse_event
    from orchestrator.fleet_pipeline import FleetRequest
    from orchestrator.pipeline import PlanRequest
    from orchestrator.replan_files import Loaded, replan_files, replan_loaded, write
    from orchestrator.replanning import Wanted
    from placement.replan import MovePrice

    event = parse_event(lost or (), price or (), load_up or ())
    precisions = tuple(name.strip() for name in precision.split(","))
    runs = over if over is not None else (1000.0 if load is None else 1.0)
    wanted = Wanted(event, MovePrice(move_cost, runs))
    if load is None:
        if event.rates or new_load is not None:
            raise ReplanOptionError(
                "a metered plan does not depend on load", "give --load, the load that the plans were made for"
            )
        request = PlanRequest(batch=batch, precisions=precisions, calibration=calibration, passes=passes)
        found = replan_files(files, plan, load_fleet(fleet), request, wanted)
    else:
        if batch != 1 or passes:
            raise ReplanOptionError("--batch and --passes do not go with --load", "leave them out")
        asked = FleetRequest(precisions, calibration=calibration)
        found = replan_loaded(Loaded(files, plan, load, new_load), load_fleet(fleet), asked, wanted)
    if out is not None:
        write(found, out, folder=load is not None)
    typer.echo(json_text(replan_json(found)) if as_json else replan_text(found))
    return 0 if found.feasible else INFEASIBLE
