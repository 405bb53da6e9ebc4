"""What a drawing says of an operation: its outline, its lines of text and the names of its regions.

A drawing has room for little: kind, id, what is bounded or chosen, how often it runs and where.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import IRDLOperation

from ir.chart import Label, Shape
from ir.dialects import cost
from ir.dialects.agent import CallOp, ExprOp, GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.control import FanoutOp, LoopOp, ReactOp, WhenOp
from ir.dialects.names import own_id
from ir.dialects.plan import ChooseOp
from ir.dialects.values import JsonType, TextType

_SHAPES: dict[str, Shape] = {
    "llm.render": "compute",
    "llm.parse": "compute",
    "agent.expr": "value",
    "agent.compute": "compute",
    "agent.call": "call",
    "agent.observe": "note",
    "agent.interrupt": "ask",
    "agent.yield": "output",
    "agent.output": "output",
    "plan.yield": "output",
}
_SHAPES_OF_DIALECTS: dict[str, Shape] = {
    "llm": "model",
    "moe": "model",
    "model": "model",
    "tool": "call",
    "memory": "memory",
    "comm": "comm",
}


def shape_of(op: Operation) -> Shape:
    """The outline of an operation without regions; a plain box for what has none of its own."""
    return _SHAPES.get(op.name) or _SHAPES_OF_DIALECTS.get(op.name.partition(".")[0], "compute")


def label_of(op: Operation) -> Label:
    """The lines of an operation: kind and id, models, bounds, mean visits in a run, and what placement decided."""
    return tuple(_lines(op))


def type_label(value: SSAValue) -> str:
    """The type of a value on a link; nothing for a value that is only JSON or text."""
    return "" if isinstance(value.type, JsonType | TextType) else str(value.type)


def region_names(op: Operation) -> tuple[str, ...]:
    """What the regions of an operation are called, in order."""
    match op:
        case WhenOp():
            return ("then", "orelse")
        case LoopOp():
            return ("until", "do")
        case FanoutOp():
            return ("each",)
        case ReactOp():
            return ("turn", *(f"tool {name}" for name in names_of(op.tool_names)))
        case ChooseOp():
            return names_of(op.names)
        case _:
            return tuple(name for name, _ in op.get_irdl_definition().regions) if isinstance(op, IRDLOperation) else ()


def _lines(op: Operation) -> Iterator[str]:
    identifier = own_id(op)
    match op:
        case ExprOp():
            yield op.text.data
        case GraphOp():
            yield f"{op.name} @{op.sym_name.data}"
        case _:
            yield f"{op.name} @{identifier}" if identifier is not None else op.name.partition(".")[2]
    models = op.properties.get("models")
    if isinstance(models, ArrayAttr):
        yield " or ".join(names_of(cast("ArrayAttr[StringAttr]", models)))
    yield from _bounds(op)
    visits = cost.amount(op, "visits")
    if visits is not None:
        yield f"visits {visits:g}"
    for name, attribute in op.attributes.items():
        if name.startswith("plan.") and isinstance(attribute, StringAttr):
            yield f"{name.partition('.')[2]} {attribute.data}"


def _bounds(op: Operation) -> Iterator[str]:
    match op:
        case GraphOp():
            if op.sla is not None:
                yield f"{op.sla.stat.data} at most {op.sla.limit_s.value.data:g} s"
        case LoopOp():
            yield f"max {op.max_iters.value.data}, expect {op.expect.value.data:g}"
        case FanoutOp():
            yield f"max {op.max.value.data}, expect {op.expect.value.data:g}"
        case ReactOp():
            yield f"max {op.max_turns.value.data} turns, expect {op.expect.value.data:g}"
        case CallOp():
            yield f"agent @{op.callee.root_reference.data}"
        case _:
            return
