"""Splits a call of a tool into lookup, wait and compute: only the compute keeps a device busy.

The parts are one group, because one call of one function does them all on one core; the split tells how much of the
call is CPU time and how much waits for something outside.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern

from ir.build import number
from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.names import fresh, names_in
from ir.dialects.plan import GROUP
from ir.dialects.task import PRIOR, inherited
from ir.dialects.tool import ComputeOp, InvokeOp, LookupOp, RequestType, WaitOp
from ir.view import prior


@dataclass(frozen=True)
class DecomposeToolPass(ModulePass):
    """Replaces each `tool.invoke` by its parts; the last part, `tool.compute`, keeps the call's id."""

    name = "decompose-tool"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                taken = names_in(graph.body.block) | set(names_of(graph.parameters))
                PatternRewriteWalker(_SplitCall(taken), apply_recursively=False).rewrite_region(graph.body)


@dataclass
class _SplitCall(RewritePattern):
    """`taken` are the names of the graph, which grow by those of the parts."""

    taken: set[str]

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: InvokeOp, rewriter: PatternRewriter) -> None:
        parts: list[Operation] = [
            LookupOp.create(
                operands=op.operands,
                result_types=[RequestType()],
                properties=self.part(op, "lookup") | {"arg_names": op.arg_names},
            )
        ]
        wait_s = _wait_s(op)
        if wait_s > 0:
            parts.append(
                WaitOp.create(
                    operands=parts[-1].results,
                    result_types=[RequestType()],
                    properties=self.part(op, "wait") | {"wait_s": number(wait_s)},
                )
            )
        expected = {name: op.properties[name] for name in PRIOR if name in op.properties}
        parts.append(
            ComputeOp.create(
                operands=parts[-1].results,
                result_types=[op.result.type],
                properties=inherited(op) | {"id": op.id} | expected,
                attributes=dict(op.attributes),
            )
        )
        for part in parts:
            part.attributes[GROUP] = op.id
            part.results[0].name_hint = "request"
        parts[-1].results[0].name_hint = op.result.name_hint
        rewriter.replace(op, parts)

    def part(self, op: InvokeOp, what: str) -> dict[str, Attribute]:
        """Properties of a part with an id of its own."""
        id = fresh(f"{op.id.data}_{what}", self.taken)
        self.taken.add(id)
        return inherited(op) | {"id": StringAttr(id)}


def _wait_s(op: InvokeOp) -> float:
    """Seconds in which a call waits for something outside: its latency less its CPU time, where both are known."""
    expected = prior(op)
    if expected.latency_s is None or expected.cpu_s is None:
        return 0.0
    return expected.latency_s - expected.cpu_s
