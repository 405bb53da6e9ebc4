"""The trace of one agent: its open bodies, the tasks in them, unique ids, and which names a value may read.

A context variable holds the trace under way, so that a decorated function can tell a traced call from an ordinary one.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import math
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from ir.expression import (
    MAX_DEPTH,
    Const,
    DictOf,
    Expression,
    ExpressionError,
    ListOf,
    Ref,
    apply,
    is_name,
    parse,
    references,
    to_text,
)
from orchestrator.errors import TraceError
from orchestrator.graph import Body, Task
from orchestrator.source import user_location
from orchestrator.symbolic import Symbol, depth_of, expression_of, make_symbol, owner_of

_CURRENT: ContextVar[Trace | None] = ContextVar("orchestrator_trace", default=None)


@dataclass(slots=True)
class Frame:
    """A body being traced. `what` names it in messages; a predicate's frame takes no tasks."""

    what: str
    parameters: tuple[str, ...]
    takes_tasks: bool = True
    tasks: list[Task] = field(default_factory=list[Task])
    names: set[str] = field(default_factory=set[str])


class Trace:
    """Collects the tasks of one agent. `agents` are the agents whose traces enclose this one, outermost first."""

    def __init__(self, agent: str, agents: tuple[object, ...] = ()) -> None:
        self.agent = agent
        self.agents = agents
        self.active = True
        self.failure: TraceError | None = None
        self._taken: set[str] = set()
        self._frames: list[Frame] = []

    def fail(self, problem: str, remedy: str, where: str = "") -> NoReturn:
        """Raise a `TraceError` at the user's line and remember it, so that an `except Exception` cannot hide it."""
        error = TraceError(problem, remedy, where or user_location())
        if self.active and self.failure is None:
            self.failure = error
        raise error

    def unique(self, wanted: str, suffixes: Iterable[str] = ()) -> str:
        """A free id: `wanted`, or `wanted_2` and so on; it and its suffixed forms are taken from now on."""
        name = _as_identifier(wanted)
        suffixes = tuple(suffixes)
        number, candidate = 1, name
        while {candidate, *(f"{candidate}_{suffix}" for suffix in suffixes)} & self._taken:
            number += 1
            candidate = f"{name}_{number}"
        self._taken |= {candidate, *(f"{candidate}_{suffix}" for suffix in suffixes)}
        return candidate

    def reserve(self, name: str) -> str:
        """Take an agent's parameter name as it is."""
        self._taken.add(name)
        return name

    def add(self, task: Task, annotation: Any = Any) -> Symbol:
        """Append a task to the open body; the symbol is its value."""
        frame = self._frames[-1]
        frame.tasks.append(task)
        frame.names.add(task.id)
        return Symbol(self, Ref(task.id), annotation)

    def check_may_call(self, name: str) -> None:
        """Refuse a call inside a predicate before anything is recorded."""
        frame = self._frames[-1]
        if not frame.takes_tasks:
            self.fail(
                f"{frame.what} calls {name!r}, but a predicate may only read its value",
                "call it in the body and return what the predicate needs as a field",
            )

    def body(
        self,
        function: Callable[..., object],
        parameters: Mapping[str, Any],
        what: str,
        *,
        allow_none: bool = False,
        where: str = "",
    ) -> tuple[Body, object]:
        """Trace `function` as a nested body with the named and annotated `parameters`; also its raw result."""
        frame = Frame(what, tuple(parameters), names=set(parameters))
        symbols = [Symbol(self, Ref(name), annotation) for name, annotation in parameters.items()]
        self._check_takes(function, len(symbols), what)
        with self._open(frame):
            value = function(*symbols)
            if value is None and not allow_none:
                self.fail(f"{what} returns nothing", "return a value from it", where)
            result = self.text(value)
        return Body(tuple(parameters), tuple(frame.tasks), result), value

    def predicate(self, function: Callable[..., object], name: str, annotation: Any, what: str) -> str:
        """Trace a function of one value that may only read it; the text of its expression."""
        frame = Frame(what, (name,), takes_tasks=False, names={name})
        self._check_takes(function, 1, what)
        with self._open(frame):
            value = function(Symbol(self, Ref(name), annotation))
            if value is None:
                self.fail(f"{what} returns nothing", "return a comparison of its argument's fields")
            return self.text(value)

    def text(self, value: object) -> str:
        """The canonical text of a value's expression, checked to be readable again."""
        try:
            text = to_text(self.expression(value))
            parse(text)
        except ExpressionError as error:
            self.fail(
                f"a value cannot be written down: {error}",
                "keep large constants inside a @compute function, and compute long expressions there",
            )
        return text

    def apply(self, operation: str, *operands: object) -> Symbol:
        """A new value: an operation of `ir.expression` on values of which at least one is a symbol."""
        depth = 1 + max(depth_of(operand) for operand in operands)
        return make_symbol(self, apply(operation, *map(self.expression, operands)), bool, depth)

    def expression(self, value: object, depth: int = 0) -> Expression:
        """The expression of a value: a symbol, a literal, or lists, string-keyed mappings and dataclasses of them."""
        if depth > MAX_DEPTH:
            self.fail(f"a constant is nested deeper than {MAX_DEPTH}", "make it inside a @compute function")
        match value:
            case Symbol():
                return self._visible(value)
            case enum.Enum():
                return self.expression(value.value, depth)
            case None | bool() | int() | float() | str():
                return self._literal(value)
            case list() | tuple():
                items = cast(Sequence[object], value)
                return ListOf(tuple(self.expression(item, depth + 1) for item in items))
            case dict():
                return self._mapping(cast(Mapping[object, object], value), depth)
            case _:
                return self._structured(value, depth)

    def _literal(self, value: bool | int | float | str | None) -> Expression:
        if value is None or isinstance(value, bool):
            return Const(value)
        if isinstance(value, str):
            return Const(str(value))
        if isinstance(value, int):
            return Const(int(value))
        if not math.isfinite(value):
            self.fail(f"the constant {value!r} has no JSON form", "use None or a finite number")
        return Const(float(value))

    def _mapping(self, value: Mapping[object, object], depth: int) -> Expression:
        pairs: list[tuple[str, Expression]] = []
        for key, item in value.items():
            if not isinstance(key, str):
                self.fail(f"a dictionary has the key {key!r}", "use text keys; values travel as JSON")
            pairs.append((key, self.expression(item, depth + 1)))
        return DictOf(tuple(pairs))

    def _structured(self, value: object, depth: int) -> Expression:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return DictOf(tuple((f.name, self.expression(getattr(value, f.name), depth + 1)) for f in fields))
        if callable(value):
            name = getattr(value, "__name__", type(value).__name__)
            self.fail(f"the function {name!r} is used as a value", "call it, or name it inside a @compute function")
        return self.fail(
            f"a constant of type {type(value).__name__} is used as a value",
            "pass JSON values (None, bool, int, float, text, lists, dictionaries, dataclasses of them), "
            "or make it inside a @compute function",
        )

    def _visible(self, symbol: Symbol) -> Expression:
        expression = expression_of(symbol)
        if owner_of(symbol) is not self:
            self.fail(
                f"the value {to_text(expression)!r} belongs to the trace of another agent",
                f"pass it to {self.agent!r} as an argument",
            )
        visible = set[str]().union(*(frame.names for frame in self._frames))
        hidden = sorted(references(expression) - visible)
        if hidden:
            self.fail(
                f"the value {hidden[0]!r} was made inside another body and does not exist here",
                "return it from that body (loop, fanout or when) and use what the combinator returns",
            )
        return expression

    def _check_takes(self, function: Callable[..., object], values: int, what: str) -> None:
        try:
            inspect.signature(function).bind(*[None] * values)
        except TypeError as error:
            given = "no value" if values == 0 else f"{values} value" + "s" * (values > 1)
            self.fail(f"{what} is called with {given}: {error}", "write a function or lambda of that many parameters")
        except ValueError:  # a function written in C without a signature
            return

    @contextmanager
    def _open(self, frame: Frame) -> Generator[None]:
        self._frames.append(frame)
        try:
            yield
        finally:
            self._frames.pop()


def current() -> Trace | None:
    """The trace under way in this thread or task, or None: calls are then ordinary calls."""
    return _CURRENT.get()


@contextmanager
def tracing(trace: Trace) -> Generator[None]:
    """Make `trace` the one under way."""
    token = _CURRENT.set(trace)
    try:
        yield
    finally:
        trace.active = False
        _CURRENT.reset(token)
    if trace.failure is not None:
        raise trace.failure


def _as_identifier(wanted: str) -> str:
    candidates = (wanted.lstrip("_"), f"task_{wanted.lstrip('_')}")
    return next((name for name in candidates if is_name(name)), "task")
