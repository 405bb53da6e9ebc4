"""Offers, for the turns of a react, the alternative in which each turn goes on from the KV that the last one left.

The prompt of a turn is that of the turn before, with its answer and what the tools said. Where prefill and decode of
all turns run in one pool that keeps their KV meanwhile, a turn computes only what is new (Zheng et al. 2024, "SGLang").
Before, the choice of a turn's call has

    alternative "colocated" {
    ^bb0(%p : !llm.tokens<?>):
      %kv, %first = llm.prefill @think_prefill %p ... {function = ...}

and after it also

    alternative "continued" {
    ^bb0(%p : !llm.tokens<?>):
      %kv, %first = llm.prefill @think_prefill %p ... {continues, function = ...}

`costmodel.turns` has the work that is left. A prefill that shares a prefix stays as it is: `orchestrator.forms` plans
an agent in both forms.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnitAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from ir.build import strings
from ir.dialects.agent import ExprOp, GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.control import ReactOp
from ir.dialects.llm import DecodeOp, PrefillOp, RenderOp
from ir.dialects.plan import ChooseOp, YieldOp

CONTINUED = "continued"
"""The name of the alternative."""

_COLOCATED = "colocated"


@dataclass(frozen=True)
class ContinueTurnsPass(ModulePass):
    """Adds "continued" to the choice of a react's turn whose prompts extend each other.

    They do where the arguments of the call are the same in every turn and the messages so far follow them. A react with
    one turn on average has nothing to go on from, and one without tools nothing to go on with.
    """

    name = "continue-turns"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                for react in graph.walk():
                    if isinstance(react, ReactOp) and react.expect.value.data > 1 and react.tools:
                        _widen(react.turn.block)


def _widen(turn: Block) -> None:
    """Add the alternative to a turn's choice where it has a co-located one of whole phases."""
    choice = next((op for op in turn.ops if isinstance(op, ChooseOp)), None)
    if choice is None or not _extends(choice, turn):
        return
    names = names_of(choice.names)
    if CONTINUED in names or _COLOCATED not in names:
        return
    colocated = choice.alternatives[names.index(_COLOCATED)]
    prefill = colocated.block.first_op
    if [type(op) for op in colocated.block.ops] != [PrefillOp, DecodeOp, YieldOp] or not isinstance(prefill, PrefillOp):
        return
    if prefill.prefix is not None or prefill.chunk_tokens is not None:
        return
    region = colocated.clone()
    first = region.block.first_op
    assert isinstance(first, PrefillOp), "a clone has the same operations"
    first.continues = UnitAttr()
    choice.add_region(region)
    choice.names = strings([*names, CONTINUED])


def _extends(choice: ChooseOp, turn: Block) -> bool:
    """Whether the prompt of each turn begins with that of the turn before: arguments that stay, then the messages."""
    render = choice.operands[0].owner
    if not isinstance(render, RenderOp) or len(render.operands) != len(render.arg_names) + 1:
        return False
    return render.operands[-1] is turn.args[0] and all(_stays(value, turn) for value in render.operands[:-1])


def _stays(value: SSAValue, turn: Block) -> bool:
    """Whether a value is the same in every turn: it comes from outside, or is an expression over such values."""
    owner = value.owner
    if isinstance(owner, Block):
        return owner is not turn
    assert isinstance(owner, Operation), "a value belongs to a block or an operation"
    if turn.find_ancestor_op_in_block(owner) is None:
        return True
    return isinstance(owner, ExprOp) and all(_stays(operand, turn) for operand in owner.operands)
