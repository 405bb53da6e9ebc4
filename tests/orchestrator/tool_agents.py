"""A react over agents whose model does what its input says: `double 4; total 3` calls two tools in one turn."""

from dataclasses import dataclass
from typing import Any

from orchestrator import ToolCall, ToolCalls, agent, compute, llm, react


@dataclass(frozen=True)
class Range:
    high: int
    low: int = 0


def simulated_guide(calls: str, messages: list[Any]) -> str | ToolCalls:
    told = [message["content"] for message in messages if message["role"] == "tool"]
    words = [call.split() for call in calls.split(";") if call.strip()]
    if told or not words:
        return "\n".join(told)
    return ToolCalls([ToolCall(name, arguments(name, given)) for name, *given in words])


def arguments(name: str, given: list[str]) -> dict[str, Any]:
    if not given:
        return {}
    if name == "total":
        return {"span": {"high": given[0], **({"low": given[1]} if given[1:] else {})}}
    return {"number": given[0]}


@llm(model="llama3.1-8b", max_tokens=64, tokens_in=20, tokens_out=10, simulate=simulated_guide)
def guide(calls: str) -> str:
    """You call tools."""
    return calls


@compute(latency="1ms", cost_usd=0, tokens_out=5)
def count(left: int, right: int) -> int:
    if left < 0:
        raise ValueError("below zero")
    return left + right


@agent
def double(number: int) -> int:
    """Twice a number."""
    return count(number, number)


@agent
def total(span: Range, scale: int = 1) -> Any:
    """Low and high together."""
    return {"low": span.low, "sum": count(span.high, span.low)}


@agent
def relay(number: int) -> int:
    """An agent that calls another."""
    count(number, 1)
    return double(number)


@agent
def boss(calls: str) -> str:
    return react(guide, [double, total, relay], calls, max_turns=3, expect=2)
