"""Divides the experts of a call over the devices of a group, with a merge on each and an all-reduce of the parts.

Tensor parallelism (Shoeybi et al. 2019; arXiv 2507.19635, figure 7c): each device has a part of every expert and of the
attention heads, so each gives a part of the sum. For each phase,

    moe.gate -> moe.expert_prefill -> moe.merge

becomes, with two shards,

    moe.gate -> moe.expert_prefill (part 0) -> moe.merge (part 0) -+
    moe.gate -> moe.expert_prefill (part 1) -> moe.merge (part 1) -+-> comm.all_reduce
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import IntAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException

from costmodel.errors import CatalogError
from costmodel.models import load_models
from costmodel.shard import why_not_sharded
from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.comm import AllReduceOp, ShardType, part_of
from ir.dialects.moe import ExpertDecodeOp, ExpertPrefillOp, GateOp, MergeOp, MoePartOp
from ir.dialects.names import fresh, names_in

Parts = list[SSAValue]
"""One value for each shard, in order."""


@dataclass(frozen=True)
class ShardTensorParallelPass(ModulePass):
    """Splits every expert operation into `shards` (1: no change); the all-reduce keeps the id of the phase.

    Each shard has a gate of its own: a router is small, and to send its routes would take longer. Raises
    `PassFailedException` for a model that cannot be divided so, and for experts that are divided already.
    """

    name = "shard-tensor-parallel"

    shards: int = field(default=1)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.shards < 1:
            raise PassFailedException(f"shards must be at least 1, got {self.shards}")
        if self.shards == 1:
            return
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                split = _Split(self.shards, names_in(graph.body.block) | set(names_of(graph.parameters)))
                for merge in [each for each in graph.walk() if isinstance(each, MergeOp)]:
                    split.phase(merge)
                split.erase_replaced()


@dataclass(frozen=True, slots=True)
class _Split:
    """`taken` are the names of the graph, `kv_parts` the parts of each KV, `replaced` the operations to erase."""

    shards: int
    taken: set[str]
    kv_parts: dict[SSAValue, Parts] = field(default_factory=dict[SSAValue, Parts])
    replaced: list[Operation] = field(default_factory=list[Operation])

    def phase(self, merge: MergeOp) -> None:
        """Put the shards of one phase in place of its gate, experts and merge."""
        experts = merge.outputs.owner
        if not isinstance(experts, ExpertPrefillOp | ExpertDecodeOp):
            raise PassFailedException(f"@{merge.id.data} merges outputs that no expert operation of its block wrote")
        gate = experts.routes.owner
        if not isinstance(gate, GateOp):
            raise PassFailedException(f"@{experts.id.data} follows routes that no gate of its block wrote")
        self.check(experts)
        parts: Parts = []
        kv_parts: Parts = []
        before = InsertPoint.before(merge)
        for index in range(self.shards):
            own_gate = self.copy(gate, gate.operands, index, "")
            own = self.copy(experts, self.operands(experts, own_gate, index), index, "")
            own_merge = self.copy(merge, [own.results[-1]], index, "_merge")
            Rewriter.insert_op([own_gate, own, own_merge], before)
            kv_parts.append(own.results[0])
            parts.append(own_merge.results[0])
        if isinstance(experts, ExpertPrefillOp):
            self.kv_parts[experts.kv] = kv_parts
        reduced = AllReduceOp.create(
            operands=parts,
            result_types=[merge.result.type],
            properties=dict(merge.properties),
            attributes=dict(merge.attributes),
        )
        reduced.result.name_hint = merge.result.name_hint
        Rewriter.replace_op(merge, reduced)
        self.replaced.extend([gate, experts])

    def erase_replaced(self) -> None:
        """Erase what the shards replace, readers first."""
        for op in reversed(self.replaced):
            if any(result.uses for result in op.results):
                raise PassFailedException(
                    f"{op.name} is read by an operation that takes no part of it; divide it first"
                )
            Rewriter.erase_op(op)

    def check(self, experts: MoePartOp) -> None:
        """Raise unless the models can be divided and are not yet."""
        if isinstance(experts.results[-1].type, ShardType):
            raise PassFailedException(f"@{experts.id.data} is divided already; run shard-tensor-parallel once")
        for name in names_of(experts.models):
            try:
                reason = why_not_sharded(load_models().model(name), self.shards)
            except CatalogError as error:
                reason = str(error)
            if reason is not None:
                raise PassFailedException(f"@{experts.id.data} cannot be divided: {reason}; choose other shards")

    def operands(self, experts: ExpertPrefillOp | ExpertDecodeOp, gate: Operation, index: int) -> list[SSAValue]:
        """Operands of one shard: its own part of the KV, its own routes, and the rest whole."""
        if isinstance(experts, ExpertPrefillOp):
            return [experts.prompt, gate.results[0]]
        if experts.kv not in self.kv_parts:
            raise PassFailedException(f"@{experts.id.data} decodes a KV that no expert prefill of its graph wrote")
        return [self.kv_parts[experts.kv][index], experts.first, gate.results[0]]

    def copy(self, op: MoePartOp, operands: Sequence[SSAValue], index: int, what: str) -> MoePartOp:
        """The operation of one shard; a gate's routes are whole on each."""
        is_whole = isinstance(op, GateOp)
        id = fresh(f"{op.id.data}{what}_{index}", self.taken)
        self.taken.add(id)
        made = type(op).create(
            operands=operands,
            result_types=[result.type if is_whole else self.shard(result.type, index) for result in op.results],
            properties={**op.properties, "id": StringAttr(id)},
            attributes=dict(op.attributes),
        )
        for result, original in zip(made.results, op.results, strict=True):
            result.name_hint = original.name_hint
        return made

    def shard(self, whole: Attribute, index: int) -> ShardType:
        return ShardType(IntAttr(index), IntAttr(self.shards), part_of(whole)[1])
