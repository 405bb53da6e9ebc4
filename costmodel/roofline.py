"""Time of work on a device: the slowest of what it asks against what the hardware gives.

t = max over resources of demand / rate, plus synchronisation and fixed latencies (arXiv 2507.19635, section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from costmodel.collective import all_reduce_s
from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import token_demand
from costmodel.models import Model
from costmodel.precision import bytes_per_value, compute_precision
from costmodel.step import StepCoefficients
from costmodel.work import Work


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Shares of the datasheet rates that software reaches, and the engine's own time in each step.

    `mfu` 0.55 and `mbu` 0.75 are those of the reference's independent roofline. `step_s` 5 ms is what served engines
    spend on scheduling and sampling beside the kernels, from published servings of 8B to 70B models on H100 and H200.
    """

    mfu: float = 0.55
    mbu: float = 0.75
    step_s: float = 0.005


DEFAULT = Efficiency()


@dataclass(frozen=True, slots=True)
class Estimate:
    """A predicted time. `terms` are its parts in seconds; of compute and memory only the longer is in `latency_s`.

    `bound_by` names the largest term; `notes` are assumptions to print.
    """

    latency_s: float
    terms: Mapping[str, float] = field(hash=False)
    bound_by: str
    notes: tuple[str, ...] = ()


def compute_rate(device: Device, precision: str) -> tuple[float, tuple[str, ...]]:
    """FLOP/s of one device for weights of `precision`, with a note when it computes wider. Raises CostError."""
    chosen = compute_precision(precision, device.flops_per_s)
    if chosen is None:
        raise CostError(
            f"{device.id} has no rate for {precision} or a wider format, only for "
            f"{', '.join(device.flops_per_s) or 'none'}; choose another precision or device"
        )
    rate = device.flops_per_s[chosen]
    if chosen == precision:
        return rate, ()
    return rate, (f"{device.id} has no {precision} units: weights are read as {precision} and computed in {chosen}",)


def kv_shards(model: Model | None, device: Device, tp: int) -> int:
    """Over how many of `tp` devices a sequence's KV is spread: KV heads are not cut, MLA's latent is copied to each."""
    if model is None or device.kind == "cpu" or not model.kv_heads:
        return tp
    return 1 if model.is_latent_attention else min(tp, model.kv_heads)


def time(
    work: Work,
    device: Device,
    tp: int,
    precision: str,
    *,
    model: Model | None = None,
    efficiency: Efficiency = DEFAULT,
) -> Estimate:
    """Predicted time of `work` on `tp` devices, in seconds. `model` tells how its KV can be split. Raises CostError.

    Terms: compute, memory, all_reduce, overhead (engine steps), cpu, wait.
    """
    if tp < 1:
        raise CostError(f"work runs on at least one device, got tp={tp}")
    if work.cpu_s and device.kind != "cpu":
        raise CostError(
            f"{device.id} is no CPU and cannot run {work.cpu_s:g} s of general-purpose work; place it on one"
        )
    rate, notes = compute_rate(device, precision) if work.flops else (1.0, ())
    moved_bytes = (work.weight_bytes + work.activation_bytes) / tp + work.kv_bytes / kv_shards(model, device, tp)
    terms = {
        "compute": work.flops / (tp * rate * efficiency.mfu),
        "memory": moved_bytes / (device.mem_bytes_per_s * efficiency.mbu),
        "all_reduce": _all_reduces_s(work, device, tp),
        "overhead": work.steps * efficiency.step_s,
        "cpu": work.cpu_s,
        "wait": work.wait_s,
    }
    return _estimate(terms, notes)


def combined(parts: tuple[Estimate, ...]) -> Estimate:
    """One estimate for parts that follow one another."""
    terms: dict[str, float] = {}
    for part in parts:
        for name, seconds in part.terms.items():
            terms[name] = terms.get(name, 0.0) + seconds
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return Estimate(sum(part.latency_s for part in parts), terms, max(terms, key=lambda name: terms[name]), notes)


def step_coefficients(
    model: Model,
    device: Device,
    tp: int,
    precision: str,
    kv_precision: str = "fp16",
    *,
    efficiency: Efficiency = DEFAULT,
) -> StepCoefficients:
    """The step times of an engine that serves `model` on `tp` devices: the same terms as `time`, a unit at a time."""
    unit = token_demand(model, kv_precision)
    rate, _ = compute_rate(device, precision)
    flops_per_s = tp * rate * efficiency.mfu
    bytes_per_s = device.mem_bytes_per_s * efficiency.mbu
    kv_bytes_per_s = bytes_per_s * kv_shards(model, device, tp)
    weight_bytes_per_s = bytes_per_s * tp
    fixed = Work(sync_count=unit.sync_count)
    each = Work(sync_bytes=unit.sync_bytes)
    bytes_per_weight = bytes_per_value(precision)
    return StepCoefficients(
        overhead_s=efficiency.step_s,
        weights_s=unit.weights * bytes_per_weight / weight_bytes_per_s,
        experts_s=unit.expert_weights * bytes_per_weight / weight_bytes_per_s,
        expert_share=unit.expert_share,
        token_s=unit.flops / flops_per_s,
        head_s=unit.head_flops / flops_per_s,
        pair_s=unit.pair_flops / flops_per_s,
        prefill_pair_s=unit.prefill_pair_flops / flops_per_s,
        window_pair_s=unit.window_pair_flops / flops_per_s,
        window_tokens=model.sliding_window_tokens,
        kv_s=unit.kv_bytes / kv_bytes_per_s,
        window_kv_s=unit.window_kv_bytes / kv_bytes_per_s,
        state_s=2 * unit.state_bytes / kv_bytes_per_s,
        token_memory_s=(unit.kv_bytes + unit.window_kv_bytes) / kv_bytes_per_s
        + unit.activation_bytes / weight_bytes_per_s,
        all_reduce_s=_all_reduces_s(fixed, device, tp),
        all_reduce_token_s=_all_reduces_s(each, device, tp),
    )


def _all_reduces_s(work: Work, device: Device, tp: int) -> float:
    """All the all-reduces of `work`: the bytes of one ring all-reduce of their sum, the latency of each."""
    if tp == 1:
        return 0.0
    moving_s = all_reduce_s(work.sync_bytes, tp, device.scaleup_bytes_per_s, 0.0)
    return moving_s + work.sync_count * all_reduce_s(0.0, tp, device.scaleup_bytes_per_s, device.scaleup_latency_s)


def _estimate(terms: dict[str, float], notes: tuple[str, ...]) -> Estimate:
    latency_s = max(terms["compute"], terms["memory"]) + sum(
        terms[name] for name in terms if name not in {"compute", "memory"}
    )
    return Estimate(latency_s, terms, max(terms, key=lambda name: terms[name]), notes)
