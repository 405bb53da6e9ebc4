"""`orchestrator graph`: the captured agent as a document or a drawing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.commands.arguments import AgentFile, AgentName, Debug

if TYPE_CHECKING:
    from orchestrator.graph import Graph

Format = Literal["json", "mermaid", "dot"]


def graph(
    file: AgentFile,
    agent: AgentName = None,
    form: Annotated[Format, typer.Option("--format", help="The graph document, or a drawing.")] = "json",
    debug: Debug = False,
) -> int:
    """Print the captured agent as JSON, as a Mermaid flowchart or as DOT for Graphviz.

    The commands and the HTTP service read the JSON back; the drawings are to look at.
    """
    from orchestrator.agent_files import find_agent

    typer.echo(_WRITERS[form](find_agent(file, agent).graph).rstrip("\n"))
    return 0


def _json(graph: Graph) -> str:
    from orchestrator.graph_json import to_json_text

    return to_json_text(graph)


def _mermaid(graph: Graph) -> str:
    from ir.chart_mermaid import chart_to_mermaid
    from orchestrator.graph_chart import to_chart

    return chart_to_mermaid(to_chart(graph))


def _dot(graph: Graph) -> str:
    from ir.chart_dot import chart_to_dot
    from orchestrator.graph_chart import to_chart

    return chart_to_dot(to_chart(graph))


_WRITERS: dict[Format, Callable[[Graph], str]] = {"json": _json, "mermaid": _mermaid, "dot": _dot}
