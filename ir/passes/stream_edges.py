"""Marks the operands that arrive item by item: those that a call with `stream` made and another call reads.

A reader of such an operand may begin at the first item; `costmodel.stream` has when it then ends. Placement does not
use the mark: it plans the end without streaming, which is never earlier. Before:

    %text = model.run @hear(...) ... {function = ..., stream}
    %said = agent.compute @say(text = %text) {function = ...}

and after it:

    %said = agent.compute @say(text = %text) {agent.streams = [0], function = ...}
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from ir.build import integer
from ir.dialects.plan import ChooseOp
from ir.dialects.task import CallOp, FunctionOp, PartOp

STREAMS = "agent.streams"
"""Attribute of a call: the positions of its operands that arrive item by item, from 0."""


@dataclass(frozen=True)
class StreamEdgesPass(ModulePass):
    """Writes `agent.streams` on each call with an operand that streams; an expression waits for the whole value."""

    name = "stream-edges"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for reader in op.walk():
            if not isinstance(reader, CallOp):
                continue
            streams = [integer(position) for position, operand in enumerate(reader.operands) if _streams(operand)]
            if streams:
                reader.attributes[STREAMS] = ArrayAttr(streams)


def _streams(value: SSAValue) -> bool:
    """Whether a value is the answer of a call with `stream`: not of an inner part, and in every alternative."""
    owner = value.owner
    if isinstance(owner, ChooseOp):
        ends = [region.block.last_op for region in owner.alternatives]
        index = owner.results.index(value)
        return all(end is not None and _streams(end.operands[index]) for end in ends)
    if not isinstance(owner, FunctionOp) or owner.stream is None:
        return False
    return not isinstance(owner, PartOp) or owner.id == owner.call
