"""What a model is told of a tool that it may call: its name, what it does and which arguments it takes.

All of it comes from the decorated function, whether that is a tool or an agent, so that nothing is written twice.
"""

from __future__ import annotations

from inspect import getdoc
from typing import Any

from orchestrator.codec import codec_of
from orchestrator.function import Function
from orchestrator.graph import Json


def describe_tool(tool: Function[..., Any]) -> dict[str, Json]:
    """`{"name", "description", "parameters"}`: function name, docstring, and JSON Schema of the arguments."""
    description = getdoc(tool.__wrapped__) or ""
    return {"name": tool.__name__, "description": description, "parameters": codec_of(tool).arguments_schema()}
