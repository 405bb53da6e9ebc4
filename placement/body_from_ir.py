"""Writes the body of a plan from the last form of the IR, by reading attributes alone.

The form says of each operation what it reads and which operator it is; what only forwards values is no node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.ir import Block as IrBlock
from xdsl.ir import Operation

from ir import view
from ir.dialects.agent import GraphOp, InterruptOp, ObserveOp
from ir.dialects.assembly import names_of
from ir.dialects.control import FanoutOp, FusedOp, LoopOp, ReactOp, WhenOp
from ir.dialects.decision import INPUTS, OPERATOR, STREAMED, InputsAttr, text
from ir.dialects.names import value_id
from ir.dialects.task import FunctionOp
from placement import plan


def write_body(graph: GraphOp) -> plan.Block:
    """The plan's body of a graph after lower-to-plan."""
    return _block(graph.body.block, names_of(graph.parameters))


def fused_calls(graph: GraphOp) -> dict[str, list[plan.PartCall]]:
    """By operator, the computes that were fused to it, in order."""
    fused = [op for op in graph.walk() if isinstance(op, FusedOp)]
    return {
        text(op, OPERATOR) or "": [_call(part) for part in op.body.block.ops if isinstance(part, FunctionOp)]
        for op in fused
    }


def _call(op: FunctionOp) -> plan.PartCall:
    function = plan.Function(
        source=op.function.source.data, qualname=op.function.qualname.data, sha256=op.function.sha256.data
    )
    return plan.PartCall(id=op.id.data, name=view.task_name(op), function=function, inputs=_inputs(op).named())


def _block(block: IrBlock, parameters: Sequence[str] = ()) -> plan.Block:
    """A block whose arguments have the names `parameters`."""
    nodes = [node for op in block.ops if (node := _node(op)) is not None]
    return plan.Block(parameters=list(parameters), nodes=nodes, result=_result(block))


def _node(op: Operation) -> plan.Node | None:
    match op:
        case FunctionOp() | FusedOp() if (operator := text(op, OPERATOR)) is not None:
            inputs = _inputs(op)
            return plan.OpNode(
                id=value_id(op) or op.id.data,
                operator=operator,
                inputs=inputs.named(),
                rest=inputs.rest_text(),
                streams=view.streams(op, STREAMED),
            )
        case WhenOp():
            then, orelse = _block(op.then.block), _block(op.orelse.block)
            return plan.WhenNode(id=op.id.data, condition=_read(op, "condition"), then=then, orelse=orelse)
        case LoopOp():
            return _loop(op)
        case FanoutOp():
            return _fanout(op)
        case ReactOp():
            return _react(op)
        case ObserveOp():
            return plan.ObserveNode(id=op.id.data, value=_read(op, "value"))
        case InterruptOp():
            return plan.InterruptNode(id=op.id.data, question=_read(op, "question"))
        case _:
            return None


def _loop(op: LoopOp) -> plan.Node:
    return plan.LoopNode(
        id=op.id.data,
        init=_read(op, "init"),
        until=_result(op.until.block),
        body=_block(op.body.block, (op.parameter.data,)),
        max_iters=op.max_iters.value.data,
    )


def _fanout(op: FanoutOp) -> plan.Node:
    return plan.FanoutNode(
        id=op.id.data,
        items=_read(op, "items"),
        body=_block(op.body.block, (op.parameter.data,)),
        max=op.max.value.data,
        overflow=cast("plan.Overflow", op.overflow.data),
        on_error=cast("plan.OnError", op.on_error.data),
    )


def _react(op: ReactOp) -> plan.Node:
    turn, tool = names_of(op.parameters)
    tools = zip(names_of(op.tool_names), op.tools, strict=True)
    return plan.ReactNode(
        id=op.id.data,
        turn=_block(op.turn.block, (turn,)),
        tools={name: _block(region.block, (tool,)) for name, region in tools},
        max_turns=op.max_turns.value.data,
    )


def _result(block: IrBlock) -> str:
    """The expression of a block's value, which its end reads."""
    return _read(cast(Operation, block.last_op), "value")


def _read(op: Operation, name: str) -> str:
    return _inputs(op).named()[name]


def _inputs(op: Operation) -> InputsAttr:
    return cast(InputsAttr, op.attributes[INPUTS])
