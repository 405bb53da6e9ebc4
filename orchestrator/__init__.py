"""Decorators and combinators to write an agent with; nothing heavier, so that importing them is quick."""

from orchestrator.combinators import FanoutFailure, contains, fanout, interrupt, length, loop, observe, react, when
from orchestrator.decorators import agent, compute, llm, memory, model, tool
from orchestrator.errors import OrchestratorError
from orchestrator.turns import ToolCall, ToolCalls

__all__ = [
    "FanoutFailure",
    "OrchestratorError",
    "ToolCall",
    "ToolCalls",
    "agent",
    "compute",
    "contains",
    "fanout",
    "interrupt",
    "length",
    "llm",
    "loop",
    "memory",
    "model",
    "observe",
    "react",
    "tool",
    "when",
]
