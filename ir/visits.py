"""How often the regions of an operation run, on average: what visits and hoisting are counted by.

Control says it in its own terms (probability, expected iterations, width, turns); here they are one number a region.
"""

from __future__ import annotations

from xdsl.ir import Block, Operation

from ir.dialects import control
from ir.view import number


def shares(op: Operation) -> list[float | None]:
    """Mean executions of each region for one of the operation; None where the author gave no probability."""
    match op:
        case control.WhenOp():
            p = number(op, "p")
            return [None, None] if p is None else [p, 1 - p]
        case control.LoopOp() | control.FanoutOp():
            return [op.expect.value.data] * len(op.regions)
        case control.ReactOp():
            turns = op.expect.value.data
            return [turns, *((turns - 1) / len(op.tools) for _ in op.tools)]
        case _:
            return [1.0] * len(op.regions)


def block_visits(block: Block) -> float | None:
    """Mean executions of a block in one of the graph that it is in; None where a probability is not known."""
    op, region = block.parent_op(), block.parent_region()
    around = None if op is None else op.parent
    if op is None or region is None or around is None or op.name == "agent.graph":
        return 1.0
    outer, share = block_visits(around), shares(op)[op.get_region_index(region)]
    return None if outer is None or share is None else outer * share
