"""`@agent @llm @tool @memory @compute @model`: what an author writes above a function.

Each takes its keywords, checks them on that line and returns a callable that otherwise behaves like the function.
Where no keyword is required the decorator works without parentheses too.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, Unpack, overload

from orchestrator.agent_function import AgentFunction
from orchestrator.call_function import CallFunction
from orchestrator.llm_function import LlmFunction
from orchestrator.model_function import ModelFunction
from orchestrator.settings import AgentSettings, CallSettings, LlmSettings, MemorySettings, ModelSettings

P = ParamSpec("P")
R = TypeVar("R")


class CallDecorator(Protocol):
    """Makes a `CallFunction` of a function; of an async one, a callable that gives the awaited type."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> CallFunction[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> CallFunction[P, R]: ...


class LlmDecorator(Protocol):
    """Makes an `LlmFunction` of the function that writes the prompt."""

    def __call__(self, function: Callable[P, R], /) -> LlmFunction[P, R]: ...


class ModelDecorator(Protocol):
    """Makes a `ModelFunction` of a function."""

    def __call__(self, function: Callable[P, R], /) -> ModelFunction[P, R]: ...


class AgentDecorator(Protocol):
    """Makes an `AgentFunction` of a function."""

    def __call__(self, function: Callable[P, R], /) -> AgentFunction[P, R]: ...


def llm(**settings: Unpack[LlmSettings]) -> LlmDecorator:
    """A call of a text generator: the body returns the user's prompt, the docstring is the system prompt.

    `model` and `max_tokens` are required. `tokens_in` and `tokens_out` are mean tokens per call, to be replaced by a
    profile. `prefix_tokens` are the first tokens of each prompt, the system prompt, whose KV calls may share.
    `simulate` is what a simulated device answers: a value, or a function of the same arguments (and, if it has that
    parameter, `messages`) that returns text, a value of the return type, or `ToolCalls`.
    """

    def decorate(function: Callable[P, R], /) -> LlmFunction[P, R]:
        return LlmFunction("llm", function, settings)

    return decorate


def model(**settings: Unpack[ModelSettings]) -> ModelDecorator:
    """A model that is not a text generator. `model` and one of `audio_s`, `tokens`, `images` are required."""

    def decorate(function: Callable[P, R], /) -> ModelFunction[P, R]:
        return ModelFunction("model", function, settings)

    return decorate


@overload
def tool(function: Callable[P, Coroutine[Any, Any, R]], /) -> CallFunction[P, R]: ...
@overload
def tool(function: Callable[P, R], /) -> CallFunction[P, R]: ...
@overload
def tool(**settings: Unpack[CallSettings]) -> CallDecorator: ...
def tool(function: Callable[..., Any] | None = None, /, **settings: Unpack[CallSettings]) -> Any:
    """A call to something outside, such as a search service. Not idempotent unless it says so."""
    return _call_decorator("tool", function, settings)


@overload
def compute(function: Callable[P, Coroutine[Any, Any, R]], /) -> CallFunction[P, R]: ...
@overload
def compute(function: Callable[P, R], /) -> CallFunction[P, R]: ...
@overload
def compute(**settings: Unpack[CallSettings]) -> CallDecorator: ...
def compute(function: Callable[..., Any] | None = None, /, **settings: Unpack[CallSettings]) -> Any:
    """General-purpose work on a CPU core, without effects: parsing, merging, routing."""
    return _call_decorator("compute", function, settings)


@overload
def memory(function: Callable[P, Coroutine[Any, Any, R]], /) -> CallFunction[P, R]: ...
@overload
def memory(function: Callable[P, R], /) -> CallFunction[P, R]: ...
@overload
def memory(**settings: Unpack[MemorySettings]) -> CallDecorator: ...
def memory(function: Callable[..., Any] | None = None, /, **settings: Unpack[MemorySettings]) -> Any:
    """A memory operation: `op` is 'lookup' (keeps the first `k` results), 'load' or 'store' (not idempotent)."""
    return _call_decorator("memory", function, settings)


@overload
def agent(function: Callable[P, R], /) -> AgentFunction[P, R]: ...
@overload
def agent(**settings: Unpack[AgentSettings]) -> AgentDecorator: ...
def agent(function: Callable[..., Any] | None = None, /, **settings: Unpack[AgentSettings]) -> Any:
    """An agent: its body is traced into a graph. `sla` limits the end-to-end latency."""

    def decorate(function: Callable[..., Any], /) -> AgentFunction[..., Any]:
        return AgentFunction("agent", function, settings)

    return decorate if function is None else decorate(function)


def _call_decorator(kind: Any, function: Callable[..., Any] | None, settings: Mapping[str, Any]) -> Any:
    def decorate(function: Callable[..., Any], /) -> CallFunction[..., Any]:
        return CallFunction(kind, function, settings)

    return decorate if function is None else decorate(function)
