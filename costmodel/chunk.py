"""Work of a prefill in chunks: the prompt passes through the model a piece at a time.

A chunk of C tokens bounds how long a step takes, so that other requests' decode steps need not wait for a long prompt
(Agrawal et al. 2023, "Sarathi"). The price: every chunk reads the weights again, and the KV of all chunks before it.
"""

from __future__ import annotations

import math

from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import token_demand, weights_read
from costmodel.models import Model
from costmodel.precision import bytes_per_value
from costmodel.roofline import Estimate, combined, time
from costmodel.spyre import is_spyre
from costmodel.step import reach_sum
from costmodel.work import Work


def prefill_chunks(
    model: Model,
    tokens_in: float,
    chunk_tokens: int,
    *,
    batch: float = 1,
    weight_precision: str = "fp16",
    kv_precision: str = "fp16",
) -> tuple[Work, ...]:
    """[chunk] its work; one chunk of all tokens is `prefill_work`. The last chunk may be shorter. Raises `CostError`.

    From the first token a to the last b, in all n = ceil(tokens_in / chunk_tokens) chunks:
    pairs (b (b + 1) - a (a - 1)) / 2, so that all chunks together look at as many as one prefill; weights once a chunk;
    KV read b tokens, KV written b - a + 1; a Mamba state is read and written once a chunk; the head only for the last.
    """
    if chunk_tokens < 1 or not 0 < tokens_in < math.inf:
        raise CostError(
            f"a prompt of more than 0 tokens has chunks of at least 1, got {tokens_in!r} in {chunk_tokens!r}"
        )
    unit, window = token_demand(model, kv_precision), model.sliding_window_tokens
    starts = [float(start) for start in range(0, math.ceil(tokens_in), chunk_tokens)]
    chunks: list[Work] = []
    for start in starts:
        end = min(start + chunk_tokens, tokens_in)
        tokens = end - start
        pairs = (end * (end + 1) - start * (start + 1)) / 2
        window_pairs = reach_sum(1, end, window) - reach_sum(1, start, window)
        head_flops = unit.head_flops if end == tokens_in else 0.0
        pair_flops = pairs * unit.prefill_pair_flops + window_pairs * unit.window_pair_flops
        chunks.append(
            Work(
                flops=batch * (tokens * unit.flops + head_flops + pair_flops),
                weight_bytes=weights_read(unit, tokens * batch) * bytes_per_value(weight_precision),
                kv_read_bytes=batch
                * (end * unit.kv_bytes + min(end, window) * unit.window_kv_bytes + unit.state_bytes),
                kv_write_bytes=batch * (tokens * (unit.kv_bytes + unit.window_kv_bytes) + unit.state_bytes),
                activation_bytes=batch * tokens * unit.activation_bytes,
                steps=1,
                sync_count=unit.sync_count,
                sync_bytes=batch * tokens * unit.sync_bytes,
            )
        )
    return tuple(chunks)


def chunked_prefill_work(model: Model, tokens_in: float, chunk_tokens: int) -> Work:
    """Work of all chunks of one prompt, 16-bit weights and KV. Raises `CostError`."""
    return sum(prefill_chunks(model, tokens_in, chunk_tokens), Work())


def chunk_estimates(
    model: Model, device: Device, tp: int, precision: str, *, tokens_in: float, chunk_tokens: int
) -> tuple[Estimate, ...]:
    """[chunk] its predicted time. Raises `CostError`, also for Spyre, whose compiler splits prompts by rules of its
    own."""
    if is_spyre(device.id):
        raise CostError(f"{device.id} chooses the sizes of its own steps; leave the chunk-prefill pass out")
    works = prefill_chunks(model, tokens_in, chunk_tokens, weight_precision=precision)
    return tuple(time(work, device, tp, precision, model=model) for work in works)


def estimate_chunks(
    model: Model, device: Device, tp: int, precision: str, *, tokens_in: float, chunk_tokens: int
) -> Estimate:
    """Predicted time of all chunks, each with its own bottleneck, one after another. Raises as `chunk_estimates`."""
    return combined(chunk_estimates(model, device, tp, precision, tokens_in=tokens_in, chunk_tokens=chunk_tokens))
