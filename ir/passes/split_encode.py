"""Offers, for a run of a model with an encoder and a decoder, the alternative with each on a device of its own.

The encoder reads the whole input at once and is bound by compute, the decoder steps through its answer and is bound by
memory, as prefill and decode are (encode-prefill-decode, "xLLM Technical Report", 2025). Before:

    %text = model.run @transcribe(audio = %audio) models ["whisper-large-v3"] audio_s 10 ...

and after it:

    %text = plan.choose @transcribe_choice %audio alternative "whole" { model.run } alternative "split" {
      model.encode; model.decode
    }
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern

from costmodel.errors import CostModelError
from costmodel.model_run import encoded_bytes
from costmodel.models import load_models
from ir.build import properties, strings
from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.model import DecodeEncodedOp, EncodedType, EncodeOp, RunOp
from ir.dialects.names import fresh, names_in
from ir.dialects.plan import ChooseOp, YieldOp
from ir.dialects.task import inherited


@dataclass(frozen=True)
class SplitEncodePass(ModulePass):
    """Puts each run whose models all have an encoder and a decoder in a choice of "whole" and "split".

    Another run, or one of a model that the catalog does not know, stays as it is; so does one in a choice already.
    """

    name = "split-encode"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                taken = names_in(graph.body.block) | set(names_of(graph.parameters))
                PatternRewriteWalker(_SplitRun(taken), apply_recursively=False).rewrite_region(graph.body)


@dataclass
class _SplitRun(RewritePattern):
    """`taken` are the names of the graph, which grow by those of the parts."""

    taken: set[str]

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: RunOp, rewriter: PatternRewriter) -> None:
        if op.audio_s is None or isinstance(op.parent_op(), ChooseOp) or not _have_encoders(names_of(op.models)):
            return
        choice, encode = (self.claim(f"{op.id.data}_{what}") for what in ("choice", "encode"))
        choose = ChooseOp.create(
            operands=op.operands,
            result_types=[op.result.type],
            properties=properties({"id": choice, "names": strings(["whole", "split"])}),
            regions=[_whole(op), _split(op, op.audio_s, encode)],
        )
        choose.results[0].name_hint = op.result.name_hint
        rewriter.replace(op, choose)

    def claim(self, wanted: str) -> str:
        name = fresh(wanted, self.taken)
        self.taken.add(name)
        return name


def _have_encoders(models: Iterable[str]) -> bool:
    catalog = load_models()
    try:
        return all(encoded_bytes(catalog.model(name), 1) > 0 for name in models)
    except CostModelError:
        return False


def _block(op: RunOp) -> Block:
    block = Block(arg_types=[operand.type for operand in op.operands])
    for argument, operand in zip(block.args, op.operands, strict=True):
        argument.name_hint = operand.name_hint
    return block


def _whole(op: RunOp) -> Region:
    block = _block(op)
    run = op.clone(dict(zip(op.operands, block.args, strict=True)))
    block.add_ops([run, YieldOp.create(operands=run.results)])
    return Region(block)


def _split(op: RunOp, audio_s: FloatAttr, id: str) -> Region:
    block = _block(op)
    shared = inherited(op) | {"models": op.models, "audio_s": audio_s}
    encode = EncodeOp.create(
        operands=block.args,
        result_types=[EncodedType(op.models)],
        properties=shared | properties({"id": id, "arg_names": op.arg_names}),
    )
    decode = DecodeEncodedOp.create(
        operands=encode.results,
        result_types=[op.result.type],
        properties=shared | {"id": op.id},
        attributes=dict(op.attributes),
    )
    encode.result.name_hint, decode.result.name_hint = "encoded", op.result.name_hint
    block.add_ops([encode, decode, YieldOp.create(operands=decode.results)])
    return Region(block)
