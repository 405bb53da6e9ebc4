"""`orchestrator graph`: the captured agent as a document or a drawing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.commands.arguments import AgentFile, AgentName, Debug

if TYPE_CHECKING:
    from orchestrator.graph import Graph

Format = Literal["json", "mermaid"]


def graph(
    file: AgentFile,
    agent: AgentName = None,
    form: Annotated[Format, typer.Option("--format", help="The graph document, or a Mermaid flowchart.")] = "json",
    debug: Debug = False,
) -> int:
    """Print the captured agent as JSON or Mermaid.

    The commands and the HTTP service read the JSON back; a Mermaid flowchart is to look at.
    """
    from orchestrator.agent_files import find_agent

    typer.echo(_WRITERS[form](find_agent(file, agent).graph).rstrip("\n"))
    return 0


def _json(graph: Graph) -> str:
    from orchestrator.graph_json import to_json_text

    return to_json_text(graph)


def _mermaid(graph: Graph) -> str:
    from orchestrator.graph_mermaid import to_mermaid

    return to_mermaid(graph)


_WRITERS: dict[Format, Callable[[Graph], str]] = {"json": _json, "mermaid": _mermaid}
