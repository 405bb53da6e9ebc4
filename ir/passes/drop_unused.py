"""Removes what nobody reads: calls without effects, the expressions around them, and control that holds nothing else.

An agent's author, or a pass before this one, leaves such calls behind; each costs its visits times its demand.

    %draft = llm.call @draft(question = %q) ...             // read by nobody
    %found = tool.invoke @search(query = %q) {..., pure}    // read by nobody
    %kept = memory.store @keep(turn = %q) ...
    agent.output %q
  becomes
    %kept = memory.store @keep(turn = %q) ...
    agent.output %q

Dead code elimination as in any compiler (Aho, Lam, Sethi, Ullman, "Compilers", 9.1); `ir/effects.py` says what an
effect is. The gain is the sum of visits times demand over the calls that are gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from ir.dialects.agent import GraphOp
from ir.effects import is_effect_free


@dataclass(frozen=True)
class DropUnusedPass(ModulePass):
    """Removes operations without effects whose values are not read."""

    name = "drop-unused"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                _sweep(graph.body.block)


def _sweep(block: Block) -> None:
    """From the last operation to the first, so that a reader is gone before what it read is looked at."""
    op = block.last_op
    while op is not None:
        before = op.prev_op
        is_read = any(result.first_use is not None for result in op.results)
        if op.results and not is_read and is_effect_free(op):
            Rewriter.erase_op(op)
        else:
            for region in op.regions:
                _sweep(region.block)
        op = before
