"""`orchestrator reproduce`: the paper's evaluation, computed again and written as pages."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.arguments import Debug

DEFAULT_FOLDER = Path("docs/reproduction")


class What(StrEnum):
    """The items of the reproduction."""

    WORKED_EXAMPLE = "worked-example"
    TABLE5 = "table5"
    FIGURE4 = "figure4"
    FIGURE8 = "figure8"
    FIGURE9 = "figure9"
    EQUATIONS = "equations"
    FINDINGS = "findings"
    ALL = "all"


def reproduce(
    what: Annotated[What, typer.Argument(metavar="WHAT", help="The item, or all of them.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder to write pages, CSV and figures into.")
    ] = DEFAULT_FOLDER,
    debug: Debug = False,
) -> None:
    """Compute the paper's evaluation again, with a verdict on each finding.

    WHAT: worked-example, table5, figure4, figure8, figure9, equations, findings, all. Figures need matplotlib.
    """
    from orchestrator.reproduction import drawing
    from orchestrator.reproduction.page import text
    from orchestrator.reproduction.write import figures, pages, write

    made = pages(what.value)
    typer.echo("\n\n".join(text(page) for page in made))
    written = write(made, out)
    typer.echo(f"\nwrote {len(written)} files to {out}")
    if figures(made) and not drawing.can_draw():
        typer.echo(drawing.HOW_TO, err=True)
