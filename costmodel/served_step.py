"""Time of a served engine's steps from demand, device and a handful of fitted coefficients, over arrays of points.

Every formula is a resource's demand over its datasheet rate, divided by the share of it that software reaches, plus
what the engine spends beside the kernels; so that what is fitted on one device carries to another.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from costmodel.points import Array, Demand, sequence_bytes

CHUNK_TOKENS = 8192.0
"""Tokens of prompts that a step takes at most: the usual `max_num_batched_tokens` of vLLM and TensorRT-LLM."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What software makes of hardware. Shares are of datasheet rates and never above 1.

    `compute16_share`, `compute8_share`: of the arithmetic rate that large matrix products reach on 16 and on fewer
    bits. `tile_tokens`: rows that a product computes beyond those asked for, as tiles are padded. `weights_share`: of
    memory bandwidth while weights are read. `sharpness` q joins both, t = (compute^q + memory^q)^(1/q); the larger,
    the nearer to their maximum. `residual_passes`, `ffn_passes`: how often a token's residual stream (copied on each
    device) and its projections (split) go through memory between the products, a pass being one write and read of all.
    `kv16_share`, `kv8_share`: of bandwidth while KV is read. `attention_share`: of the 16-bit rate in prefill
    attention. `reduce_hops`, `reduce_log_hops`: latencies of the link that an all-reduce takes, and more for each
    doubling of the devices. `link_share`: of the link, both directions, in all-reduces. `step_s`, `layer_s`,
    `sequence_s`, `prompt_s`: engine time of a step, of each layer in it, of each sequence in it, and of a prompt.
    `prefill_in_steps`: share of the other callers' prefills that falls between a caller's tokens (1 where chunks are
    mixed into decode steps, 1/2 where prompts that arrive together are all read first).
    `first_steps`, `first_prompts`, `first_batch`, `first_slot`: time to the first token in decode steps, in
    prefills of the own prompt, in prefills of a whole batch (callers that all start at once wait for half of it the
    first time), in mean times between two completions; `first_s` seconds more, and `first_caller_s` for each caller,
    which the server's one thread takes in and answers.
    """

    compute16_share: float = 0.78
    compute8_share: float = 0.6
    tile_tokens: float = 46.0
    weights_share: float = 0.83
    sharpness: float = 2.65
    residual_passes: float = 8.0
    ffn_passes: float = 0.5
    kv16_share: float = 0.8
    kv8_share: float = 0.6
    attention_share: float = 0.5
    reduce_hops: float = 3.5
    reduce_log_hops: float = 3.5
    link_share: float = 0.6
    step_s: float = 1e-3
    layer_s: float = 2e-5
    sequence_s: float = 3e-5
    prompt_s: float = 1e-3
    prefill_in_steps: float = 0.9
    first_steps: float = 1.0
    first_prompts: float = 1.0
    first_batch: float = 0.06
    first_slot: float = 0.0
    first_s: float = 0.03
    first_caller_s: float = 0.001

    def values(self) -> dict[str, float]:
        """The coefficients by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, slots=True)
class Steps:
    """[point] seconds; `parts` of a decode step and of a prompt by what they are spent on. `batch` sequences run."""

    batch: Array
    decode_step_s: Array
    prompt_s: Array
    tpot_s: Array
    first_s: Array
    queue_s: Array
    parts: dict[str, Array]


FIRST = ("first_steps", "first_prompts", "first_batch", "first_slot", "first_s", "first_caller_s")
"""The coefficients that `first_parts` multiplies."""


def first_parts(units: Demand, batch: Array, prompt_s: Array, decode_step_s: Array, tpot_s: Array) -> tuple[Array, ...]:
    """[point] seconds for one of each of `FIRST`, whose sum is the time to the first token but for the queue."""
    slot_s = units.tokens_out * tpot_s / batch
    return decode_step_s, prompt_s, batch * prompt_s, slot_s, np.ones_like(batch), batch


def admitted(units: Demand) -> Array:
    """[point] sequences in the engine: the callers, or as many as paged KV memory holds beside the weights."""
    return np.minimum(units.concurrency, held(units))


def held(units: Demand) -> Array:
    """[point] calls whose KV fits into memory at once, at least the one that `why_not_served` makes sure of.

    Pages are taken as a call grows (Kwon et al. 2023, "PagedAttention") and calls are of all ages, so that one holds
    tokens_in + tokens_out / 2 on average.
    """
    return np.maximum(1.0, units.free_bytes / sequence_bytes(units, units.tokens_in + units.tokens_out / 2))


def steps(units: Demand, c: Coefficients) -> Steps:
    """[point] times of a closed loop in steady state, in which all callers ask for the same number of tokens.

    Each of B running sequences decodes a token in each step and is replaced after tokens_out steps, so that a step
    carries B / tokens_out prompts on average (continuous batching, Yu et al. 2022, "Orca"; mixed with chunks of
    prefill, Agrawal et al. 2023, "Sarathi"):

        tpot = decode_step(B, context) + prefill_share

    Callers beyond B wait; by Little's law all N calls take N / B times as long as the B in the engine, so a call waits
    (N / B - 1) x (first + tokens_out x tpot).
    """
    batch = admitted(units)
    context = units.tokens_in + units.tokens_out / 2
    parts = decode_parts(units, c, batch, context)
    decode_step_s = np.sum(list(parts.values()), axis=0)
    prompt_s = prompt_seconds(units, c)
    shared_s = prefill_share_s(units, c, batch)
    tpot_s = decode_step_s + shared_s
    inside_s = units.tokens_out * tpot_s
    first_s = np.column_stack(first_parts(units, batch, prompt_s, decode_step_s, tpot_s)) @ [
        getattr(c, name) for name in FIRST
    ]
    queue_s = (units.concurrency / batch - 1) * (first_s + inside_s)
    return Steps(batch, decode_step_s, prompt_s, tpot_s, first_s, queue_s, {**parts, "prefill of others": shared_s})


def decode_parts(units: Demand, c: Coefficients, batch: Array, context: Array) -> dict[str, Array]:
    """[point] seconds of a step in which `batch` sequences of mean length `context` gain a token, by part."""
    return {
        "linear layers": linear_s(units, c, batch, batch),
        "between layers": _between_s(units, c, batch),
        "attention": _decode_attention_s(units, c, batch, context),
        "all-reduce": _reduce_latency_s(units, c) + _reduce_bytes_s(units, c, batch),
        "engine": c.step_s + c.layer_s * units.layers + c.sequence_s * batch,
    }


def prompt_seconds(units: Demand, c: Coefficients) -> Array:
    """[point] seconds in which a prompt alone passes through the model, in chunks of up to `CHUNK_TOKENS`."""
    chunk = np.minimum(units.tokens_in, CHUNK_TOKENS)
    return units.tokens_in / chunk * linear_s(units, c, chunk, np.ones_like(chunk)) + _prompt_extra_s(units, c)


def prefill_share_s(units: Demand, c: Coefficients, batch: Array) -> Array:
    """[point] seconds that the prompts of other callers add to a step, on average.

    A step carries x = prefill_in_steps x B x chunks / tokens_out chunks. Up to one, a share x of the steps carries a
    whole chunk beside its B rows; above, each carries x of them. The weights are read once either way.
    """
    chunk = np.minimum(units.tokens_in, CHUNK_TOKENS)
    prompts = c.prefill_in_steps * batch / units.tokens_out
    chunks = prompts * units.tokens_in / chunk
    riding_s = linear_s(units, c, batch + np.maximum(chunks, 1.0) * chunk, batch) - linear_s(units, c, batch, batch)
    return np.minimum(chunks, 1.0) * riding_s + prompts * _prompt_extra_s(units, c)


def _prompt_extra_s(units: Demand, c: Coefficients) -> Array:
    """[point] seconds of a prompt outside the matrix products: linear in prompts, however they are cut and mixed."""
    tokens = units.tokens_in
    reach = np.minimum(tokens, units.window_tokens)
    window_pairs = reach * (reach + 1) / 2 + (tokens - reach) * reach
    pair_flops = tokens * (tokens + 1) / 2 * units.prefill_pair_flops + window_pairs * units.window_pair_flops
    return (
        _between_s(units, c, tokens)
        + pair_flops / (units.tp * units.flops16_per_s * c.attention_share)
        + _reduce_bytes_s(units, c, tokens)
        + c.prompt_s
    )


def linear_s(units: Demand, c: Coefficients, tokens: Array, outputs: Array) -> Array:
    """[point] seconds of all matrix products of a step with `tokens` rows, `outputs` of which meet the output head.

    (compute^q + memory^q)^(1/q): at few rows the weights' traffic is all, at many the arithmetic, and the efficiency of
    either falls where they meet. Never below either alone.
    """
    share = np.where(units.narrow > 0, c.compute8_share, c.compute16_share)
    flops = (tokens + c.tile_tokens) * units.flops + outputs * units.head_flops
    compute_s = flops / (units.tp * units.flops_per_s * share)
    touched = 1.0 - (1.0 - units.expert_share) ** tokens
    read_bytes = units.weight_bytes + units.expert_bytes * touched
    memory_s = read_bytes / (units.tp * units.mem_bytes_per_s * c.weights_share)
    return joined(compute_s, memory_s, c.sharpness)


def joined(compute_s: Array, memory_s: Array, sharpness: float) -> Array:
    """The q-norm of two times, computed from their ratio so that nothing overflows."""
    longer, shorter = np.maximum(compute_s, memory_s), np.minimum(compute_s, memory_s)
    return longer * (1.0 + (shorter / longer) ** sharpness) ** (1.0 / sharpness)


def bound(units: Demand) -> tuple[Array, Array]:
    """[point] idealised seconds to the first token and between tokens: datasheet rates, no engine, no other callers.

    Each the longer of all arithmetic and all memory traffic (the roofline, Williams et al. 2009); the first token for
    a prompt alone, a token of `admitted` sequences at their shortest context.
    """
    batch, tokens = admitted(units), units.tokens_in
    rate, bandwidth = units.tp * units.flops_per_s, units.tp * units.mem_bytes_per_s
    first_s = np.maximum((tokens * units.flops + units.head_flops) / rate, _read_bytes(units, tokens) / bandwidth)
    kv_s = batch * _context_bytes(units, tokens) / (units.shards * units.mem_bytes_per_s)
    step_s = np.maximum(batch * (units.flops + units.head_flops) / rate, _read_bytes(units, batch) / bandwidth + kv_s)
    return first_s, step_s


def _read_bytes(units: Demand, tokens: Array) -> Array:
    return units.weight_bytes + units.expert_bytes * (1.0 - (1.0 - units.expert_share) ** tokens)


def _context_bytes(units: Demand, context: Array) -> Array:
    return (
        context * units.kv_bytes
        + np.minimum(context, units.window_tokens) * units.window_kv_bytes
        + 2 * units.state_bytes
    )


def _between_s(units: Demand, c: Coefficients, tokens: Array) -> Array:
    moved = c.residual_passes * 2 * units.residual_bytes + c.ffn_passes * units.activation_bytes / units.tp
    return tokens * moved / units.mem_bytes_per_s


def _decode_attention_s(units: Demand, c: Coefficients, batch: Array, context: Array) -> Array:
    share = np.where(units.kv_narrow > 0, c.kv8_share, c.kv16_share)
    memory_s = batch * _context_bytes(units, context) / (units.shards * units.mem_bytes_per_s * share)
    flops = context * units.pair_flops + np.minimum(context, units.window_tokens) * units.window_pair_flops
    compute_s = batch * flops / (units.tp * units.flops16_per_s * c.attention_share)
    return np.maximum(memory_s, compute_s)


def _reduce_latency_s(units: Demand, c: Coefficients) -> Array:
    hops: NDArray[np.float64] = c.reduce_hops + c.reduce_log_hops * np.log2(units.tp)
    return units.sync_count * units.link_latency_s * hops


def _reduce_bytes_s(units: Demand, c: Coefficients, tokens: Array) -> Array:
    """Each device sends and takes 2 (n - 1) / n of what is added up, over both directions of its link."""
    moved = tokens * units.sync_bytes * 2 * (units.tp - 1) / units.tp
    return moved / (2 * units.link_bytes_per_s * c.link_share)
