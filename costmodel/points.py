"""What served points ask of devices, as arrays: one entry for each point, so that thousands are predicted together.

The amounts are those of `llm.token_demand` and the catalog; nothing here is fitted, `served_step` divides by what the
engine reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import ACTIVATION_BYTES, token_demand, weight_bytes
from costmodel.memory import MARGIN
from costmodel.models import Model
from costmodel.parallel import why_not_parallel
from costmodel.precision import bytes_per_value
from costmodel.roofline import compute_rate, kv_shards

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """One served point: `concurrency` callers that each send a prompt, read the answer and at once send the next.

    `kv_precision` None is fp8 for weights of 8 bits or fewer and fp16 for others, what engines are mostly run with.
    `engine` is the engine's name, and after a space its version, such as `vllm 0.12.0`; None when it is not known.
    """

    model: Model
    device: Device
    tp: int
    precision: str
    tokens_in: float
    tokens_out: float
    concurrency: float
    kv_precision: str | None = None
    engine: str | None = None

    @property
    def kv(self) -> str:
        """Precision of the KV cache."""
        return self.kv_precision or ("fp16" if bytes_per_value(self.precision) > 1 else "fp8")


@dataclass(frozen=True, slots=True)
class Demand:
    """[point] units of work and rates of hardware; see `TokenDemand` for the former.

    `flops_per_s` is at the weights' precision, `flops16_per_s` at 16 bits; `narrow` is 1 where arithmetic is on fewer
    than 16 bits and `kv_narrow` where KV is. `free_bytes` is a device's memory beside the weights, after the margin.
    """

    tokens_in: Array
    tokens_out: Array
    concurrency: Array
    tp: Array
    shards: Array
    flops_per_s: Array
    flops16_per_s: Array
    narrow: Array
    mem_bytes_per_s: Array
    link_bytes_per_s: Array
    link_latency_s: Array
    free_bytes: Array
    weight_bytes: Array
    expert_bytes: Array
    expert_share: Array
    flops: Array
    head_flops: Array
    pair_flops: Array
    prefill_pair_flops: Array
    window_pair_flops: Array
    window_tokens: Array
    kv_bytes: Array
    kv_narrow: Array
    window_kv_bytes: Array
    state_bytes: Array
    activation_bytes: Array
    residual_bytes: Array
    layers: Array
    sync_count: Array
    sync_bytes: Array

    def select(self, chosen: NDArray[np.bool_]) -> Demand:
        """The points for which `chosen` holds."""
        return Demand(**{each.name: getattr(self, each.name)[chosen] for each in fields(self)})


def demand(points: Sequence[Point]) -> Demand:
    """The demand of points that `why_not_served` has nothing against."""
    rows = [(each.tokens_in, each.tokens_out, each.concurrency, *_units(each)) for each in points]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(fields(Demand)))
    return Demand(*table.T)


def why_not_served(point: Point) -> str | None:
    """The reason why a point cannot be served at all; None when it can. A batch of one must fit into memory."""
    tokens = point.tokens_in + point.tokens_out
    amounts = (point.tokens_in, point.tokens_out, point.concurrency)
    if not all(1 <= amount < float("inf") for amount in amounts):
        return f"tokens in, tokens out and concurrency are at least 1, got {', '.join(f'{each:g}' for each in amounts)}"
    model, device = point.model, point.device
    if not model.is_text_generator:
        return f"{model.id} ({model.modality}) generates no text"
    if model.max_ctx_tokens is not None and tokens > model.max_ctx_tokens:
        return f"{model.id} takes at most {model.max_ctx_tokens:,} tokens of context, got {tokens:,.0f}"
    reason = why_not_parallel(model, device, point.tp)
    if reason is not None:
        return reason
    try:
        units = demand([point])
    except CostError as error:
        return str(error)
    needed, free = float(sequence_bytes(units, np.array([tokens]))[0]), float(units.free_bytes[0])
    if needed <= free:
        return None
    where = f"{point.tp} core(s) of {device.id}" if device.kind == "cpu" else f"{point.tp} x {device.id}"
    return (
        f"{model.id} in {point.precision} leaves {max(free, 0) / 1e9:.1f} GB on each of {where}, "
        f"and one call of {tokens:,.0f} tokens takes {needed / 1e9:.1f} GB of KV; use more devices, shorter calls or a "
        "narrower precision"
    )


def sequence_bytes(units: Demand, tokens: Array) -> Array:
    """[point] bytes that the KV and state of one sequence of `tokens` take on each device."""
    window = np.minimum(tokens, units.window_tokens) * units.window_kv_bytes
    return (tokens * units.kv_bytes + window + units.state_bytes) / units.shards


def _units(point: Point) -> tuple[float, ...]:
    return _static(point.model, point.device, point.tp, point.precision, point.kv)


@lru_cache(maxsize=4096)
def _static(model: Model, device: Device, tp: int, precision: str, kv: str) -> tuple[float, ...]:
    """What depends on neither tokens nor concurrency, in the order of `Demand`."""
    unit = token_demand(model, kv)
    bytes_per_weight = bytes_per_value(precision)
    rate, _ = compute_rate(device, precision)
    rate16, _ = compute_rate(device, "fp16")
    return (
        tp,
        kv_shards(model, device, tp),
        rate,
        rate16,
        float(rate != rate16),
        device.mem_bytes_per_s,
        device.scaleup_bytes_per_s,
        device.scaleup_latency_s,
        device.mem_bytes * MARGIN - weight_bytes(model, precision) / tp,
        unit.weights * bytes_per_weight,
        unit.expert_weights * bytes_per_weight,
        unit.expert_share,
        unit.flops,
        unit.head_flops,
        unit.pair_flops,
        unit.prefill_pair_flops,
        unit.window_pair_flops,
        float(model.sliding_window_tokens),
        unit.kv_bytes,
        float(bytes_per_value(kv) < 2),
        unit.window_kv_bytes,
        unit.state_bytes,
        unit.activation_bytes,
        model.layers * model.d_model * ACTIVATION_BYTES,
        float(model.layers),
        unit.sync_count if tp > 1 else 0.0,
        unit.sync_bytes if tp > 1 else 0.0,
    )
