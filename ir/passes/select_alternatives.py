"""Replaces each choice by the alternative that placement took, so that one way to do each call is left.

Runs after the solve, which writes `plan.chosen` on the choices. Before:

    %text = plan.choose @answer_choice %prompt alternative "colocated" {
    ^bb0(%p : !llm.tokens<900>):
      %kv, %first = llm.prefill @answer_prefill %p ...
      ...
    } alternative "disaggregated" { ... } {plan.chosen = "colocated"} : (!llm.tokens<900>) -> !llm.tokens<200>

and after it:

    %kv, %first = llm.prefill @answer_prefill %prompt ...
    %text = llm.decode @answer_decode %kv, %first ...

The alternatives of one choice give the same names to the same values, so readers by name see no difference.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException

from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.decision import CHOSEN, text
from ir.dialects.plan import ChooseOp


@dataclass(frozen=True)
class SelectAlternativesPass(ModulePass):
    """Keeps of each `plan.choose` the operations of the alternative that `plan.chosen` names.

    Raises `PassFailedException` for a choice without `plan.chosen`; one within an alternative that is not taken needs
    none.
    """

    name = "select-alternatives"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                _select(graph.body.block)


def _select(block: Block) -> None:
    """From the first operation on, so that a choice within the alternative that was taken comes next."""
    op = block.first_op
    while op is not None:
        if isinstance(op, ChooseOp):
            before = op.prev_op
            _replace(op)
            op = block.first_op if before is None else before.next_op
            continue
        for region in op.regions:
            _select(region.block)
        op = op.next_op


def _replace(choice: ChooseOp) -> None:
    """Put the operations of the chosen alternative where the choice was."""
    chosen, names = text(choice, CHOSEN), names_of(choice.names)
    if chosen not in names:
        raise PassFailedException(
            f"the choice @{choice.id.data} has no {CHOSEN}; solve first, or write one of its alternatives: "
            f"{', '.join(names)}"
        )
    block = choice.alternatives[names.index(chosen)].block
    end = block.last_op
    assert end is not None, "verified alternatives end with plan.yield"
    Rewriter.inline_block(block, InsertPoint.before(choice), choice.operands)
    values = list(end.operands)
    Rewriter.erase_op(end)
    Rewriter.replace_op(choice, [], values)
