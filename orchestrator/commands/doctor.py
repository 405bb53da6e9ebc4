"""`orchestrator doctor`: what this machine lacks and how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.arguments import Debug
from orchestrator.commands.failure import ERROR

EXAMPLE_FLEETS = Path("examples/fleets")


def doctor(
    fleet: Annotated[
        list[Path] | None,
        typer.Option("--fleet", metavar="FLEET", help="A fleet file to check; without it those in examples/fleets."),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to serve on.")] = 8080,
    debug: Debug = False,
) -> int:
    """Say what this machine lacks, and the remedy.

    Looks at Python, packages, Ray, ports and fleet files; starts nothing. Exit code 1 if something needed is missing.
    """
    from orchestrator.checkup import examine

    missing = 0
    for check in examine(port, fleet or sorted(EXAMPLE_FLEETS.glob("*.yaml"))):
        mark = "ok" if check.ok else "MISSING" if check.needed else "note"
        missing += not check.ok and check.needed
        typer.echo(f"{mark:<8}{check.name}: {check.found}" + (f"\n        -> {check.remedy}" if check.remedy else ""))
    things = "thing is" if missing == 1 else "things are"
    typer.echo(f"{missing} needed {things} missing" if missing else "everything needed is here")
    return ERROR if missing else 0
