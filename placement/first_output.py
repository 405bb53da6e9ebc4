"""Which operators give an agent's first output: the first item of its value, along the SSA values of the lowered IR.

A value is there item by item only where a stream reaches the agent's end as it is. What an expression, a loop, a
fan-out or turns with tools make of values is there when the last of them is, which is how the limit is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from ir.dialects.agent import GraphOp
from ir.dialects.control import WhenOp
from ir.dialects.model import RunOp
from ir.dialects.plan import ChooseOp
from ir.passes.stream_edges import items_of
from ir.sla import Sla, Stat
from placement.data_flow import Edges, OperatorOp, is_operator
from placement.operators import OperatorSpec
from placement.options import Rows
from placement.shared_problem import FirstOutput
from placement.streaming import streams
from placement.structure import Structure


def first_output_of(
    graph: GraphOp, structure: Structure, edges: Edges, specs: Sequence[OperatorSpec], table: Sequence[Rows]
) -> FirstOutput | None:
    """The limit on the first output with the operators that give it; None without a limit, or without an operator.

    `edges` are those that stream on the fleet, `table` the rows of each operator. A branch's value waits for its
    condition too, so that every run has an output.
    """
    if graph.first_output is None:
        return None
    reader = _Reader()
    last = graph.body.block.last_op
    assert last is not None, "verified graphs end in an output"
    reader.first(last.operands[0])
    streamed = {edge.dst for edge in edges if edge.items is not None}
    sources: list[tuple[int, float]] = []
    for position, op in enumerate(structure.operations):
        if op in reader.items:
            whole = not (streams(specs[position], table[position]) if isinstance(op, RunOp) else position in streamed)
            sources.append((position, 1.0 if whole else reader.items[op]))
    stat, limit_s = cast(Stat, graph.first_output.stat.data), graph.first_output.limit_s.value.data
    return FirstOutput(Sla(stat, limit_s), tuple(sources)) if sources else None


@dataclass(slots=True)
class _Reader:
    """Gathers operators, each with the number of its items; a value that anything needs whole comes in 1."""

    items: dict[OperatorOp, float] = field(default_factory=dict["OperatorOp", float])
    seen: set[SSAValue] = field(default_factory=set[SSAValue])

    def first(self, value: SSAValue) -> None:
        """Reads a value that is handed out as it comes."""
        owner = value.owner
        match owner:
            case ChooseOp():
                index = owner.results.index(value)
                for region in owner.alternatives:
                    self.first(_end(region.block).operands[index])
            case WhenOp():
                self.whole(owner.condition)
                self.first(_end(owner.then.block).operands[0])
                self.first(_end(owner.orelse.block).operands[0])
            case Block() if isinstance(owner.parent_op(), ChooseOp):
                self.first(_given(value))
            case Operation() if is_operator(owner):
                self.add(owner, items_of(value) or 1.0)
            case _:
                self.whole(value)

    def whole(self, value: SSAValue) -> None:
        """Reads a value all of which is needed."""
        if value in self.seen:
            return
        self.seen.add(value)
        owner = value.owner
        if isinstance(owner, Block):
            if isinstance(owner.parent_op(), ChooseOp):
                self.whole(_given(value))
        elif is_operator(owner):
            self.add(owner, 1.0)
        else:
            self.inside(owner)
            for operand in owner.operands:
                self.whole(operand)

    def inside(self, control: Operation) -> None:
        """All that runs inside a control operation, and what is read there from outside."""
        for region in control.regions:
            for op in region.walk():
                if is_operator(op):
                    self.add(op, 1.0)
                for operand in op.operands:
                    self.whole(operand)

    def add(self, op: OperatorOp, items: float) -> None:
        self.items[op] = min(items, self.items.get(op, items))


def _given(argument: SSAValue) -> SSAValue:
    """What a choice hands to its regions as this argument."""
    assert isinstance(argument, BlockArgument), "only a block's value is an argument"
    choice = argument.block.parent_op()
    assert choice is not None, "a region has an operation"
    return choice.operands[argument.index]


def _end(block: Block) -> Operation:
    last = block.last_op
    assert last is not None, "verified regions end in a terminator"
    return last
