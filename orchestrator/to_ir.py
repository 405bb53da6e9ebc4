"""Graph -> module: the captured agent as the high-level form of the IR, with nothing lost.

A task becomes one operation; an input that is a plain reference becomes an operand, any other expression an
`agent.expr` before the task. From here on values are found by identity, so that passes may move and copy operations.
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from xdsl.dialects.builtin import ModuleOp, StringAttr, SymbolRefAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from ir import expression
from ir.build import Plain, ascii_expression, integer, number, properties, strings
from ir.dialects import agent, control
from ir.dialects.names import fresh
from ir.dialects.values import JsonType
from orchestrator.graph import (
    AgentTask,
    Body,
    CallTask,
    FanoutTask,
    Graph,
    InterruptTask,
    Json,
    LlmTask,
    LoopTask,
    ModelTask,
    ObserveTask,
    ReactTask,
    Task,
    WhenTask,
    bodies,
    walk,
)
from orchestrator.task_attributes import (
    ToIrError,
    accept,
    call,
    degrade,
    function,
    header,
    input_type,
    result_type,
    sla,
)

Scope = MutableMapping[str, SSAValue]
"""The values that a body may read, by name."""

JSON = JsonType()


def to_ir(graph: Graph) -> ModuleOp:
    """The module of an agent and of the agents it calls, the agent itself first; it is verified.

    Raises `ToIrError` for a reference to an unknown name and `VerifyException` for what the verifiers refuse.
    """
    agents = _Agents()
    agents.symbol(graph)
    module = ModuleOp(agents.operations)
    module.verify()
    return module


@dataclass
class _Agents:
    """The graphs of a module by symbol; equal graphs share one."""

    graphs: dict[str, Graph] = field(default_factory=dict[str, Graph])
    operations: list[Operation] = field(default_factory=list[Operation])

    def symbol(self, graph: Graph) -> str:
        """The symbol of a graph, which is emitted where it is new."""
        known = next((symbol for symbol, other in self.graphs.items() if other == graph), None)
        if known is not None:
            return known
        symbol = fresh(graph.name, self.graphs)
        self.graphs[symbol] = graph
        place = len(self.operations)
        self.operations.insert(place, _Emitter(self, graph).graph_op(symbol))
        return symbol


class _Emitter:
    """Emits the tasks of one graph."""

    def __init__(self, agents: _Agents, graph: Graph) -> None:
        self.agents = agents
        self.graph = graph
        names = {task.id for task in walk(graph.body)} | set(graph.body.parameters)
        names |= {name for task in walk(graph.body) for body in bodies(task).values() for name in body.parameters}
        self.names = names
        self.turn_parameters = (fresh("messages", names), fresh("arguments", names))

    def graph_op(self, symbol: str) -> Operation:
        graph = self.graph
        schemas: Mapping[str, Json] = graph.input_schema.get("properties", {})
        types = [input_type(schemas.get(name)) for name in graph.body.parameters]
        region = self.region(graph.body, {}, types, agent.OutputOp)
        values: dict[str, Plain] = {
            "sym_name": symbol,
            "parameters": strings(graph.body.parameters),
            "sla": sla(graph.sla),
            "first_output": sla(graph.first_output),
            "function": function(graph.function),
            "agent_name": None if graph.name == symbol else graph.name,
            "description": graph.description.encode("unicode_escape").decode("ascii") or None,
            "degrade": degrade(graph.degrade),
            "input_schema": json.dumps(graph.input_schema),
            "output_schema": json.dumps(graph.output_schema),
        }
        return agent.GraphOp.create(properties=properties(values), regions=[region])

    def region(
        self,
        body: Body,
        outer: Scope,
        types: Sequence[Attribute],
        terminator: type[agent.OutputOp | control.YieldOp] = control.YieldOp,
    ) -> Region:
        if len(types) != len(body.parameters):
            raise ToIrError(f"a body has the parameters {body.parameters}, but {len(types)} values are passed to it")
        block = Block(arg_types=types)
        scope: Scope = ChainMap({}, outer)
        for name, argument in zip(body.parameters, block.args, strict=True):
            argument.name_hint = _hint(name)
            scope[name] = argument
        for task in body.tasks:
            self.add(task, scope, block)
        block.add_op(terminator.create(operands=[self.value(body.result, scope, block, "a result")]))
        return Region(block)

    def add(self, task: Task, scope: Scope, block: Block, rest: SSAValue | None = None) -> SSAValue:
        """Emit a task at the end of a block; `rest` is an operand without a name."""
        op = self.task(task, scope, block, [] if rest is None else [rest])
        block.add_op(op)
        op.results[0].name_hint = _hint(task.id)
        scope[task.id] = op.results[0]
        return op.results[0]

    def task(self, task: Task, scope: Scope, block: Block, rest: list[SSAValue]) -> Operation:
        match task:
            case LlmTask() | CallTask() | ModelTask():
                operands = [*self.operands(task.inputs, scope, block, task.id), *rest]
                kind, values = call(task)
                return kind.create(operands=operands, result_types=[result_type(task)], properties=properties(values))
            case AgentTask():
                return self.agent_call(task, scope, block)
            case WhenTask():
                return self.when(task, scope, block)
            case LoopTask():
                return self.loop(task, scope, block)
            case FanoutTask():
                return self.fanout(task, scope, block)
            case ReactTask():
                return self.react(task, scope, block)
            case ObserveTask():
                value = self.value(task.value, scope, block, task.id)
                return agent.ObserveOp.create(operands=[value], result_types=[JSON], properties=header(task))
            case InterruptTask():
                question = self.value(task.question, scope, block, task.id)
                return agent.InterruptOp.create(operands=[question], result_types=[JSON], properties=header(task))
            case _:
                assert_never(task)

    def agent_call(self, task: AgentTask, scope: Scope, block: Block) -> Operation:
        callee = SymbolRefAttr(self.agents.symbol(task.graph))
        return agent.CallOp.create(
            operands=self.operands(task.inputs, scope, block, task.id),
            result_types=[JSON],
            properties=header(task) | {"callee": callee, "arg_names": strings(task.inputs)},
        )

    def when(self, task: WhenTask, scope: Scope, block: Block) -> Operation:
        return control.WhenOp.create(
            operands=[self.value(task.condition, scope, block, task.id)],
            result_types=[JSON],
            properties=header(task) | properties({"p": None if task.p is None else number(task.p)}),
            regions=[self.region(task.then, scope, []), self.region(task.orelse, scope, [])],
        )

    def loop(self, task: LoopTask, scope: Scope, block: Block) -> Operation:
        until = Body(task.body.parameters, (), task.until)
        return control.LoopOp.create(
            operands=[self.value(task.init, scope, block, task.id)],
            result_types=[JSON],
            properties=header(task)
            | {
                "parameter": _parameter(task, task.body),
                "max_iters": integer(task.max_iters),
                "expect": number(task.expect),
            },
            regions=[self.region(until, scope, [JSON]), self.region(task.body, scope, [JSON])],
        )

    def fanout(self, task: FanoutTask, scope: Scope, block: Block) -> Operation:
        return control.FanoutOp.create(
            operands=[self.value(task.items, scope, block, task.id)],
            result_types=[JSON],
            properties=header(task)
            | {
                "parameter": _parameter(task, task.body),
                "max": integer(task.max),
                "expect": number(task.expect),
                "overflow": StringAttr(task.overflow),
                "on_error": StringAttr(task.on_error),
            },
            regions=[self.region(task.body, scope, [JSON])],
        )

    def react(self, task: ReactTask, scope: Scope, block: Block) -> Operation:
        regions: list[Region] = []
        for member, parameter in zip(
            (task.llm, *task.tools),
            (self.turn_parameters[0], *[self.turn_parameters[1]] * len(task.tools)),
            strict=True,
        ):
            inner = Block(arg_types=[JSON])
            inner.args[0].name_hint = _hint(parameter)
            values = ChainMap({}, scope)
            if isinstance(member, AgentTask):
                value = self.agent_tool(member, values, inner)
            else:
                value = self.add(member, values, inner, rest=inner.args[0])
            inner.add_op(control.YieldOp.create(operands=[value]))
            regions.append(Region(inner))
        return control.ReactOp.create(
            result_types=[JSON],
            properties=header(task)
            | {
                "parameters": strings(self.turn_parameters),
                "max_turns": integer(task.max_turns),
                "expect": number(task.expect),
                "tool_names": strings(tool.name for tool in task.tools),
            },
            regions=regions,
        )

    def agent_tool(self, task: AgentTask, scope: Scope, block: Block) -> SSAValue:
        """An agent that a model calls: its function checks the block's argument, whose fields are then its inputs."""
        checked = fresh(f"{task.id}_arguments", self.names)
        self.names.add(checked)
        self.add(accept(task, checked), scope, block, rest=block.args[0])
        parameters = task.graph.body.parameters
        inputs = {name: expression.to_text(expression.Field(expression.Ref(checked), name)) for name in parameters}
        return self.add(replace(task, inputs=inputs), scope, block)

    def operands(self, inputs: Mapping[str, str], scope: Scope, block: Block, reader: str) -> list[SSAValue]:
        return [self.value(text, scope, block, reader) for text in inputs.values()]

    def value(self, text: str, scope: Scope, block: Block, reader: str) -> SSAValue:
        """The value of an expression; one that computes is put at the end of the block."""
        parsed = expression.parse(text)
        names = sorted(expression.references(parsed))
        unknown = [name for name in names if name not in scope]
        if unknown:
            raise ToIrError(
                f"{reader} of agent {self.graph.name} reads {', '.join(unknown)}, which is not defined before it"
            )
        if isinstance(parsed, expression.Ref):
            return scope[parsed.name]
        op = agent.ExprOp.create(
            operands=[scope[name] for name in names],
            result_types=[JSON],
            properties=properties({"text": ascii_expression(expression.to_text(parsed)), "arg_names": strings(names)}),
        )
        block.add_op(op)
        return op.result


def _parameter(task: LoopTask | FanoutTask, body: Body) -> StringAttr:
    if len(body.parameters) != 1:
        raise ToIrError(f"the body of {task.id} has the parameters {body.parameters}; it takes one value")
    return StringAttr(body.parameters[0])


def _hint(name: str) -> str | None:
    """The name for a value of the text form, which has ASCII names only; a Python name may have any letters."""
    return name if name.isascii() else None
