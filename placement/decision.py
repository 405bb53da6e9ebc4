"""Writes a solution onto the IR: which alternative each choice takes, and where each operator runs.

The passes after the solve, and whoever prints the IR, then read the decision where it applies.
"""

from __future__ import annotations

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, ModuleOp, StringAttr, f64, i64
from xdsl.ir import Attribute, Operation

from ir.dialects.cost import AmountAttr
from ir.dialects.decision import CHOSEN, POOL, STREAMED
from ir.dialects.task import STREAMS
from placement.from_ir import Lowered
from placement.problem import Option, Pool
from placement.solve import Solution
from placement.structure import names_of_choice


def write_decision(lowered: Lowered, solution: Solution) -> ModuleOp:
    """A copy of the lowered graph, in a module of its own, with the solution as `plan.*` attributes.

    Choices get `plan.chosen`, operators that run `plan.pool` and what belongs to it (`ir/dialects/plan.py` has the
    table), readers of streams `plan.streams`; operators of alternatives that are not taken get nothing.
    """
    graph = lowered.graph.clone()
    copies: dict[Operation, Operation] = dict(zip(lowered.graph.walk(), graph.walk(), strict=True))
    placement = solution.placement
    for choice, index in zip(lowered.structure.choices, placement.alternative, strict=True):
        copies[choice].attributes[CHOSEN] = StringAttr(names_of_choice(choice)[index])
    rows = zip(lowered.structure.operations, lowered.problem.operators, placement.option, strict=True)
    for op, operator, taken in rows:
        if taken is not None:
            option = operator.options[taken]
            copies[op].attributes.update(_attributes(option, lowered.problem.pools[option.pool]))
    for reader in {edge.dst for edge in lowered.problem.edges if edge.items is not None}:
        op = copies[lowered.structure.operations[reader]]
        op.attributes[STREAMED] = op.attributes[STREAMS]
    return ModuleOp([graph])


def _attributes(option: Option, pool: Pool) -> dict[str, Attribute]:
    texts = {"precision": pool.precision, "model": pool.model}
    known: dict[str, Attribute] = {f"plan.{name}": StringAttr(text) for name, text in texts.items() if text is not None}
    return known | {
        POOL: StringAttr(pool.id),
        "plan.device": StringAttr(pool.device),
        "plan.tp": IntegerAttr(pool.tp, i64),
        "plan.batch": IntegerAttr(option.batch, i64),
        "plan.latency_s": AmountAttr(FloatAttr(option.latency_s, f64)),
        "plan.cost_usd": AmountAttr(FloatAttr(option.cost_usd, f64)),
    }
