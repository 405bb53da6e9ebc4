"""`@agent`: a function whose body is traced into a graph; called outside a trace it runs in this process.

Only agents are traced. An agent called inside another agent's body becomes one task that holds the whole inner graph.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, Unpack

from ir.expression import parse, references
from orchestrator.errors import DecorationError, TraceError
from orchestrator.function import Function, Kind, defined_at
from orchestrator.graph import AgentTask, Body, Graph, Json
from orchestrator.identity_tests import check_identity_tests
from orchestrator.settings import AgentSettings
from orchestrator.source import user_location
from orchestrator.symbolic import Symbol
from orchestrator.tracing import Trace, current, tracing

P = ParamSpec("P")
R = TypeVar("R")

_TRACING = threading.RLock()


class AgentFunction(Function[P, R]):
    """An agent: `trace()` gives its graph, a call runs it eagerly."""

    def __init__(self, kind: Kind, function: Callable[..., Any], values: Mapping[str, Any]) -> None:
        super().__init__(kind, function, values)
        _check_agent(self)
        self.sla = self.settings.sla("sla")
        self.first_output = self.settings.sla("first_output")
        self.degrade = self.settings.degrade()
        self._graph: Graph | None = None

    def options(self, **changes: Unpack[AgentSettings]) -> AgentFunction[P, R]:
        """A copy with another SLA or fallback."""
        return self._with(changes)

    def invoke_json(self, arguments: Mapping[str, Json]) -> Json:
        """Run the agent in this process on JSON arguments. Raises `ConversionError`, or whatever the body raises."""
        from orchestrator.codec import invoke_json

        return invoke_json(self, arguments)

    def argument_problem(self, arguments: Mapping[str, Json]) -> str | None:
        """Why arguments that a model chose do not fit, as text for the model; None when they do."""
        from orchestrator.codec import argument_problem

        return argument_problem(self, arguments)

    def accept_json(self, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """Arguments that a model chose, as JSON by parameter name with every default. Raises `ConversionError`."""
        from orchestrator.codec import accept_json

        return accept_json(self, arguments)

    def task(self, trace: Trace, inputs: dict[str, str], where: str) -> AgentTask:
        """The task of one call; a react's tool has no inputs, its model gives them."""
        graph = self.trace()
        return AgentTask(id=trace.unique(self.__name__), name=self.__name__, where=where, inputs=inputs, graph=graph)

    def trace(self) -> Graph:
        """The graph of this agent, captured once.

        Raises `TraceError` with the user's line when the body needs a value that does not exist yet, leaves what JSON
        can say, or calls itself; whatever else the body raises passes through.
        """
        self._check_recursion()
        with _TRACING:
            if self._graph is None:
                self._graph = self._trace()
            return self._graph

    def _trace(self) -> Graph:
        check_identity_tests(self.__wrapped__)
        outer = current()
        trace = Trace(self.__name__, (*outer.agents, self) if outer else (self,))
        with tracing(trace):
            parameters = {trace.reserve(name): self.hints.get(name, Any) for name in self.signature.parameters}
            what = f"the agent {self.__name__!r}"
            body, _ = trace.body(self._call_with_symbols, parameters, what, where=defined_at(self.__wrapped__))
        self._check_result(body)
        from orchestrator.codec import input_schema, output_schema

        return Graph(
            name=self.__name__,
            function=self.reference,
            body=body,
            sla=self.sla,
            input_schema=input_schema(self),
            output_schema=output_schema(self),
            description=inspect.getdoc(self.__wrapped__) or "",
            degrade=self.degrade,
            first_output=self.first_output,
        )

    def _call_with_symbols(self, *symbols: object) -> object:
        positional: list[object] = []
        named: dict[str, object] = {}
        for parameter, symbol in zip(self.signature.parameters.values(), symbols, strict=True):
            if parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = symbol
            else:
                positional.append(symbol)
        return self.__wrapped__(*positional, **named)

    def _check_recursion(self) -> None:
        outer = current()
        if outer is not None and self.__wrapped__ in [getattr(agent, "__wrapped__", None) for agent in outer.agents]:
            names = [getattr(agent, "__name__", "?") for agent in outer.agents]
            outer.fail(
                f"the agent {self.__name__!r} calls itself ({' -> '.join([*names, self.__name__])}): a cycle",
                "use loop(body, init, until=..., max_iters=...) for repetition with a bound",
            )

    def _check_result(self, body: Body) -> None:
        if not references(parse(body.result)):
            raise TraceError(
                f"the agent {self.__name__!r} returns the constant {body.result}, whatever its input",
                "return the value of a call; if a Python `if` chose the constant, use when(...)",
                defined_at(self.__wrapped__),
            )

    def _record(self, trace: Trace, inputs: dict[str, str]) -> Symbol:
        where = user_location()
        for name, parameter in self.signature.parameters.items():
            if name not in inputs:
                inputs[name] = trace.text(parameter.default)
        ordered = {name: inputs[name] for name in self.signature.parameters}
        return trace.add(self.task(trace, ordered, where), self.returns)

    def _run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return self.__wrapped__(*args, **kwargs)


def _check_agent(agent: AgentFunction[..., Any]) -> None:
    where = defined_at(agent.__wrapped__)
    if inspect.iscoroutinefunction(agent.__wrapped__):
        raise DecorationError(
            f"@agent {agent.__name__!r} is async",
            "write def: calls in an agent's body give their values directly, and independent calls run in parallel",
            where,
        )
    for name, parameter in agent.signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise DecorationError(
                f"@agent {agent.__name__!r} takes {parameter}", "name each input, or take one list or dictionary", where
            )
        if name.startswith("_"):
            raise DecorationError(
                f"@agent {agent.__name__!r} has the private parameter {name!r}",
                "name inputs without a leading _",
                where,
            )
        if parameter.default is not parameter.empty:
            _check_default(agent.__name__, parameter, where)


def _check_default(agent: str, parameter: inspect.Parameter, where: str) -> None:
    try:
        Trace(agent).text(parameter.default)
    except TraceError as error:
        problem = f"@agent {agent!r}: the default of {parameter.name!r}: {error.problem}"
        raise DecorationError(problem, error.remedy, where) from None
