"""Time of prefill and of a decode step on a group of devices, for every batch size at once.

Each operator of a layer is a roofline of its own (linear layers, attention), as they follow one another: at large
batches the former are bound by compute while the latter are bound by bandwidth, which one roofline of the sum hides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from costmodel.collective import all_reduce_s
from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import TokenDemand, token_demand, weight_bytes
from costmodel.models import Model
from costmodel.precision import bytes_per_value, compute_precision
from costmodel.roofline import compute_rate, kv_shards

Floats = NDArray[np.float64]
Phase = Literal["prefill", "decode"]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the comparison of devices takes for granted; the defaults are those of the reference's roofline.

    `mfu`, `mbu`: shares of the datasheet rates. `step_s`: the engine's own time in each pass. `margin`: share of memory
    for weights and KV. `attention`: format of attention's arithmetic, `fp16` whatever the weights', or `weights`.
    `kv_precision`: None for that of the weights. `reserved_share`: share of a sequence's output for which KV memory is
    kept (1: no sequence is ever evicted; 0.5: the mean). `hop_share`: share of its hops' latency that an all-reduce
    pays beside its bytes. `largest_group`: devices of a chassis (arXiv 2507.19635, section 4: up to 8).
    """

    mfu: float = 0.55
    mbu: float = 0.75
    step_s: float = 0.0
    margin: float = 0.9
    attention: Literal["fp16", "weights"] = "fp16"
    kv_precision: str | None = None
    reserved_share: float = 1.0
    hop_share: float = 1.0
    largest_group: int = 8

    def __post_init__(self) -> None:
        shares = {"mfu": self.mfu, "mbu": self.mbu, "margin": self.margin}
        wrong = {name: value for name, value in shares.items() if not 0 < value <= 1}
        if (
            wrong
            or not 0 <= self.reserved_share <= 1
            or self.hop_share < 0
            or self.step_s < 0
            or self.largest_group < 1
        ):
            raise CostError(
                "efficiencies and the memory margin are in (0, 1], the reserved share in [0, 1], the share of hops and "
                f"the time of a step at least 0 and a group at least 1 device, got {self}"
            )


@dataclass(frozen=True, slots=True)
class Workload:
    """Tokens of one request."""

    tokens_in: int
    tokens_out: int

    def __str__(self) -> str:
        return f"{self.tokens_in}/{self.tokens_out}"


@dataclass(frozen=True)
class Serving:
    """A model in a precision on groups of `tp` x `pp` devices: `tp` share each layer, `pp` groups share the layers."""

    model: Model
    precision: str
    device: Device
    tp: int
    pp: int
    rules: Assumptions

    def __post_init__(self) -> None:
        if self.model.experts or self.model.mamba_layers or self.model.sliding_layers or self.model.is_latent_attention:
            raise CostError(
                f"pairs of devices are compared on dense models with full attention, as the paper's, and "
                f"{self.model.id} ({self.model.arch}) is none; take a Llama, or `plan` for other models"
            )

    @property
    def devices(self) -> int:
        """Devices of one copy of the model."""
        return self.tp * self.pp

    @cached_property
    def unit(self) -> TokenDemand:
        """What one token asks, with KV in its precision."""
        return token_demand(self.model, self.rules.kv_precision or self.precision)

    @cached_property
    def flops_per_s(self) -> float:
        """Reached by the group that shares a layer, in linear layers."""
        return self.tp * self.rules.mfu * compute_rate(self.device, self.precision)[0]

    @cached_property
    def attention_flops_per_s(self) -> float:
        """Reached by the group that shares a layer, in attention."""
        if self.rules.attention == "weights":
            return self.flops_per_s
        return self.tp * self.rules.mfu * compute_rate(self.device, "fp16")[0]

    @cached_property
    def bytes_per_s(self) -> float:
        """Reached by one device's memory."""
        return self.device.mem_bytes_per_s * self.rules.mbu

    @cached_property
    def shards(self) -> int:
        """Over how many devices of a layer's group its KV is spread."""
        return kv_shards(self.model, self.device, self.tp)


def largest_batch(serving: Serving, phase: Phase, load: Workload) -> int:
    """Sequences of which weights and KV fit; 0 when the weights alone do not.

    A pipeline of `pp` groups works on `pp` such batches at once, each group holding the KV of its own layers, so a
    device holds batch x KV / shards whatever `pp` is; weights are spread over all devices.
    """
    reserved = load.tokens_in + (load.tokens_out * serving.rules.reserved_share if phase == "decode" else 0)
    weights = weight_bytes(serving.model, serving.precision) / serving.devices
    free = serving.device.mem_bytes * serving.rules.margin - weights
    return max(0, int(free / (serving.unit.kv_bytes * reserved / serving.shards)))


def pass_s(serving: Serving, phase: Phase, load: Workload, batch: Floats) -> Floats:
    """Seconds of one forward pass for each batch size: TTFT of a prefill batch, or the mean time between tokens.

    Through all stages of a pipeline, so that `pp` changes only what the stages hand on. Shape: that of `batch`.
    """
    return _PARTS[phase](serving, load, batch)


def all_reduce_part_s(serving: Serving, phase: Phase, load: Workload, batch: Floats) -> Floats:
    """The part of `pass_s` in which devices add up partial results and stages hand on activations."""
    tokens = batch * (load.tokens_in if phase == "prefill" else 1)
    return _communication_s(serving, tokens)


def _prefill_s(serving: Serving, load: Workload, batch: Floats) -> Floats:
    """Linear layers, then causal attention over n (n + 1) / 2 pairs that writes and reads its KV once."""
    unit, tokens = serving.unit, load.tokens_in
    linear = _linear_s(serving, batch * (tokens * unit.flops + unit.head_flops), batch * tokens)
    pairs = tokens * (tokens + 1) / 2
    attention = _attention_s(serving, batch * pairs * unit.prefill_pair_flops, batch * 2 * tokens * unit.kv_bytes)
    return linear + attention + _communication_s(serving, batch * tokens) + serving.rules.step_s


def _decode_s(serving: Serving, load: Workload, batch: Floats) -> Floats:
    """A step at the mean context of sequences that are evenly spread over their outputs: n + (m - 1) / 2."""
    unit = serving.unit
    context = load.tokens_in + (load.tokens_out - 1) / 2
    linear = _linear_s(serving, batch * (unit.flops + unit.head_flops), batch)
    attention = _attention_s(serving, batch * context * unit.pair_flops, batch * (context + 1) * unit.kv_bytes)
    return linear + attention + _communication_s(serving, batch) + serving.rules.step_s


_PARTS: dict[Phase, Callable[[Serving, Workload, Floats], Floats]] = {"prefill": _prefill_s, "decode": _decode_s}


def _linear_s(serving: Serving, flops: Floats, tokens: Floats) -> Floats:
    weights = serving.unit.weights * bytes_per_value(serving.precision)
    moved = (weights + tokens * serving.unit.activation_bytes) / serving.tp
    return np.maximum(flops / serving.flops_per_s, moved / serving.bytes_per_s)


def _attention_s(serving: Serving, flops: Floats, kv_bytes: Floats) -> Floats:
    return np.maximum(flops / serving.attention_flops_per_s, kv_bytes / serving.shards / serving.bytes_per_s)


def _communication_s(serving: Serving, tokens: Floats) -> Floats:
    device, unit = serving.device, serving.unit
    seconds = np.zeros_like(tokens)
    if serving.tp > 1:
        hop_s = device.scaleup_latency_s * serving.rules.hop_share
        per_byte = all_reduce_s(1.0, serving.tp, device.scaleup_bytes_per_s, 0.0)
        fixed = all_reduce_s(0.0, serving.tp, device.scaleup_bytes_per_s, hop_s)
        seconds = seconds + tokens * unit.sync_bytes * per_byte + unit.sync_count * fixed
    if serving.pp > 1:
        handed = tokens * unit.sync_bytes / unit.sync_count / serving.tp
        is_inside = serving.devices <= device.scaleup_domain
        rate = device.scaleup_bytes_per_s if is_inside else device.scaleout_bytes_per_s
        hop_s = device.scaleup_latency_s if is_inside else device.scaleout_latency_s
        seconds = seconds + (serving.pp - 1) * (handed / rate + hop_s)
    return seconds


def computes_wider(device: Device, precision: str) -> bool:
    """True where the device reads weights of `precision` and computes in a wider format."""
    return compute_precision(precision, device.flops_per_s) != precision
