"""Offers, for a text generator's call, the alternative that decodes with the attention on a device of its own.

Attention reads each sequence's KV, the linear layers read weights that a batch shares; cheap memory serves the one,
fast compute the other (Chen et al. 2024, "Lamina"). Before, a choice has

    alternative "disaggregated" { llm.prefill; comm.kv_transfer; llm.decode }

and after it also

    alternative "attention_offload" {
      llm.prefill; comm.kv_transfer; llm.decode_attention; comm.activations; llm.decode_linear
    }

The KV goes to the attention's device. The halves take turns in every layer of every step; one operation stands for all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region
from xdsl.passes import ModulePass

from costmodel.errors import CatalogError
from costmodel.models import load_models
from costmodel.offload import why_not_offloaded
from ir.build import properties, strings
from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.comm import ActivationsOp, KvTransferOp
from ir.dialects.llm import ActivationsType, DecodeAttentionOp, DecodeLinearOp, DecodeOp, PrefillOp
from ir.dialects.names import fresh, names_in
from ir.dialects.plan import ChooseOp, YieldOp

ATTENTION_OFFLOAD = "attention_offload"
"""The name of the alternative."""

_DISAGGREGATED = "disaggregated"


@dataclass(frozen=True)
class OffloadAttentionPass(ModulePass):
    """Adds "attention_offload" to the choices of calls whose models all keep a KV of plain attention.

    A call with another model, or with one that the catalog does not know, stays as it is. `llm.decode_linear` keeps
    the id of the decode, so that the value keeps its name.
    """

    name = "offload-attention"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                taken = names_in(graph.body.block) | set(names_of(graph.parameters))
                for choice in [each for each in graph.walk() if isinstance(each, ChooseOp)]:
                    _widen(choice, taken)


def _widen(choice: ChooseOp, taken: set[str]) -> None:
    """Add the alternative where the choice has a disaggregated one of whole phases."""
    names = names_of(choice.names)
    if ATTENTION_OFFLOAD in names or _DISAGGREGATED not in names:
        return
    region = choice.alternatives[names.index(_DISAGGREGATED)]
    if [type(op) for op in region.block.ops] != [PrefillOp, KvTransferOp, DecodeOp, YieldOp]:
        return
    if not _can_offload(names_of(cast(PrefillOp, region.block.first_op).models)):
        return
    choice.add_region(_alternative(region, taken))
    choice.names = strings([*names, ATTENTION_OFFLOAD])


def _can_offload(models: Iterable[str]) -> bool:
    catalog = load_models()
    try:
        return all(why_not_offloaded(catalog.model(name)) is None for name in models)
    except CatalogError:
        return False


def _alternative(disaggregated: Region, taken: set[str]) -> Region:
    """The disaggregated alternative with its decode in two halves."""
    region = disaggregated.clone()
    block: Block = region.block
    decode = next(op for op in block.ops if isinstance(op, DecodeOp))
    shared = {name: value for name, value in decode.properties.items() if name not in {"id", "max_tokens"}}
    steps = ActivationsType(decode.result.type.count)
    attention = DecodeAttentionOp.create(
        operands=[decode.kv],
        result_types=[steps],
        properties=shared | properties({"id": _claim(f"{decode.id.data}_attention", taken)}),
    )
    exchange = ActivationsOp.create(
        operands=[attention.result],
        result_types=[steps],
        properties=shared | properties({"id": _claim(f"{decode.call.data}_activations", taken)}),
    )
    linear = DecodeLinearOp.create(
        operands=[exchange.result, decode.first],
        result_types=[decode.result.type],
        properties=dict(decode.properties),
    )
    attention.result.name_hint, exchange.result.name_hint = "attended", "near"
    linear.result.name_hint = decode.result.name_hint
    parts: list[Operation] = [attention, exchange, linear]
    block.insert_ops_before(parts, decode)
    decode.result.replace_all_uses_with(linear.result)
    decode.detach()
    decode.erase()
    return region


def _claim(wanted: str, taken: set[str]) -> str:
    name = fresh(wanted, taken)
    taken.add(name)
    return name
