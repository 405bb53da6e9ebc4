"""Whether a model and its KV fit into the devices' memory, and how many tokens do.

Running out of memory is the one mistake that a schedule cannot recover from, so a margin is kept for what is not
counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import kv_bytes, token_demand, weight_bytes
from costmodel.models import Model
from costmodel.roofline import kv_shards

MARGIN = 0.9
"""Share of memory that weights and KV may take; the rest is for activations, buffers and fragmentation. It is the
default of vLLM's `gpu_memory_utilization`."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Bytes needed and available on each device of the group."""

    ok: bool
    needed_bytes: float
    available_bytes: float


def fits(  # noqa: PLR0917 - the coordinates of one option of a plan
    model: Model,
    device: Device,
    tp: int,
    precision: str,
    batch: float,
    context_tokens: float,
    margin: float = MARGIN,
    *,
    kv_precision: str = "fp16",
) -> Fit:
    """Whether weights and the KV of `batch` sequences of `context_tokens` fit in `margin` of each of `tp` devices.

    Models that are no text generators need only their weights here; pass 0 context tokens.
    """
    _check(tp, margin)
    needed = weight_bytes(model, precision) / tp
    if model.is_text_generator:
        needed += batch * kv_bytes(model, context_tokens, kv_precision) / kv_shards(model, device, tp)
    available = device.mem_bytes * margin
    return Fit(needed <= available, needed, available)


def kv_capacity_tokens(
    model: Model, device: Device, tp: int, precision: str, margin: float = MARGIN, *, kv_precision: str = "fp16"
) -> int:
    """Tokens of KV, over all sequences, that fit beside the weights on `tp` devices; 0 when the weights do not.

    Only the part of the cache that grows is counted; fixed state (window, Mamba) must be taken off by the batch.
    """
    _check(tp, margin)
    free = device.mem_bytes * margin - weight_bytes(model, precision) / tp
    per_token = token_demand(model, kv_precision).kv_bytes / kv_shards(model, device, tp)
    return max(0, int(free / per_token))


def _check(tp: int, margin: float) -> None:
    if tp < 1 or not 0 < margin <= 1:
        raise CostError(
            f"memory is asked for at least one device and a margin in (0, 1], got tp={tp}, margin={margin!r}"
        )
