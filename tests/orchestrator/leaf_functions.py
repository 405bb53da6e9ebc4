"""Decorated functions whose results depend on every argument, and agents that do what a recipe says.

A recipe is data; the agents below read it and call combinators as an author would, so that the same code runs eagerly,
with values, and traced, with symbols.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from orchestrator import ToolCall, ToolCalls, agent, compute, llm, memory, model, tool

_ANY: TypeAdapter[Any] = TypeAdapter(Any)
STORED: set[int] = set()
"""What `keep` stored and `recall` counts."""

RECIPES: dict[str, Any] = {}
"""What each agent below does."""


@dataclass(frozen=True)
class Record:
    of: str
    n: int
    items: list[int]


def record(name: str, *arguments: object) -> Record:
    """A number and up to three items that depend on all arguments, as JSON says them."""
    text = json.dumps([name, _ANY.dump_python(arguments, mode="json")], sort_keys=True)
    digest = zlib.crc32(text.encode()) % 1000
    return Record(name, digest, [digest % 7, digest % 5, digest % 3][: digest % 4])


def turn(question: Any, messages: list[Any]) -> str | ToolCalls:
    """Calls up to three tools in a turn, one of them with wrong arguments or unknown, until enough was said."""
    known = record("turn", question, messages)
    if known.n % 3 == 0 or len(messages) > 6:
        return f"answer {known.n}"
    calls = [
        ToolCall("join", {"left": known.n, "right": known.items}),
        ToolCall("specialist", {"question": {"of": "t", "n": known.n, "items": known.items}}),
        ToolCall("specialist", {"query": known.n}),
        ToolCall("nobody", {}),
    ]
    return ToolCalls([call for bit, call in enumerate(calls) if known.n >> bit & 1] or calls[:1], f"turn {known.n}")


@compute(latency="1ms", cost_usd=0)
def join(left: Any, right: Any) -> Record:
    return record("join", left, right)


@compute(latency="1ms", cost_usd=0)
def shorten(value: Any) -> Record:
    return record("shorten", value)


@tool(latency="20ms", cpu="1ms", cost_usd=0, pure=True, idempotent=True)
def look_up(query: Any) -> Record:
    return record("look_up", query)


@tool(latency="20ms", cost_usd=0)
def fragile(value: Any) -> Record:
    found = record("fragile", value)
    if found.n % 3 == 0:
        raise ValueError(f"no value for {found.n}")
    return found


@memory(latency="1ms", cost_usd=0)
def recall(key: Any) -> Record:
    return record("recall", key, len(STORED))


@memory(op="store", latency="1ms", cost_usd=0)
def keep(value: Any) -> Record:
    found = record("keep", value)
    STORED.add(found.n)
    return found


@model(model="whisper-large-v3", audio_s=4)
def hear(sound: Any) -> Record:
    return record("hear", sound)


@llm(
    model="llama3.1-70b",
    tokens_in=900,
    prefix_tokens=600,
    tokens_out=20,
    max_tokens=64,
    simulate=lambda question: record("ask", question),
)
def ask(question: Any) -> Record:
    """You answer."""
    return str(question)


@llm(
    model=["gpt-oss-20b"],
    tokens_in=90,
    tokens_out=20,
    max_tokens=64,
    simulate=lambda left, right: record("weigh", left, right),
)
def weigh(left: Any, right: Any) -> Record:
    """You decide."""
    return f"{left} or {right}"


@llm(model="llama3.1-8b", tokens_in=90, tokens_out=20, max_tokens=64, simulate=turn)
def think(question: Any) -> str:
    """You call tools."""
    return json.dumps(_ANY.dump_python(question, mode="json"))


@agent
def inner(question: Record) -> Any:
    """The agent that calls none."""
    return RECIPES["inner"].run([question])


@agent
def specialist(question: Record, extra: int = 3) -> Any:
    """An agent that a model calls."""
    return RECIPES["specialist"].run([question, shorten(extra)])


@agent
def outer(question: Record) -> Any:
    """An agent that calls others; its ids repeat theirs."""
    return RECIPES["outer"].run([question])


@agent
def whole(question: Record, limit: Record) -> Any:
    """What is compared."""
    return RECIPES["whole"].run([question, limit])


AGENTS = (inner, specialist, outer, whole)
CALLS = (join, shorten, look_up, fragile, recall, keep)
LLMS = (ask, weigh)
