"""`@tool`, `@memory` and `@compute` functions: one call is one task that runs on a CPU core.

Apart from the other kinds because their bodies really run wherever the plan runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, ParamSpec, TypeVar, Unpack, cast

from orchestrator.function import Function, Kind
from orchestrator.graph import CallTask, Json, MemoryOp
from orchestrator.settings import MemorySettings
from orchestrator.source import user_location
from orchestrator.symbolic import Symbol
from orchestrator.tracing import Trace

P = ParamSpec("P")
R = TypeVar("R")


class CallFunction(Function[P, R]):
    """`@tool`, `@memory` or `@compute`: runs on a CPU core."""

    def __init__(self, kind: Kind, function: Callable[..., Any], values: Mapping[str, Any]) -> None:
        super().__init__(kind, function, values)
        self.prior = self.settings.prior()
        self.execution = self.settings.execution()
        self.op: MemoryOp | None = None
        self.k: int | None = None
        if kind == "memory":
            self.op, self.k = self.settings.memory()

    def options(self, **changes: Unpack[MemorySettings]) -> CallFunction[P, R]:
        """A copy whose calls use other limits or priors."""
        return self._with(changes)

    def invoke_json(self, arguments: Mapping[str, Json]) -> Json:
        """Run the body on JSON arguments. Raises `ConversionError`, or whatever the body raises."""
        from orchestrator.codec import invoke_json

        return invoke_json(self, arguments)

    def argument_problem(self, arguments: Mapping[str, Json]) -> str | None:
        """Why arguments that a model chose do not fit, as text for the model; None when they do."""
        from orchestrator.codec import argument_problem

        return argument_problem(self, arguments)

    def task(self, trace: Trace, inputs: dict[str, str], where: str) -> CallTask:
        """The task of one call; a react's tool has no inputs, its model gives them."""
        return CallTask(
            id=trace.unique(self.__name__),
            name=self.__name__,
            where=where,
            kind=cast(Literal["tool", "memory", "compute"], self.kind),
            function=self.reference,
            inputs=inputs,
            prior=self.prior,
            execution=self.execution,
            op=self.op,
            k=self.k,
        )

    def call_body(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run the body; a lookup keeps the first `k` of a list."""
        return self._kept(super().call_body(args, kwargs))

    async def await_body(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """`call_body` of an async function for a caller that has an event loop."""
        self._check_not_stub()
        return self._kept(await self.__wrapped__(*args, **kwargs))

    def _kept(self, value: Any) -> Any:
        return cast(list[object], value)[: self.k] if self.k is not None and isinstance(value, list) else value

    def _record(self, trace: Trace, inputs: dict[str, str]) -> Symbol:
        return trace.add(self.task(trace, inputs, user_location()), self.returns)

    def _run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return self.call_body(args, kwargs)
