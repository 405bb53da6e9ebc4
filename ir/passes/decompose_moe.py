"""Offers, for a call of mixture-of-experts models, the alternative that shows gate, experts and merge.

The experts of such a model hold most of its weights and a token uses few of them, so a device group shares the experts
while each device routes for itself (arXiv 2507.19635, figure 7c). Before, a choice has

    alternative "colocated" { llm.prefill; llm.decode }

and after it also, for prefill and decode each,

    alternative "expert_parallel" { moe.gate; moe.expert_prefill; moe.merge; moe.gate; moe.expert_decode; moe.merge }
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.passes import ModulePass

from costmodel.errors import CatalogError
from costmodel.models import load_models
from ir.build import amount, properties, strings
from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.llm import DecodeOp, ModelPartOp, PrefillOp, TokensType
from ir.dialects.moe import ExpertDecodeOp, ExpertPrefillOp, GateOp, MergeOp, OutputsType, RoutesType
from ir.dialects.names import fresh, names_in
from ir.dialects.plan import GROUP, ChooseOp, YieldOp
from ir.dialects.task import FunctionOp

EXPERT_PARALLEL = "expert_parallel"
"""The name of the alternative."""

_COLOCATED = "colocated"


@dataclass(frozen=True)
class DecomposeMoePass(ModulePass):
    """Adds "expert_parallel" to the choices of calls whose models all have experts; the operations are one group.

    A call with another model, with one that the catalog does not know, or with a shared prefix stays as it is. The last
    operation of a phase keeps the id that the phase had, so that the value keeps its name.
    """

    name = "decompose-moe"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                taken = names_in(graph.body.block) | set(names_of(graph.parameters))
                for choice in [each for each in graph.walk() if isinstance(each, ChooseOp)]:
                    _widen(choice, taken)


def _widen(choice: ChooseOp, taken: set[str]) -> None:
    """Add the alternative where the choice has a colocated one of prefill and decode alone."""
    names = names_of(choice.names)
    if EXPERT_PARALLEL in names or _COLOCATED not in names:
        return
    ops = list(choice.alternatives[names.index(_COLOCATED)].block.ops)
    if [type(op) for op in ops] != [PrefillOp, DecodeOp, YieldOp]:
        return
    prefill, decode = cast(PrefillOp, ops[0]), cast(DecodeOp, ops[1])
    if prefill.prefix is not None or not _have_experts(names_of(prefill.models)):
        return
    choice.add_region(_alternative(choice, prefill, decode, taken))
    choice.names = strings([*names, EXPERT_PARALLEL])


def _have_experts(models: Iterable[str]) -> bool:
    catalog = load_models()
    try:
        return all(catalog.model(name).experts > 0 for name in models)
    except CatalogError:
        return False


def _alternative(choice: ChooseOp, prefill: PrefillOp, decode: DecodeOp, taken: set[str]) -> Region:
    block = Block(arg_types=[operand.type for operand in choice.operands])
    (prompt,) = block.args
    routes = GateOp.create(
        operands=[prompt],
        result_types=[RoutesType(cast(TokensType, prompt.type).count)],
        properties=_part(prefill, "gate", taken) | {"phase": StringAttr("prefill")},
    )
    read = ExpertPrefillOp.create(
        operands=[prompt, routes.routes],
        result_types=[prefill.kv.type, OutputsType(amount(1))],
        properties=_part(prefill, "experts", taken),
    )
    first = MergeOp.create(
        operands=[read.outputs],
        result_types=[prefill.first.type],
        properties=_part(prefill, None, taken) | {"phase": StringAttr("prefill")},
    )
    text = decode.result.type
    next_routes = GateOp.create(
        operands=[first.result],
        result_types=[RoutesType(text.count)],
        properties=_part(decode, "gate", taken) | {"phase": StringAttr("decode")},
    )
    written = ExpertDecodeOp.create(
        operands=[read.kv, first.result, next_routes.routes],
        result_types=[OutputsType(text.count)],
        properties=_part(decode, "experts", taken) | {"max_tokens": decode.max_tokens},
    )
    merged = MergeOp.create(
        operands=[written.outputs],
        result_types=[text],
        properties=_part(decode, None, taken) | {"phase": StringAttr("decode")},
    )
    ops: list[Operation] = [routes, read, first, next_routes, written, merged]
    for op in ops:
        op.attributes[GROUP] = prefill.call
    block.add_ops([*ops, YieldOp.create(operands=[merged.result])])
    _name_values(block, ("routes", "kv", "outputs", "first", "routes", "outputs", "text"))
    return Region(block)


def _part(phase: ModelPartOp, what: str | None, taken: set[str]) -> dict[str, Attribute]:
    """Properties of a part of a phase: those of the phase, with an id of its own unless it is the last."""
    kept = {name: value for name, value in phase.properties.items() if name not in {"max_tokens", "starts_with"}}
    if what is None:
        return kept
    id = fresh(f"{phase.id.data}_{what}", taken)
    taken.add(id)
    return kept | properties({"id": id})


def _name_values(block: Block, hints: tuple[str, ...]) -> None:
    block.args[0].name_hint = "prompt"
    results = [result for op in block.ops if isinstance(op, FunctionOp) for result in op.results]
    for result, hint in zip(results, hints, strict=True):
        result.name_hint = hint
