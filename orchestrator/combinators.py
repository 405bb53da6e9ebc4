"""`when loop fanout react interrupt observe length contains`: control flow that works on values which do not exist yet.

Inside an agent's trace each of them records one task with its bounds; anywhere else it does the same thing at once with
real values, by the rules that the runtime follows (`orchestrator.eager`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence, Sized
from dataclasses import dataclass
from inspect import signature
from typing import Any, ParamSpec, TypeVar, cast

from ir.expression import Ref, parse, walk
from orchestrator.agent_function import AgentFunction
from orchestrator.annotations import hints, item_type
from orchestrator.call_function import CallFunction
from orchestrator.combinator_arguments import (
    check_bound,
    check_callable,
    check_expect,
    check_llm,
    check_probability,
    check_word,
    react_arguments,
    tool_names,
)
from orchestrator.function import Function
from orchestrator.graph import FanoutTask, InterruptTask, LoopTask, ObserveTask, OnError, Overflow, ReactTask, WhenTask
from orchestrator.llm_function import LlmFunction
from orchestrator.source import user_location
from orchestrator.symbolic import Symbol, annotation_of, function_of
from orchestrator.tracing import current

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class FanoutFailure:
    """Stands where a call of a fan-out with `on_error="collect"` failed; `error` is `TypeName: message`."""

    error: str


def when(cond: object, then: Callable[[], R], else_: Callable[[], S] | None = None, *, p: float | None = None) -> R | S:
    """`then()` if `cond`, else `else_()`; without `else_` the value is None.

    `p` is the probability of `then`, from 0 to 1; without it a profile must say. Only the chosen branch runs.
    """
    check_probability(p)
    check_callable("when", "then", then)
    if else_ is not None:
        check_callable("when", "else_", else_)
    trace = current()
    if trace is None:
        from orchestrator.eager import run_when

        return run_when(cond, then, else_)
    trace.check_may_call("when")
    where, condition = user_location(), trace.text(cond)
    name = trace.unique(_named("when", _first_reference(condition)))
    then_body, then_value = trace.body(then, {}, "the `then` of when", allow_none=True)
    else_body, else_value = trace.body(else_ or _nothing, {}, "the `else_` of when", allow_none=True)
    task = WhenTask(id=name, name="when", where=where, condition=condition, p=p, then=then_body, orelse=else_body)
    return cast(R, trace.add(task, _joined(then_value, else_value)))


def loop(
    body: Callable[[R], R],
    init: R,
    *,
    until: Callable[[R], object],
    max_iters: int,
    expect: float | None = None,
) -> R:
    """Replaces the value by `body(value)` until `until(value)`, which is tested before each body call.

    At most `max_iters` body calls: then the last value is returned and the run is marked `loop_capped`. `expect` is
    the mean number of body calls, `max_iters` if not given.
    """
    check_bound("loop", "max_iters", max_iters)
    check_expect("loop", expect, "max_iters", max_iters)
    check_callable("loop", "body", body)
    check_callable("loop", "until", until)
    trace = current()
    if trace is None:
        from orchestrator.eager import run_loop

        return run_loop(body, init, until, max_iters)
    trace.check_may_call("loop")
    where, initial = user_location(), trace.text(init)
    name = trace.unique(_named("loop", body))
    value = trace.unique(f"{name}_value")
    annotation = _parameter_type(body, annotation_of(init))
    test = trace.predicate(until, value, annotation, "the `until` of loop")
    traced, result = trace.body(body, {value: annotation}, "the body of loop")
    expected = max_iters if expect is None else expect
    task = LoopTask(
        id=name,
        name="loop",
        where=where,
        init=initial,
        until=test,
        body=traced,
        max_iters=max_iters,
        expect=float(expected),
    )
    return cast(R, trace.add(task, _joined(init, result)))


def fanout(
    fn: Callable[[A], R],
    items: Sequence[A],
    *,
    max: int,
    expect: float | None = None,
    overflow: Overflow = "error",
    on_error: OnError = "fail",
) -> list[R]:
    """`fn` of each item in parallel; the results in the order of the items.

    More than `max` items is an error unless `overflow="truncate"`, which keeps the first `max`. The first failure
    cancels the others and fails the fan-out unless `on_error="collect"`, which puts a `FanoutFailure` in the failed
    item's place. `expect` is the mean number of items, `max` if not given.
    """
    check_bound("fanout", "max", max)
    check_expect("fanout", expect, "max", max)
    check_word("fanout", "overflow", overflow, ("error", "truncate"))
    check_word("fanout", "on_error", on_error, ("fail", "collect"))
    check_callable("fanout", "fn", fn)
    trace = current()
    if trace is None:
        from orchestrator.eager import run_fanout

        return run_fanout(fn, items, max, overflow, on_error)
    trace.check_may_call("fanout")
    where, source = user_location(), trace.text(items)
    name = trace.unique(_named("fanout", fn))
    item = trace.unique(f"{name}_item")
    annotation = _parameter_type(fn, item_type(annotation_of(items)))
    traced, result = trace.body(fn, {item: annotation}, "the body of fanout")
    task = FanoutTask(
        id=name,
        name="fanout",
        where=where,
        items=source,
        body=traced,
        max=max,
        expect=float(max if expect is None else expect),
        overflow=overflow,
        on_error=on_error,
    )
    inner = annotation_of(result)
    return cast(list[R], trace.add(task, list[inner] if on_error == "fail" else list[Any]))


def react(
    llm: LlmFunction[P, R],
    tools: Sequence[CallFunction[..., Any] | AgentFunction[..., Any]],
    input: object,
    *,
    max_turns: int,
    expect: float | None = None,
) -> R:
    """Lets a model call tools in turns until it answers without a call; the answer is the value.

    Each turn sends all messages so far, so the prompt grows; then the named tools run in parallel. A tool is a function
    or an agent. An unknown tool or arguments that do not fit are told to the model; what a tool raises fails the run,
    after its retries. `input` is the argument of `llm`; for several parameters, a
    dictionary of them. After `max_turns` turns the last text is the answer and the run is marked `react_capped`.
    `expect` is the mean number of turns, `max_turns` if not given.
    """
    check_bound("react", "max_turns", max_turns)
    check_expect("react", expect, "max_turns", max_turns)
    check_llm(llm)
    names = tool_names(tools)
    trace = current()
    if trace is None:
        from orchestrator.eager import run_react

        return run_react(llm, tools, react_arguments(llm, input), max_turns)
    trace.check_may_call("react")
    where = user_location()
    inputs = {name: trace.text(value) for name, value in react_arguments(llm, input).items()}
    name = trace.unique(_named("react", llm))
    task = ReactTask(
        id=name,
        name=f"react with {', '.join(names) or 'no tools'}",
        where=where,
        llm=llm.task(trace, inputs, where),
        tools=tuple(tool.task(trace, {}, where) for tool in tools),
        max_turns=max_turns,
        expect=float(max_turns if expect is None else expect),
    )
    return cast(R, trace.add(task, llm.returns))


def interrupt(question: object) -> Any:
    """Stops the run until a person answers `question`; the value is the answer."""
    trace = current()
    if trace is None:
        from orchestrator.eager import run_interrupt

        return run_interrupt(question)
    trace.check_may_call("interrupt")
    name = trace.unique("interrupt")
    return trace.add(InterruptTask(id=name, name="interrupt", where=user_location(), question=trace.text(question)))


def observe(value: R) -> R:
    """Writes `value` to the log of the run and passes it on."""
    trace = current()
    if trace is None:
        from orchestrator.eager import run_observe

        return run_observe(value)
    trace.check_may_call("observe")
    name = trace.unique("observe")
    task = ObserveTask(id=name, name="observe", where=user_location(), value=trace.text(value))
    return cast(R, trace.add(task, annotation_of(value)))


def length(value: Sized) -> int:
    """`len(value)`, also of a value that does not exist yet."""
    return cast(int, function_of(value, "len")) if isinstance(value, Symbol) else len(value)


def contains(container: Container[Any], item: object) -> bool:
    """`item in container`, also of values that do not exist yet."""
    trace = current()
    if trace is not None and (isinstance(container, Symbol) or isinstance(item, Symbol)):
        return cast(bool, trace.apply("in", item, container))
    return item in container


def _nothing() -> None:
    return None


def _named(control: str, of: object) -> str:
    name = of if isinstance(of, str) else getattr(of, "__name__", "")
    return f"{name}_{control}" if name and name != "<lambda>" else control


def _first_reference(text: str) -> str:
    return next((part.name for part in walk(parse(text)) if isinstance(part, Ref)), "")


def _parameter_type(function: Callable[..., Any], otherwise: Any) -> Any:
    """The annotation of a function's first parameter, if it has one; what the caller knows otherwise."""
    plain = function.__wrapped__ if isinstance(function, Function) else function
    first = next(iter(signature(plain).parameters), "")
    return hints(plain).get(first, otherwise)


def _joined(left: object, right: object) -> Any:
    """The type of a value that is one of two: known only where both agree."""
    first, second = annotation_of(left), annotation_of(right)
    return first if first == second else Any
