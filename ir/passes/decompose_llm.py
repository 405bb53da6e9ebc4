"""Splits a call of a text generator into render, prefill, decode and parse, with structural alternatives as a choice.

Prefill is bound by compute and decode by memory bandwidth, so they may pay off on different devices: "colocated" keeps
them in one pool, "disaggregated" moves the KV between two. Placement chooses.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, NoneAttr, StringAttr
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern

from ir.build import amount, properties, strings
from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.comm import KvTransferOp
from ir.dialects.llm import CallLlmOp, DecodeOp, KvType, ParseOp, PrefillOp, RenderOp, TokensType
from ir.dialects.names import fresh, names_in
from ir.dialects.plan import GROUP, ChooseOp, YieldOp
from ir.dialects.task import inherited
from ir.view import number


@dataclass(frozen=True)
class DecomposeLlmPass(ModulePass):
    """Replaces each `llm.call` by its parts; the last part, `llm.parse`, keeps the call's id."""

    name = "decompose-llm"

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
    def match_and_rewrite(self, op: CallLlmOp, rewriter: PatternRewriter) -> None:
        call = _Call(op, self.taken)
        render = call.render()
        choose = call.choose(render)
        parse = call.parse(choose)
        for part, hint in ((render, "prompt"), (choose, "text"), (parse, op.result.name_hint)):
            part.results[0].name_hint = hint
        rewriter.replace(op, [render, choose, parse])


class _Call:
    """One call, with the ids and types of its parts."""

    def __init__(self, op: CallLlmOp, taken: set[str]) -> None:
        self.op = op
        self.models = op.models
        self.ids = {part: _claim(f"{op.id.data}_{part}", taken) for part in _PARTS}
        self.grows = len(op.arguments) > len(op.arg_names)
        self.prompt = TokensType(NoneAttr() if self.grows else amount(number(op, "tokens_in")))
        self.kv = KvType(op.models, self.prompt.count, NoneAttr())
        self.first = TokensType(amount(1))
        self.text = TokensType(amount(number(op, "tokens_out")))

    def part(self, id: str) -> dict[str, Attribute]:
        """Properties that every part has."""
        return inherited(self.op) | properties({"id": id})

    def render(self) -> Operation:
        first_turn = self.op.tokens_in if self.grows else None
        own = properties({"arg_names": self.op.arg_names, "tokens_in": first_turn})
        return RenderOp.create(
            operands=self.op.operands, result_types=[self.prompt], properties=self.part(self.ids["render"]) | own
        )

    def choose(self, render: Operation) -> Operation:
        return ChooseOp.create(
            operands=render.results,
            result_types=[self.text],
            properties=properties({"id": self.ids["choice"], "names": strings(["colocated", "disaggregated"])}),
            regions=[self.alternative(moves_kv=False), self.alternative(moves_kv=True)],
        )

    def alternative(self, *, moves_kv: bool) -> Region:
        block = Block(arg_types=[self.prompt])
        block.args[0].name_hint = "prompt"
        prefill = PrefillOp.create(
            operands=block.args,
            result_types=[self.kv, self.first],
            properties=self.part(self.ids["prefill"])
            | properties({"models": self.models, "starts_with": self.op.starts_with}),
        )
        block.add_op(prefill)
        kv = prefill.kv
        if moves_kv:
            transfer = KvTransferOp.create(
                operands=[kv],
                result_types=[self.kv],
                properties=self.part(self.ids["kv_transfer"]),
            )
            block.add_op(transfer)
            kv = transfer.result
            kv.name_hint = "moved"
        decode = DecodeOp.create(
            operands=[kv, prefill.first],
            result_types=[self.text],
            properties=self.part(self.ids["decode"]) | {"models": self.models, "max_tokens": self.op.max_tokens},
        )
        prefill.kv.name_hint, prefill.first.name_hint, decode.result.name_hint = "kv", "first", "text"
        block.add_ops([decode, YieldOp.create(operands=decode.results)])
        if not moves_kv:
            for op in (prefill, decode):
                op.attributes[GROUP] = StringAttr(self.op.id.data)
        return Region(block)

    def parse(self, choose: Operation) -> Operation:
        return ParseOp.create(
            operands=choose.results,
            result_types=[self.op.result.type],
            properties=self.part(self.op.id.data),
            attributes=dict(self.op.attributes),
        )


_PARTS = ("render", "prefill", "kv_transfer", "decode", "choice")


def _claim(wanted: str, taken: set[str]) -> str:
    name = fresh(wanted, taken)
    taken.add(name)
    return name
