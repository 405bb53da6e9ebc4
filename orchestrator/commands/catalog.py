"""`orchestrator catalog`: what is known of devices, models, links and energy, each value with its source."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.commands.arguments import AsJson, Debug


def catalog(
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A device, model, link or energy figure to explain.")
    ] = None,
    catalog: Annotated[
        str, typer.Option("--catalog", metavar="NAME|FILE", help="Devices: default, paper-2025 or a file of facts.")
    ] = "default",
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="List only devices, models, links or energy.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """List the catalogs, or explain an entry: every value with its source and how sure it is.

    A device's explanation ends with what an hour of it costs, term by term.
    """
    from orchestrator.commands.catalog_text import entry_json, entry_text, list_json, list_text
    from orchestrator.commands.text import json_text
    from orchestrator.shelves import find, shelves

    found = shelves(catalog)
    if name is not None:
        entry = find(found, name)
        typer.echo(json_text(entry_json(entry)) if as_json else entry_text(entry))
    else:
        typer.echo(json_text(list_json(found, kind)) if as_json else list_text(found, kind))
    return 0
