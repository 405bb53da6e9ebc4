"""One turn of a language model that may call tools: the text it says and the calls it asks for.

`simulate=` functions and backends speak in these values; their JSON form is what endpoints and the runtime exchange.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.graph import Json


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for: a tool's function name and JSON arguments by parameter name."""

    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """What a `simulate=` function returns to call tools instead of answering."""

    calls: Sequence[ToolCall]
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """An assistant's turn. `simulated` tells that no model produced it."""

    content: str | None
    tool_calls: tuple[ToolCall, ...] = ()
    simulated: bool = False


def turn_json(turn: Turn) -> dict[str, Json]:
    """`{"content": str | null, "tool_calls": [{"name", "arguments"}]}`."""
    calls = [{"name": call.name, "arguments": dict(call.arguments)} for call in turn.tool_calls]
    return {"content": turn.content, "tool_calls": calls}
