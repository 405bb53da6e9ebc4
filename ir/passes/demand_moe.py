"""What the parts of a mixture-of-experts call ask for: their sum is the undecomposed call's demand and what is added.

| operation | demand |
|---|---|
| `moe.gate` | the routers of all layers; once on every shard |
| `moe.expert_prefill`, `moe.expert_decode` | the rest of the phase by the shards; copied KV heads count again |
| `moe.merge` | none: `costmodel.llm` counts matrix products and attention, no sum of vectors |
| `comm.all_reduce` | none on a device, and the bytes that all shards send to each other |
"""

from __future__ import annotations

from costmodel.models import Model
from costmodel.shard import all_reduced_bytes, expert_shard_work, gate_work, kv_copies
from costmodel.work import Work
from ir.dialects.comm import AllReduceOp, part_of
from ir.dialects.moe import ExpertDecodeOp, ExpertPrefillOp, GateOp, MergeOp
from ir.passes.phase_work import decode_work, kv_bytes, prefill_work

ExpertOp = ExpertPrefillOp | ExpertDecodeOp
MoeOp = GateOp | ExpertPrefillOp | ExpertDecodeOp | MergeOp | AllReduceOp
"""Operations that this file has a rule for."""


def phase_of(op: MoeOp) -> str:
    """The phase that an operation is part of: `prefill` or `decode`."""
    match op:
        case ExpertPrefillOp():
            return "prefill"
        case ExpertDecodeOp():
            return "decode"
        case _:
            return op.phase.data


def moe_work(op: MoeOp, model: Model, tokens_in: float, tokens_out: float) -> Work:
    """Work of one operation on 16-bit weights. Raises `CostError` for a model that cannot be divided so."""
    is_prefill = phase_of(op) == "prefill"
    phase = prefill_work(model, tokens_in) if is_prefill else decode_work(model, tokens_in, tokens_out)
    tokens = tokens_in if is_prefill else tokens_out
    match op:
        case GateOp():
            return gate_work(model, tokens, phase.steps)
        case ExpertPrefillOp() | ExpertDecodeOp():
            return expert_shard_work(model, phase, tokens, shards_of(op))
        case MergeOp() | AllReduceOp():
            return Work()


def expert_kv_bytes(op: ExpertOp, model: Model, tokens_in: float, tokens_out: float) -> float:
    """Bytes of 16-bit KV that one shard writes in prefill, or reads in decode."""
    shards = shards_of(op)
    share = kv_copies(model, shards) / shards if shards > 1 else 1.0
    if isinstance(op, ExpertPrefillOp):
        return kv_bytes(model, tokens_in) * share
    return decode_work(model, tokens_in, tokens_out).kv_read_bytes * share


def moved_bytes(op: AllReduceOp, model: Model, tokens_in: float, tokens_out: float) -> float:
    """Bytes that all shards together send in the all-reduces of a phase."""
    is_prefill = op.phase.data == "prefill"
    phase = prefill_work(model, tokens_in) if is_prefill else decode_work(model, tokens_in, tokens_out)
    return all_reduced_bytes(phase, len(op.parts))


def shards_of(op: ExpertOp) -> int:
    """Over how many devices an expert operation is divided."""
    (_, count), _ = part_of(op.outputs.type)
    return count
