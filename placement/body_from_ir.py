"""Writes the body of a plan from the lowered IR and the alternatives that were chosen.

SSA values become names again: an operator's value has its id, and whatever only forwards values (expressions, a tool's
lookup and wait, a KV transfer, the chosen region of a choice) dissolves into the expressions that read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Block as IrBlock
from xdsl.ir import Operation, SSAValue

from ir import expression
from ir.dialects.agent import ExprOp, GraphOp, InterruptOp, ObserveOp
from ir.dialects.control import FanoutOp, LoopOp, ReactOp, WhenOp
from ir.dialects.llm import DecodeOp, ParseOp, PrefillOp, RenderOp
from ir.dialects.plan import ChooseOp
from ir.expression import Expression, Ref, to_text
from placement import plan
from placement.structure import OPERATOR_OPS


@dataclass(frozen=True, slots=True)
class Arguments:
    """A call's arguments as expressions by parameter, and the operand without a name."""

    named: Mapping[str, Expression]
    rest: Expression | None

    def texts(self) -> dict[str, str]:
        """The named arguments as texts."""
        return {name: to_text(value) for name, value in self.named.items()}


def write_body(
    graph: GraphOp, alternatives: Mapping[Operation, int], operator_ids: Mapping[Operation, str]
) -> plan.Block:
    """The plan's body of a graph. `alternatives` says which region of each choice runs."""
    parameters = [name.data for name in graph.parameters]
    return _Writer(alternatives, operator_ids).block(graph.body.block, parameters)


@dataclass(slots=True)
class _Writer:
    """`value` is what each SSA value is called; `arguments` what each call passes on to its later parts."""

    alternatives: Mapping[Operation, int]
    operator_ids: Mapping[Operation, str]
    value: dict[SSAValue, Expression] = field(default_factory=dict[SSAValue, Expression])
    arguments: dict[SSAValue, Arguments] = field(default_factory=dict[SSAValue, Arguments])

    def block(self, block: IrBlock, parameters: Sequence[str]) -> plan.Block:
        """A block whose arguments have the names `parameters`."""
        for name, argument in zip(parameters, block.args, strict=True):
            self.value[argument] = Ref(name)
        nodes = self.nodes(block)
        return plan.Block(parameters=list(parameters), nodes=nodes, result=self.text(_result(block)))

    def nodes(self, block: IrBlock) -> list[plan.Node]:
        found: list[plan.Node] = []
        for op in block.ops:
            found.extend(self.node(op))
        return found

    def node(self, op: Operation) -> list[plan.Node]:
        if op.name in OPERATOR_OPS:
            return [self.operator(op)]
        match op:
            case ExprOp():
                self.expression(op)
            case ChooseOp():
                return self.chosen(op)
            case WhenOp() | LoopOp() | FanoutOp() | ReactOp():
                self.value[op.result] = Ref(op.id.data)
                return [self.control(op)]
            case ObserveOp():
                self.value[op.result] = Ref(op.id.data)
                return [plan.ObserveNode(id=op.id.data, value=self.text(op.operands[0]))]
            case InterruptOp():
                self.value[op.result] = Ref(op.id.data)
                return [plan.InterruptNode(id=op.id.data, question=self.text(op.operands[0]))]
            case _:
                self.forward(op)
        return []

    def operator(self, op: Operation) -> plan.Node:
        identifier = _text(op, "id")
        inputs, rest = self.inputs(op)
        for result in op.results:
            self.value[result] = Ref(identifier)
        return plan.OpNode(id=identifier, operator=self.operator_ids[op], inputs=inputs, rest=rest)

    def inputs(self, op: Operation) -> tuple[dict[str, str], str | None]:
        """What an operator gets: a prefill its prompt, a decode the KV and the call's arguments, a parse the text."""
        match op:
            case PrefillOp():
                self.arguments[op.kv] = self.arguments[op.prompt]
                return {"prompt": self.text(op.prompt)}, None
            case DecodeOp():
                arguments = self.arguments[op.kv]
                named = expression.DictOf(tuple(arguments.named.items()))
                inputs = {"kv": self.text(op.kv), "arguments": to_text(named)}
                return inputs, None if arguments.rest is None else to_text(arguments.rest)
            case ParseOp():
                return {"text": self.text(op.tokens)}, None
            case _:
                arguments = self.call_arguments(op)
                if isinstance(op, RenderOp):
                    self.arguments[op.result] = arguments
                return arguments.texts(), None if arguments.rest is None else to_text(arguments.rest)

    def call_arguments(self, op: Operation) -> Arguments:
        """The arguments of a call; a tool's compute has those of its lookup."""
        if op.operands and op.operands[0] in self.arguments:
            return self.arguments[op.operands[0]]
        names = [name.data for name in cast("ArrayAttr[StringAttr]", op.properties["arg_names"])]
        values = [self.value[operand] for operand in op.operands]
        named = dict(zip(names, values[: len(names)], strict=True))
        return Arguments(named, values[len(names)] if len(values) > len(names) else None)

    def expression(self, op: ExprOp) -> None:
        names = [name.data for name in op.arg_names]
        read = {name: self.value[operand] for name, operand in zip(names, op.arguments, strict=True)}
        self.value[op.result] = expression.rename(expression.parse(op.text.data), read)

    def chosen(self, op: ChooseOp) -> list[plan.Node]:
        block = op.regions[self.alternatives[op]].block
        for argument, operand in zip(block.args, op.operands, strict=True):
            self.alias(argument, operand)
        nodes = self.nodes(block)
        last = block.last_op
        assert last is not None, "verified regions end in a terminator"
        for result, operand in zip(op.results, last.operands, strict=True):
            self.alias(result, operand)
        return nodes

    def forward(self, op: Operation) -> None:
        """A part that passes its operand on (KV transfer, tool wait), or a tool's lookup, which names arguments."""
        if not op.results:
            return
        if "arg_names" in op.properties:
            self.arguments[op.results[0]] = self.call_arguments(op)
            return
        self.alias(op.results[0], op.operands[0])

    def alias(self, value: SSAValue, source: SSAValue) -> None:
        if source in self.value:
            self.value[value] = self.value[source]
        if source in self.arguments:
            self.arguments[value] = self.arguments[source]

    def control(self, op: WhenOp | LoopOp | FanoutOp | ReactOp) -> plan.Node:
        identifier = op.id.data
        match op:
            case WhenOp():
                then, orelse = self.block(op.then.block, ()), self.block(op.orelse.block, ())
                return plan.WhenNode(id=identifier, condition=self.text(op.condition), then=then, orelse=orelse)
            case LoopOp():
                return self.loop(op, identifier)
            case FanoutOp():
                return plan.FanoutNode(
                    id=identifier,
                    items=self.text(op.items),
                    body=self.block(op.body.block, (op.parameter.data,)),
                    max=op.max.value.data,
                    overflow=cast("plan.Overflow", op.overflow.data),
                    on_error=cast("plan.OnError", op.on_error.data),
                )
            case ReactOp():
                turn, tool = (name.data for name in op.parameters)
                tools = {
                    name.data: self.block(region.block, (tool,))
                    for name, region in zip(op.tool_names, op.tools, strict=True)
                }
                return plan.ReactNode(
                    id=identifier,
                    turn=self.block(op.turn.block, (turn,)),
                    tools=tools,
                    max_turns=op.max_turns.value.data,
                )

    def loop(self, op: LoopOp, identifier: str) -> plan.Node:
        init = self.text(op.init)
        until = self.block(op.until.block, (op.parameter.data,)).result
        return plan.LoopNode(
            id=identifier,
            init=init,
            until=until,
            body=self.block(op.body.block, (op.parameter.data,)),
            max_iters=op.max_iters.value.data,
        )

    def text(self, value: SSAValue) -> str:
        return to_text(self.value[value])


def _result(block: IrBlock) -> SSAValue:
    last = block.last_op
    assert last is not None, "verified blocks end in a terminator"
    return last.operands[0]


def _text(op: Operation, name: str) -> str:
    return cast(StringAttr, op.properties[name]).data
