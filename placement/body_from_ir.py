"""Writes the body of a plan from the lowered IR and the alternatives that were chosen.

An operator's value has its id; whatever only forwards values (expressions, a tool's lookup and wait, a KV transfer, the
choice around an alternative) has no node of its own and dissolves into the expressions that read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from xdsl.ir import Block as IrBlock
from xdsl.ir import Operation, SSAValue

from ir import view
from ir.dialects.agent import GraphOp, InterruptOp, ObserveOp
from ir.dialects.assembly import names_of
from ir.dialects.comm import KvTransferOp
from ir.dialects.control import FanoutOp, LoopOp, ReactOp, WhenOp
from ir.dialects.llm import DecodeOp, ParseOp, PrefillOp, RenderOp
from ir.dialects.plan import ChooseOp
from ir.dialects.task import FunctionOp
from ir.expression import DictOf, Expression, parse, to_text
from placement import plan
from placement.data_flow import OPERATOR_OPS


def write_body(
    graph: GraphOp, alternatives: Mapping[ChooseOp, int], operator_ids: Mapping[FunctionOp, str]
) -> plan.Block:
    """The plan's body of a graph. `alternatives` says which region of each choice runs."""
    renders = {op.call.data: op for op in graph.walk() if isinstance(op, RenderOp)}
    return _Writer(alternatives, operator_ids, renders).block(graph.body.block, names_of(graph.parameters))


@dataclass(frozen=True, slots=True)
class _Writer:
    """`renders` finds the arguments of a call for its later parts."""

    alternatives: Mapping[ChooseOp, int]
    operator_ids: Mapping[FunctionOp, str]
    renders: Mapping[str, RenderOp]

    def block(self, block: IrBlock, parameters: Sequence[str] = ()) -> plan.Block:
        """A block whose arguments have the names `parameters`."""
        last = cast(Operation, block.last_op)
        return plan.Block(parameters=list(parameters), nodes=self.nodes(block), result=view.text_of(last.operands[0]))

    def nodes(self, block: IrBlock) -> list[plan.Node]:
        return [node for op in block.ops for node in self.node(op)]

    def node(self, op: Operation) -> list[plan.Node]:
        match op:
            case FunctionOp() if op.name in OPERATOR_OPS:
                return [self.operator(op)]
            case ChooseOp():
                return self.nodes(op.alternatives[self.alternatives[op]].block)
            case WhenOp():
                return [self.when(op)]
            case LoopOp():
                return [self.loop(op)]
            case FanoutOp():
                return [self.fanout(op)]
            case ReactOp():
                return [self.react(op)]
            case ObserveOp():
                return [plan.ObserveNode(id=op.id.data, value=view.text_of(op.value))]
            case InterruptOp():
                return [plan.InterruptNode(id=op.id.data, question=view.text_of(op.question))]
            case _:
                return []

    def operator(self, op: FunctionOp) -> plan.Node:
        inputs, rest = self.inputs(op)
        return plan.OpNode(id=op.id.data, operator=self.operator_ids[op], inputs=inputs, rest=rest)

    def inputs(self, op: FunctionOp) -> tuple[dict[str, str], str | None]:
        """What an operator gets: a prefill its prompt, a decode the KV and the call's arguments, a parse the text."""
        match op:
            case PrefillOp():
                return {"prompt": view.text_of(op.prompt)}, None
            case DecodeOp():
                call = view.inputs(self.renders[op.call.data])
                items: tuple[tuple[str, Expression], ...] = tuple(
                    (name, parse(text)) for name, text in call.named.items()
                )
                return {"kv": view.text_of(_prefilled(op.kv)), "arguments": to_text(DictOf(items))}, call.rest
            case ParseOp():
                return {"text": view.text_of(op.tokens)}, None
            case _:
                call = view.inputs(op)
                return call.named, call.rest

    def when(self, op: WhenOp) -> plan.Node:
        then, orelse = self.block(op.then.block), self.block(op.orelse.block)
        return plan.WhenNode(id=op.id.data, condition=view.text_of(op.condition), then=then, orelse=orelse)

    def loop(self, op: LoopOp) -> plan.Node:
        return plan.LoopNode(
            id=op.id.data,
            init=view.text_of(op.init),
            until=view.until(op),
            body=self.block(op.body.block, (op.parameter.data,)),
            max_iters=op.max_iters.value.data,
        )

    def fanout(self, op: FanoutOp) -> plan.Node:
        return plan.FanoutNode(
            id=op.id.data,
            items=view.text_of(op.items),
            body=self.block(op.body.block, (op.parameter.data,)),
            max=op.max.value.data,
            overflow=cast("plan.Overflow", op.overflow.data),
            on_error=cast("plan.OnError", op.on_error.data),
        )

    def react(self, op: ReactOp) -> plan.Node:
        turn, tool = names_of(op.parameters)
        tools = zip(names_of(op.tool_names), op.tools, strict=True)
        return plan.ReactNode(
            id=op.id.data,
            turn=self.block(op.turn.block, (turn,)),
            tools={name: self.block(region.block, (tool,)) for name, region in tools},
            max_turns=op.max_turns.value.data,
        )


def _prefilled(kv: SSAValue) -> SSAValue:
    """The KV as its prefill wrote it, before any transfer."""
    while isinstance(kv.owner, KvTransferOp):
        kv = kv.owner.kv
    return kv
