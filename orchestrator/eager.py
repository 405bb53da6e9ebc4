"""Ordinary calls: what the decorated functions and combinators do when no agent is being traced.

The rules are those of the runtime, with real Python values in one process and without limits: timeouts, retries and
priors are not applied here, so that a debugger sees the first failure where it happens. A language model's answer
comes from the replaceable backend; the default one simulates, and every text it makes up says so.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from orchestrator.agent_function import AgentFunction
from orchestrator.call_function import CallFunction
from orchestrator.codec import codec_of, messages, simulated_turn, simulated_value
from orchestrator.combinators import FanoutFailure
from orchestrator.errors import EagerError, FanoutOverflowError, InterruptError
from orchestrator.function import is_stub
from orchestrator.graph import Json, OnError, Overflow
from orchestrator.llm_function import LlmFunction
from orchestrator.model_function import ModelFunction
from orchestrator.parallel import run_parallel
from orchestrator.placeholder import placeholder_text
from orchestrator.source import user_location
from orchestrator.tool_description import describe_tool
from orchestrator.turns import ToolCall, Turn, turn_json

_LOG = logging.getLogger("orchestrator.eager")
_TOLD: set[str] = set()

R = TypeVar("R")
S = TypeVar("S")
A = TypeVar("A")

ToolFunction = CallFunction[..., Any] | AgentFunction[..., Any]
"""What a model may call in a react."""


@dataclass(frozen=True, slots=True)
class LlmRequest:
    """One call of a text generator. It may ask for `tools`; `args` and `kwargs` are the caller's values."""

    function: LlmFunction[..., Any]
    messages: list[Json]
    tools: tuple[ToolFunction, ...]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def tool_descriptions(self) -> list[Json]:
        """What a model is told of each tool: `{"name", "description", "parameters"}`."""
        return [describe_tool(tool) for tool in self.tools]


class Backend(Protocol):
    """Answers language-model calls of eager runs; called from several threads at once by a fan-out."""

    def respond(self, request: LlmRequest) -> Turn:
        """One assistant's turn."""
        ...


class SimulatedBackend:
    """The function's `simulate=`, or a labelled placeholder of the annotated type."""

    def respond(self, request: LlmRequest) -> Turn:
        """A simulated turn."""
        function = request.function
        if function.simulate is None:
            return Turn(placeholder_text(function, function.models[0]), simulated=True)
        return simulated_turn(function, request.args, request.kwargs, request.messages)


@dataclass(slots=True)
class Record:
    """What happened in eager runs besides their values.

    `marks` are words with a place, such as `loop_capped at FILE:LINE`: loop_capped, react_capped, truncated, collected.
    `simulated` names the functions whose values no model produced; `observed` are the values given to `observe`.
    """

    marks: list[str] = field(default_factory=list[str])
    simulated: list[str] = field(default_factory=list[str])
    observed: list[object] = field(default_factory=list[object])


_BACKEND: ContextVar[Backend | None] = ContextVar("orchestrator_backend", default=None)
_PERSON: ContextVar[Callable[[object], object] | None] = ContextVar("orchestrator_person", default=None)
_RECORD: ContextVar[Record | None] = ContextVar("orchestrator_record", default=None)


@contextmanager
def use_backend(backend: Backend) -> Generator[None]:
    """Language models of eager calls inside answer through `backend`."""
    token = _BACKEND.set(backend)
    try:
        yield
    finally:
        _BACKEND.reset(token)


@contextmanager
def use_answers(answer: Callable[[object], object]) -> Generator[None]:
    """Questions of `interrupt` inside are answered by `answer(question)`."""
    token = _PERSON.set(answer)
    try:
        yield
    finally:
        _PERSON.reset(token)


@contextmanager
def recording() -> Generator[Record]:
    """Collects what eager runs inside were marked with."""
    record = Record()
    token = _RECORD.set(record)
    try:
        yield record
    finally:
        _RECORD.reset(token)


def truth(value: object) -> bool:
    """Whether a condition holds. `~` of a Python bool is -1 or -2, whose lowest bit is the negation that was meant."""
    if isinstance(value, int) and value in (-1, -2):
        return bool(value & 1)
    return bool(value)


def generate(function: LlmFunction[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """One call of a text generator: render, answer, parse."""
    sent = messages(function, function.call_body(args, kwargs))
    turn = _respond(LlmRequest(function, sent, (), args, kwargs))
    if turn.tool_calls or turn.content is None:
        raise EagerError(
            f"@llm {function.__name__!r} answered with tool calls", "give it its tools by react(llm, tools, ...)"
        )
    return codec_of(function).parse(turn.content)


def run_model(function: ModelFunction[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The function's own code if it has any, else its `simulate=`, else a labelled placeholder."""
    if not is_stub(function.__wrapped__):
        return function.call_body(args, kwargs)
    _note_simulated(function.__name__)
    if function.simulate is not None:
        return simulated_value(function, args, kwargs, None)
    return codec_of(function).load_result(json.loads(placeholder_text(function, function.models[0])))


def run_when(cond: object, then: Callable[[], R], else_: Callable[[], S] | None) -> R | S:
    """The chosen branch."""
    if truth(cond):
        return then()
    return else_() if else_ is not None else cast(S, None)


def run_loop(body: Callable[[R], R], init: R, until: Callable[[R], object], max_iters: int) -> R:
    """Tests `until` before each body call; marks the run when the cap ends it."""
    value = init
    for _ in range(max_iters):
        if truth(until(value)):
            return value
        value = body(value)
    if not truth(until(value)):
        _mark("loop_capped")
    return value


def run_fanout(
    fn: Callable[[A], R], items: Sequence[A], max_items: int, overflow: Overflow, on_error: OnError
) -> list[Any]:
    """`fn` of each item in threads, or of an async tool in one event loop; results in order."""
    if isinstance(items, str | bytes | Mapping):
        raise EagerError(f"fanout needs a list of items, got {type(items).__name__}", "pass a list", user_location())
    work = list(items)
    if len(work) > max_items:
        if overflow == "error":
            raise FanoutOverflowError(
                f"fanout got {len(work)} items, max={max_items}",
                "raise max, or write overflow='truncate' to keep the first ones",
                user_location(),
            )
        _mark("truncated")
        work = work[:max_items]
    calls = [partial(fn, item) for item in work]
    if on_error == "fail":
        return run_parallel(calls)
    return run_parallel([partial(_collected, call, user_location()) for call in calls])


def run_react(
    llm: LlmFunction[..., Any], tools: Sequence[ToolFunction], arguments: Mapping[str, Any], max_turns: int
) -> Any:
    """Turns of a model and the tools it names; messages grow by each turn and each tool's answer.

    Nobody would read what tools answer after the last turn, so that they are not called then.
    """
    args, kwargs = _arguments(llm, arguments)
    sent = messages(llm, llm.call_body(args, kwargs))
    by_name = {tool.__name__: tool for tool in tools}
    turn = Turn(None)
    for left in reversed(range(max_turns)):
        turn = _respond(LlmRequest(llm, list(sent), tuple(tools), args, kwargs))
        if turn.tool_calls and not left:
            _mark("react_capped")
        if not turn.tool_calls or not left:
            break
        answers = run_parallel([partial(_tool_answer, by_name, call) for call in turn.tool_calls])
        sent.append({"role": "assistant", **turn_json(turn)})
        sent += [
            {"role": "tool", "name": call.name, "content": answer}
            for call, answer in zip(turn.tool_calls, answers, strict=True)
        ]
    if turn.content is None:
        raise EagerError(
            f"react: {llm.__name__!r} still called tools after max_turns={max_turns} and gave no answer",
            "raise max_turns, or have the system prompt ask for an answer",
            user_location(),
        )
    return codec_of(llm).parse(turn.content)


def run_observe(value: R) -> R:
    """Logs and records a value."""
    record = _RECORD.get()
    if record is not None:
        record.observed.append(value)
    _LOG.info("observed %r", value)
    return value


def run_interrupt(question: object) -> object:
    """The answer of whoever `use_answers` names."""
    person = _PERSON.get()
    if person is None:
        raise InterruptError(
            f"interrupt asks {question!r} and nobody is there to answer",
            "wrap the run in `with orchestrator.eager.use_answers(function):`",
            user_location(),
        )
    return person(question)


def _respond(request: LlmRequest) -> Turn:
    turn = (_BACKEND.get() or SimulatedBackend()).respond(request)
    if turn.simulated:
        _note_simulated(request.function.__name__)
    return turn


def _tool_answer(tools: Mapping[str, ToolFunction], call: ToolCall) -> str:
    tool = tools.get(call.name)
    if tool is None:
        return f"error: there is no tool {call.name!r}; the tools are: {', '.join(tools) or 'none'}"
    problem = tool.argument_problem(call.arguments)
    if problem is not None:
        return f"error: {problem}"
    value = tool.invoke_json(call.arguments)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _arguments(llm: LlmFunction[..., Any], arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    bound = llm.signature.bind_partial()
    bound.arguments.update(arguments)
    bound.apply_defaults()
    return bound.args, bound.kwargs


def _collected(call: Callable[[], R], where: str) -> R | FanoutFailure:
    try:
        return call()
    except Exception as error:
        _mark("collected", where)
        return FanoutFailure(f"{type(error).__name__}: {error}")


def _mark(mark: str, where: str = "") -> None:
    where = where or user_location()
    record = _RECORD.get()
    if record is not None:
        record.marks.append(f"{mark} at {where}")
    _LOG.warning("%s at %s", mark, where)


def _note_simulated(name: str) -> None:
    record = _RECORD.get()
    if record is not None and name not in record.simulated:
        record.simulated.append(name)
    if name not in _TOLD:
        _TOLD.add(name)
        _LOG.info("values of %s are simulated in ordinary calls", name)
