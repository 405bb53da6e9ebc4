"""Work of a prefill whose first tokens are in the KV already, and of making that KV once for all who share it.

Calls with the same system prompt compute the same KV for it, because causal attention looks backwards only (Kwon et al.
2023, "vLLM", and Zheng et al. 2024, "SGLang", keep such KV between requests). The rest still reads the prefix's KV.
"""

from __future__ import annotations

from dataclasses import replace

from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import kv_bytes, prefill_work, token_demand, weights_read
from costmodel.memory import fits
from costmodel.models import Model
from costmodel.parallel import why_not_parallel
from costmodel.precision import bytes_per_value
from costmodel.roofline import Estimate, time
from costmodel.step import reach_sum
from costmodel.work import Work


def prefix_work(model: Model, prefix_tokens: float, *, weight_precision: str = "fp16") -> Work:
    """Work of passing a prefix through the model once: a prefill without its output head. Raises `CostError`."""
    _check(prefix_tokens, prefix_tokens)
    whole = prefill_work(model, prefix_tokens, weight_precision=weight_precision)
    return replace(whole, flops=whole.flops - token_demand(model).head_flops)


def rest_work(model: Model, tokens_in: float, prefix_tokens: float, *, weight_precision: str = "fp16") -> Work:
    """Work of a prefill of `tokens_in` whose first `prefix_tokens` have their KV: with N, P tokens, raises `CostError`.

    Layers see N - P tokens; attention looks at (N (N + 1) - P (P + 1)) / 2 pairs, so that prefix and rest look at as
    many as one prefill; weights are read once more; KV is read for N tokens and written for N - P.
    """
    _check(tokens_in, prefix_tokens)
    unit, window = token_demand(model), model.sliding_window_tokens
    tokens = tokens_in - prefix_tokens
    pairs = (tokens_in * (tokens_in + 1) - prefix_tokens * (prefix_tokens + 1)) / 2
    window_pairs = reach_sum(1, tokens_in, window) - reach_sum(1, prefix_tokens, window)
    pair_flops = pairs * unit.prefill_pair_flops + window_pairs * unit.window_pair_flops
    return Work(
        flops=tokens * unit.flops + unit.head_flops + pair_flops,
        weight_bytes=weights_read(unit, tokens) * bytes_per_value(weight_precision),
        kv_read_bytes=tokens_in * unit.kv_bytes + min(tokens_in, window) * unit.window_kv_bytes + unit.state_bytes,
        kv_write_bytes=tokens * (unit.kv_bytes + unit.window_kv_bytes) + unit.state_bytes,
        activation_bytes=tokens * unit.activation_bytes,
        steps=1,
        sync_count=unit.sync_count,
        sync_bytes=tokens * unit.sync_bytes,
    )


def rest_kv_bytes(model: Model, tokens_in: float, prefix_tokens: float) -> float:
    """Bytes that the rest adds to the KV of the prefix, which is kept once."""
    return kv_bytes(model, tokens_in) - kv_bytes(model, prefix_tokens)


def estimate_prefix(model: Model, device: Device, tp: int, precision: str, *, prefix_tokens: float) -> Estimate:
    """Predicted time of making the prefix's KV. Raises `CostError` where the devices cannot."""
    _check_runs(model, device, tp, precision, prefix_tokens)
    return time(prefix_work(model, prefix_tokens, weight_precision=precision), device, tp, precision, model=model)


def estimate_rest(
    model: Model, device: Device, tp: int, precision: str, *, tokens_in: float, prefix_tokens: float
) -> Estimate:
    """Predicted time of a prefill after its prefix; memory holds the prefix's KV once. Raises `CostError`."""
    _check_runs(model, device, tp, precision, tokens_in)
    work = rest_work(model, tokens_in, prefix_tokens, weight_precision=precision)
    return time(work, device, tp, precision, model=model)


def _check(tokens_in: float, prefix_tokens: float) -> None:
    if not 0 < prefix_tokens <= tokens_in < float("inf"):
        raise CostError(
            f"a shared prefix has more than 0 and at most all tokens of the prompt, got {prefix_tokens:g} of "
            f"{tokens_in:g}; correct prefix_tokens= or tokens_in="
        )


def _check_runs(model: Model, device: Device, tp: int, precision: str, context_tokens: float) -> None:
    limit = model.max_ctx_tokens
    if not model.is_text_generator or (limit is not None and context_tokens > limit):
        raise CostError(f"{model.id} is no text generator that takes {context_tokens:,} tokens of context")
    reason = why_not_parallel(model, device, tp)
    if reason is None and not fits(model, device, tp, precision, 1, context_tokens, kv_precision="fp16").ok:
        reason = f"{model.id} in {precision} with {context_tokens:,} tokens of context does not fit {tp} x {device.id}"
    if reason is not None:
        raise CostError(reason)
