"""What every graph must fulfil, whoever wrote it: names, references, bounds, probabilities and priors.

A traced graph keeps these rules by construction; a document from a file or over HTTP is refused with the first one it
breaks.
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, cast

from ir.duration import MAX_DURATION_S
from ir.expression import ExpressionError, is_name, parse, references
from ir.sla import Sla
from orchestrator.errors import GraphError
from orchestrator.function_ref_check import function_ref_problem
from orchestrator.graph import (
    LLM_PHASES,
    AgentTask,
    Body,
    CallTask,
    Execution,
    FanoutTask,
    FunctionRef,
    Graph,
    InterruptTask,
    Json,
    LlmTask,
    LoopTask,
    ModelTask,
    ObserveTask,
    Prior,
    ReactTask,
    Task,
    WhenTask,
)
from orchestrator.task_inputs import task_inputs

_SHOWN_NAMES = 20


def check_graph(graph: Graph, path: str = "") -> None:
    """Raise `GraphError` with the path of the first broken rule; nested agents are checked as graphs of their own."""
    _Checker(graph).check(path)


@dataclass(slots=True)
class _Scope:
    """The names of one body so far, those still to come, and the scope around it."""

    names: set[str]
    later: set[str]
    outer: _Scope | None

    def around(self) -> Iterator[_Scope]:
        """This scope and those around it."""
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


@dataclass(slots=True)
class _Checker:
    """Checks one graph. `taken` are the names used so far in it, with the path of their owner."""

    graph: Graph
    taken: dict[str, str] = field(default_factory=dict[str, str])

    def check(self, path: str) -> None:
        graph = self.graph
        if not graph.name.isidentifier() or keyword.iskeyword(graph.name):
            _refuse(_at(path, "name"), f"{graph.name[:80]!r} is no identifier", "name the agent like a function")
        _check_function(_at(path, "function"), graph.function)
        for key, sla in (("sla", graph.sla), ("first_output", graph.first_output)):
            _check_sla(_at(path, key), sla)
        degrade = graph.degrade
        if degrade is not None and degrade.max_iters is not None:
            _at_least(_at(path, "degrade.max_iters"), degrade.max_iters, 1)
        self._body(_at(path, "body"), graph.body, None)
        _check_schema(_at(path, "input_schema"), graph.input_schema, graph.body.parameters)

    def _body(self, path: str, body: Body, outer: _Scope | None) -> None:
        scope = _Scope(set(body.parameters), {task.id for task in body.tasks}, outer)
        for number, name in enumerate(body.parameters):
            self._take(f"{path}.parameters[{number}]", name, ())
        for number, task in enumerate(body.tasks):
            place = f"{path}.tasks[{number}]"
            self._take(f"{place}.id", task.id, LLM_PHASES if isinstance(task, LlmTask) else ())
            self._task(place, task, scope)
            scope.names.add(task.id)
            scope.later.discard(task.id)
        _check_expression(f"{path}.result", body.result, scope)

    def _take(self, path: str, name: str, suffixes: Iterable[str]) -> None:
        if not is_name(name):
            _refuse(path, f"{name[:80]!r} is no public identifier", "use letters, digits and _, not starting with _")
        for used in (name, *(f"{name}_{suffix}" for suffix in suffixes)):
            if used in self.taken:
                _refuse(path, f"the name {used!r} is taken by {self.taken[used]}", "give every task its own id")
            self.taken[used] = path

    def _task(self, path: str, task: Task, scope: _Scope) -> None:
        for key, text in task_inputs(task).items():
            _check_expression(f"{path}.{key}", text, scope)
        _check_values(path, task)
        match task:
            case WhenTask(then=then, orelse=orelse):
                self._nested(f"{path}.then", then, scope, 0)
                self._nested(f"{path}.orelse", orelse, scope, 0)
            case LoopTask(body=body, until=until):
                self._nested(f"{path}.body", body, scope, 1)
                _check_expression(f"{path}.until", until, _Scope(set(body.parameters), set(), scope))
            case FanoutTask(body=body):
                self._nested(f"{path}.body", body, scope, 1)
            case AgentTask(graph=graph, inputs=inputs):
                check_graph(graph, f"{path}.graph")
                if set(inputs) != set(graph.body.parameters):
                    wanted = ", ".join(graph.body.parameters) or "none"
                    _refuse(f"{path}.inputs", f"are {', '.join(inputs) or 'none'}", f"the agent's are: {wanted}")
            case ReactTask():
                self._react(path, task)
            case _:
                return

    def _nested(self, path: str, body: Body, scope: _Scope, parameters: int) -> None:
        if len(body.parameters) != parameters:
            _refuse(f"{path}.parameters", f"has {len(body.parameters)} names", f"this body takes {parameters}")
        self._body(path, body, scope)

    def _react(self, path: str, react: ReactTask) -> None:
        self._take(f"{path}.llm.id", react.llm.id, LLM_PHASES)
        _check_values(f"{path}.llm", react.llm)
        names: set[str] = set()
        for number, tool in enumerate(react.tools):
            place = f"{path}.tools[{number}]"
            self._take(f"{place}.id", tool.id, ())
            _check_values(place, tool)
            if isinstance(tool, AgentTask):
                check_graph(tool.graph, f"{place}.graph")
            if tool.inputs:
                _refuse(f"{place}.inputs", "is not empty", "a react's tool gets its arguments from the model")
            if tool.name in names:
                _refuse(f"{place}.name", f"{tool.name!r} is the name of two tools", "give each tool its own name")
            names.add(tool.name)


def _check_expression(path: str, text: str, scope: _Scope) -> None:
    try:
        read = references(parse(text))
    except ExpressionError as error:
        _refuse(path, str(error), "write an expression over task ids, such as plan.queries")
    for name in sorted(read):
        if any(name in around.names for around in scope.around()):
            continue
        if any(name in around.later for around in scope.around()):
            _refuse(path, f"refers to {name!r}, which comes later or is the task itself: a cycle", "refer backwards")
        known = [known for around in scope.around() for known in sorted(around.names)]
        shown = ", ".join(known[:_SHOWN_NAMES]) + (", ..." if len(known) > _SHOWN_NAMES else "")
        _refuse(path, f"refers to {name!r}, which does not exist here", f"known: {shown or 'none'}")


def _check_values(path: str, task: Task) -> None:
    match task:
        case LlmTask():
            _check_function(f"{path}.function", task.function)
            _check_models(f"{path}.models", task.models)
            _at_least(f"{path}.max_tokens", task.max_tokens, 1)
            _between(f"{path}.tokens_in", task.tokens_in, 0, math.inf)
            _between(f"{path}.tokens_out", task.tokens_out, 0, task.max_tokens)
            _check_prefix(f"{path}.prefix", task)
            _check_execution(f"{path}.execution", task.execution)
        case CallTask():
            _check_function(f"{path}.function", task.function)
            _check_prior(f"{path}.prior", task.prior)
            _check_execution(f"{path}.execution", task.execution, may_be_pure=task.op != "store")
            _check_memory(path, task)
        case ModelTask():
            _check_function(f"{path}.function", task.function)
            _check_models(f"{path}.models", task.models)
            _check_execution(f"{path}.execution", task.execution)
            sizes = {key: getattr(task, key) for key in ("audio_s", "tokens", "images")}
            if sum(size is not None for size in sizes.values()) != 1:
                _refuse(path, f"the size of the input is {sizes}", "give exactly one of audio_s, tokens, images")
            for key, size in sizes.items():
                _between(f"{path}.{key}", size, 0, math.inf)
        case WhenTask():
            _between(f"{path}.p", task.p, 0, 1)
        case LoopTask():
            _check_bound(path, "max_iters", task.max_iters, task.expect)
        case FanoutTask():
            _check_bound(path, "max", task.max, task.expect)
        case ReactTask():
            _check_bound(path, "max_turns", task.max_turns, task.expect)
        case AgentTask() | ObserveTask() | InterruptTask():
            return


def _check_function(path: str, ref: FunctionRef) -> None:
    problem = function_ref_problem(ref)
    if problem is not None:
        key, wrong, remedy = problem
        _refuse(f"{path}.{key}", wrong, remedy)


def _check_models(path: str, models: tuple[str, ...]) -> None:
    if not models or len(set(models)) != len(models) or not all(model.strip() for model in models):
        _refuse(path, f"is {list(models)}", "name at least one model, each once")


def _check_prefix(path: str, task: LlmTask) -> None:
    if task.prefix is None:
        return
    _at_least(f"{path}.tokens", task.prefix.tokens, 1)
    if task.tokens_in is not None and task.prefix.tokens > task.tokens_in:
        remedy = "the prefix is a part of the prompt: it has at most tokens_in tokens"
        _refuse(f"{path}.tokens", f"is {task.prefix.tokens}, more than tokens_in, {task.tokens_in:g}", remedy)
    if not _is_sha256(task.prefix.sha256):
        _refuse(f"{path}.sha256", f"is {task.prefix.sha256[:80]!r}", "write the 64 hexadecimal digits of a SHA-256")


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)


def _check_prior(path: str, prior: Prior) -> None:
    for key in ("latency_s", "latency_sd_s"):
        _between(f"{path}.{key}", getattr(prior, key), 0, MAX_DURATION_S)
    for key in ("cost_usd", "tokens_out"):
        _between(f"{path}.{key}", getattr(prior, key), 0, math.inf)
    if prior.cpu_s is not None:
        _between(f"{path}.cpu_s", prior.cpu_s, 0, -1 if prior.latency_s is None else prior.latency_s)


def _check_execution(path: str, execution: Execution, may_be_pure: bool = False) -> None:
    _between(f"{path}.timeout_s", execution.timeout_s, 0, MAX_DURATION_S)
    if execution.timeout_s == 0:
        _refuse(f"{path}.timeout_s", "is 0", "use a positive number of seconds, or null for no limit")
    _at_least(f"{path}.retries", execution.retries, 0)
    if execution.retries and not execution.idempotent:
        _refuse(f"{path}.retries", f"is {execution.retries} without idempotent", "set idempotent, or retries to 0")
    if execution.items is not None and not (execution.stream and 1 < execution.items < math.inf):
        _refuse(f"{path}.items", f"is {execution.items}", "give more than 1 item, and stream, or null")
    if execution.pure and not may_be_pure:
        _refuse(f"{path}.pure", "is true", "only a tool, compute, lookup or load may be pure: set it to false")
    if execution.pure and not execution.idempotent:
        _refuse(f"{path}.pure", "is true without idempotent", "what changes nothing may run twice: set idempotent")


def _check_memory(path: str, task: CallTask) -> None:
    if (task.op is None) == (task.kind == "memory"):
        _refuse(f"{path}.op", f"is {task.op!r} on a {task.kind} task", "a memory task has an op, no other task has")
    if task.k is not None:
        if task.op != "lookup":
            _refuse(f"{path}.k", f"is {task.k} with op {task.op!r}", "only a lookup has k")
        _at_least(f"{path}.k", task.k, 1)


def _check_bound(path: str, key: str, bound: int, expect: float) -> None:
    _at_least(f"{path}.{key}", bound, 1)
    _between(f"{path}.expect", expect, 0, bound)


def _check_sla(path: str, sla: Sla | None) -> None:
    if sla is not None and not 0 < sla.limit_s <= MAX_DURATION_S:
        _refuse(f"{path}.limit_s", f"is {sla.limit_s!r}", f"use a positive number of seconds up to {MAX_DURATION_S:g}")


def _check_schema(path: str, schema: Mapping[str, Json], parameters: tuple[str, ...]) -> None:
    properties = schema.get("properties", {})
    described = cast(dict[str, Json], properties) if isinstance(properties, dict) else {}
    if set(described) != set(parameters) or not all(isinstance(value, dict) for value in described.values()):
        wanted = ", ".join(parameters) or "none"
        _refuse(f"{path}.properties", "does not describe the agent's parameters", f"describe exactly: {wanted}")
    required = schema.get("required", [])
    names = cast(list[Json], required) if isinstance(required, list) else [required]
    if not all(isinstance(name, str) and name in parameters for name in names):
        _refuse(f"{path}.required", f"is {str(names)[:80]}", "list names of parameters")


def _between(path: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        limits = f"from {low:g} to {high:g}" if math.isfinite(high) else f"finite and at least {low:g}"
        _refuse(path, f"is {value!r}", f"it must be {limits}")


def _at_least(path: str, value: int, low: int) -> None:
    if value < low:
        _refuse(path, f"is {value}", f"it must be a whole number of at least {low}")


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _refuse(path: str, problem: str, remedy: str) -> NoReturn:
    raise GraphError(problem, remedy, path)
