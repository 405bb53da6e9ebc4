"""Decorated functions: ordinary typed callables that record a task when an agent is traced and run otherwise.

What all kinds share: binding arguments, running the body, copies with other options, being found again by name.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast, get_type_hints

from orchestrator.errors import DecorationError, EagerError, TraceError
from orchestrator.functions import function_ref
from orchestrator.graph import FunctionRef
from orchestrator.settings import NOT_PER_CALL, Settings
from orchestrator.source import display_path, user_location
from orchestrator.symbolic import Symbol
from orchestrator.tracing import Trace, current

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound="Function[..., Any]")

Kind = Literal["llm", "tool", "memory", "compute", "model", "agent"]


class Function(Generic[P, R]):
    """A decorated function. Calling it inside an agent's body records a task; anywhere else it runs."""

    kind: Kind
    __wrapped__: Callable[..., Any]
    __name__: str
    __qualname__: str

    def __init__(self, kind: Kind, function: Callable[..., Any], values: Mapping[str, Any]) -> None:
        self.kind = kind
        _check_function(kind, function)
        functools.update_wrapper(self, function)
        self._values = dict(values)
        self._overrides: dict[str, Any] = {}
        self.settings = Settings(kind, function.__name__, values)
        self.signature = inspect.signature(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        trace = current()
        if trace is not None:
            trace.check_may_call(self.__name__)
            return cast(R, self._record(trace, self._inputs(trace, args, kwargs)))
        if any(isinstance(value, Symbol) for value in (*args, *kwargs.values())):
            raise TraceError(
                f"{self.__name__!r} gets a symbolic value after its agent was traced",
                "use values of a trace only inside the agent's body",
                user_location(),
            )
        return cast(R, self._run(args, kwargs))

    def __repr__(self) -> str:
        return f"<@{self.kind} {self.__module__}.{self.__qualname__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.__module__, self.__qualname__, self._overrides)

    @functools.cached_property
    def reference(self) -> FunctionRef:
        """Where the function is written.

        Raises `TraceError` when no other process could load it or its annotations have no JSON form.
        """
        from orchestrator.codec import codec_of

        codec_of(self)
        reference = function_ref(self.__wrapped__, self.kind)
        found = inspect.unwrap(self.__wrapped__).__globals__.get(reference.qualname)
        if not isinstance(found, Function) or found.__wrapped__ is not self.__wrapped__:
            raise TraceError(
                f"@{self.kind} {self.__name__!r} is not what its module calls {reference.qualname!r}, "
                "so no other process can load it by name",
                "decorate it where it is defined, by `@`, and give each function of a module its own name",
                defined_at(self.__wrapped__),
            )
        return reference

    def prepare(self) -> None:
        """Build the converters now, so that the first call takes no longer than any other."""
        from orchestrator.codec import codec_of

        codec_of(self)

    @functools.cached_property
    def hints(self) -> dict[str, Any]:
        """The annotations by parameter name, and `return`. Raises `TraceError` for one that has no meaning."""
        try:
            return get_type_hints(self.__wrapped__, include_extras=True)
        except Exception as error:
            raise TraceError(
                f"an annotation of {self.__name__!r} cannot be read: {type(error).__name__}: {error}",
                "define or import its types at the top level of the module, outside `if TYPE_CHECKING`",
                defined_at(self.__wrapped__),
            ) from None

    @property
    def returns(self) -> Any:
        """The return annotation; `Any` without one."""
        return self.hints.get("return", Any)

    def call_body(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run the function's own code with real values; an async one is run to its end."""
        self._check_not_stub()
        value = self.__wrapped__(*args, **kwargs)
        if not inspect.iscoroutine(value):
            return value
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(value)
        value.close()
        raise EagerError(
            f"async @{self.kind} {self.__name__!r} is called where an event loop already runs",
            f"await asyncio.to_thread({self.__name__}, ...), or await {self.__name__}.__wrapped__(...)",
            user_location(),
        )

    def _check_not_stub(self) -> None:
        if is_stub(self.__wrapped__):
            raise EagerError(
                f"@{self.kind} {self.__name__!r} has no code to run", "write its body", defined_at(self.__wrapped__)
            )

    def _with_defaults(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def _check_simulate(self, simulate: object, *extra: str) -> None:
        if not callable(simulate):
            return
        parameters = self.signature.parameters.values()
        keywords = {p.name: None for p in parameters if p.kind is p.KEYWORD_ONLY}
        try:
            takes = inspect.signature(simulate)
            keywords |= {
                name: None for name in extra if name in takes.parameters and name not in self.signature.parameters
            }
            takes.bind(
                *[None for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)], **keywords
            )
        except TypeError as error:
            self.settings.fail(
                f"simulate= cannot take its arguments: {error}", f"give it the parameters {self.signature}"
            )
        except ValueError:  # a function written in C without a signature
            return

    def _inputs(self, trace: Trace, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, str]:
        return {name: trace.text(value) for name, value in self._bound(trace, args, kwargs).items()}

    def _bound(self, trace: Trace, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return dict(self.signature.bind(*args, **kwargs).arguments)
        except TypeError as error:
            trace.fail(f"the call does not fit {self.__name__}{self.signature}: {error}", "correct the arguments")

    def _with(self: F, changes: Mapping[str, Any]) -> F:
        for key in changes:
            if key in NOT_PER_CALL:
                self.settings.fail(f"options({key}=...) cannot change one call", f"write {key}= in the decorator")
        values = {**self._values, **changes}
        copy = type(self)(self.kind, self.__wrapped__, values)
        copy._overrides = {**self._overrides, **changes}
        return copy

    @abstractmethod
    def _record(self, trace: Trace, inputs: dict[str, str]) -> Symbol: ...

    @abstractmethod
    def _run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any: ...


def is_stub(function: Callable[..., Any]) -> bool:
    """Whether the body is only `...`, `pass` or a docstring although the function is annotated to return something."""
    code = list(dis.get_instructions(function))
    constants = {instruction.argval for instruction in code if instruction.opname in _CONSTANT_OPS}
    returns = function.__annotations__.get("return")
    only_constants = {instruction.opname for instruction in code} <= _STUB_OPS
    return only_constants and constants <= {None} and returns not in (None, "None")


_CONSTANT_OPS = frozenset({"LOAD_CONST", "RETURN_CONST"})
_STUB_OPS = _CONSTANT_OPS | {
    *("RESUME", "RETURN_VALUE", "RETURN_GENERATOR", "POP_TOP", "NOP"),
    *("CALL_INTRINSIC_1", "RERAISE"),  # how later versions of Python end a coroutine
}


def _check_function(kind: str, function: object) -> None:
    if isinstance(function, Function):
        raise DecorationError(f"@{kind}: {function!r} is decorated twice", "keep one decorator", user_location())
    if not isinstance(function, FunctionType):
        raise DecorationError(
            f"@{kind} is applied to {function!r}", "apply it to a function made by def", user_location()
        )
    if function.__name__ == "<lambda>":
        raise DecorationError(f"@{kind} is applied to a lambda", "give it a name with def", user_location())
    if "." in function.__qualname__.rpartition("<locals>.")[2]:
        raise DecorationError(
            f"@{kind} {function.__qualname__!r} is a method",
            "move it to the top level of the module and pass what it needs as arguments",
            defined_at(function),
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DecorationError(f"@{kind} {function.__name__!r} is a generator", "return a list", defined_at(function))


def defined_at(function: Callable[..., Any]) -> str:
    """`file:line` of a function."""
    code: CodeType = inspect.unwrap(function).__code__
    return f"{display_path(code.co_filename)}:{code.co_firstlineno}"


def _restore(module: str, qualname: str, overrides: dict[str, Any]) -> object:
    found = getattr(sys.modules.get(module) or __import__(module, fromlist=[""]), qualname)
    return found._with(overrides) if overrides else found
