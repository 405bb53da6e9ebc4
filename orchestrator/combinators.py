"""`when loop fanout react interrupt observe length contains`: control flow that works on values which do not exist yet.

Inside an agent's trace each of them records one task with its bounds; anywhere else it does the same thing at once with
real values, by the rules that the runtime follows (`orchestrator.eager`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence, Sized
from inspect import signature
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

from ir.expression import Ref, parse, walk
from orchestrator.annotations import hints, item_type
from orchestrator.call_function import CallFunction
from orchestrator.errors import TraceError
from orchestrator.function import Function
from orchestrator.graph import FanoutTask, InterruptTask, LoopTask, ObserveTask, OnError, Overflow, ReactTask, WhenTask
from orchestrator.llm_function import LlmFunction
from orchestrator.source import user_location
from orchestrator.symbolic import Symbol, annotation_of, function_of
from orchestrator.tracing import Trace, current

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")
S = TypeVar("S")


def when(cond: object, then: Callable[[], R], else_: Callable[[], S] | None = None, *, p: float | None = None) -> R | S:
    """`then()` if `cond`, else `else_()`; without `else_` the value is None.

    `p` is the probability of `then`, from 0 to 1; without it a profile must say. Only the chosen branch runs.
    """
    _check(p is None or _is_number(p, 0, 1), f"when: p={_shown(p)}", "write a probability from 0 to 1, of `then`")
    _check_callable("when", "then", then)
    if else_ is not None:
        _check_callable("when", "else_", else_)
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
    _check_bound("loop", "max_iters", max_iters)
    _check_expect("loop", expect, "max_iters", max_iters)
    _check_callable("loop", "body", body)
    _check_callable("loop", "until", until)
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
    _check_bound("fanout", "max", max)
    _check_expect("fanout", expect, "max", max)
    _check(
        _is_one_of(overflow, "error", "truncate"), f"fanout: overflow={_shown(overflow)}", "write 'error' or 'truncate'"
    )
    _check(_is_one_of(on_error, "fail", "collect"), f"fanout: on_error={_shown(on_error)}", "write 'fail' or 'collect'")
    _check_callable("fanout", "fn", fn)
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
    tools: Sequence[CallFunction[..., Any]],
    input: object,
    *,
    max_turns: int,
    expect: float | None = None,
) -> R:
    """Lets a model call tools in turns until it answers without a call; the answer is the value.

    Each turn sends all messages so far, so the prompt grows; then the named tools run in parallel. An unknown tool or
    arguments that do not fit are told to the model. `input` is the argument of `llm`; for several parameters, a
    dictionary of them. After `max_turns` turns the last text is the answer and the run is marked `react_capped`.
    `expect` is the mean number of turns, `max_turns` if not given.
    """
    _check_bound("react", "max_turns", max_turns)
    _check_expect("react", expect, "max_turns", max_turns)
    _check_llm(llm)
    names = _tool_names(tools)
    trace = current()
    if trace is None:
        from orchestrator.eager import run_react

        return run_react(llm, tools, _react_arguments(llm, input), max_turns)
    trace.check_may_call("react")
    where = user_location()
    inputs = {name: trace.text(value) for name, value in _react_arguments(llm, input).items()}
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


def _react_arguments(llm: LlmFunction[..., Any], input: object) -> dict[str, Any]:
    names = list(llm.signature.parameters)
    if len(names) == 1:
        return {names[0]: input}
    if isinstance(input, Mapping) and not isinstance(input, Symbol):
        given = cast(Mapping[str, Any], input)
        required = {n for n, p in llm.signature.parameters.items() if p.default is p.empty}
        if required <= set(given) <= set(names):
            return dict(given)
    return _fail(
        f"react: {llm.__name__}{llm.signature} takes {len(names)} arguments",
        f"pass a dictionary with the keys {', '.join(names) or '(none)'} as input",
    )


def _check_llm(llm: object) -> None:
    _check(
        isinstance(llm, LlmFunction),
        f"react: {_shown(llm)} is no @llm function",
        "name an @llm function, without calling it",
    )


def _tool_names(tools: Sequence[object]) -> list[str]:
    names: list[str] = []
    for tool in tools:
        if not isinstance(tool, CallFunction):
            _fail(
                f"react: the tool {_shown(tool)} is not a decorated function",
                "use @tool, @memory or @compute functions",
            )
        name = tool.__name__
        if name in names:
            _fail(f"react: two tools are named {name!r}", "give each tool its own name")
        names.append(name)
    return names


def _check(holds: bool, problem: str, remedy: str) -> None:
    if not holds:
        _fail(problem, remedy)


def _check_callable(combinator: str, argument: str, value: object) -> None:
    if isinstance(value, Symbol) or not callable(value):
        _fail(
            f"{combinator}: {argument} is {_shown(value)}, not a function",
            "write a lambda or name a function: lambda: ...",
        )


def _check_bound(combinator: str, key: str, value: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    _check(whole, f"{combinator}: {key}={_shown(value)}", "write a whole number of at least 1: everything is bounded")


def _check_expect(combinator: str, expect: object, key: str, bound: int) -> None:
    if expect is not None:
        _check(
            _is_number(expect, 0, bound),
            f"{combinator}: expect={_shown(expect)} with {key}={bound}",
            f"write the mean, from 0 to {key}",
        )


def _is_one_of(value: object, *words: str) -> bool:
    return isinstance(value, str) and value in words


def _is_number(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return low <= value <= high and math.isfinite(value)


def _shown(value: object) -> str:
    return "the value of a call" if isinstance(value, Symbol) else repr(value)


def _fail(problem: str, remedy: str) -> NoReturn:
    trace = current()
    if isinstance(trace, Trace):
        trace.fail(problem, remedy)
    raise TraceError(problem, remedy, user_location())
