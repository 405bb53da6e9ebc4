"""How long one step of an LLM engine takes, from a few coefficients; a leaf that imports only the standard library.

The planner and the simulated pools of the runtime use these same functions, so a promise and a simulation cannot
drift apart. `roofline.step_coefficients` derives the coefficients from a model and a device. From steps follows what an
engine does with them: chunks of prefill that ride on decode steps, paged KV, prefix hits, drafts, a closed loop.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class StepCoefficients:
    """Seconds on one tensor-parallel group of devices, peak rates and efficiencies already divided out.

    A step takes `overhead_s` of the engine's own time, then the longer of its arithmetic and its memory traffic, then
    its all-reduces. `weights_s` reads the weights that every step reads, `experts_s` all routed experts, of which a
    token uses each with probability `expert_share`. `token_s` and `head_s` are the arithmetic of a token's layers and
    of one output token's vocabulary; `pair_s` (decode), `prefill_pair_s` and `window_pair_s` that of attention for
    each pair of a token and a context token; `window_tokens` is the reach of sliding layers. `kv_s` and `window_kv_s`
    read one context token's KV; `state_s` is a sequence's fixed state, `token_memory_s` what a new token writes.
    `all_reduce_s` is paid by each step and `all_reduce_token_s` by each token in it.
    """

    overhead_s: float
    weights_s: float
    experts_s: float
    expert_share: float
    token_s: float
    head_s: float
    pair_s: float
    prefill_pair_s: float
    window_pair_s: float
    window_tokens: float
    kv_s: float
    window_kv_s: float
    state_s: float
    token_memory_s: float
    all_reduce_s: float
    all_reduce_token_s: float

    def values(self) -> dict[str, float]:
        """The coefficients by name, as a plan carries them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def from_values(values: Mapping[str, float]) -> StepCoefficients:
    """The inverse of `StepCoefficients.values`. Raises ValueError for missing, unknown or negative coefficients."""
    expected = {each.name for each in fields(StepCoefficients)}
    if set(values) != expected:
        missing, unknown = sorted(expected - set(values)), sorted(set(values) - expected)
        raise ValueError(f"step coefficients do not match this version: missing {missing}, unknown {unknown}")
    wrong = {name: value for name, value in values.items() if not 0 <= value < float("inf")}
    if wrong:
        raise ValueError(f"step coefficients are finite and never negative, got {wrong}")
    return StepCoefficients(**values)


def touched_share(expert_share: float, tokens: float) -> float:
    """Expected share of the experts that at least one of `tokens` uses, each token choosing evenly and on its own.

    1 - (1 - k/E)^tokens: the chance that an expert is not missed by every token.
    """
    return 1.0 - (1.0 - expert_share) ** tokens


def context_sum(first: float, count: float) -> float:
    """Sum of first, first + 1, ..., `count` terms in all; of a last part of a term that part counts."""
    return reach_sum(first, count, first + count)


def reach_sum(first: float, count: float, window_tokens: float) -> float:
    """Sum of min(i, window_tokens) for i = first, first + 1, ..., `count` terms as in `context_sum`, in closed form."""
    whole = int(count)
    growing = min(whole, int(window_tokens - first) + 1) if first <= window_tokens else 0
    terms = growing * first + growing * (growing - 1) / 2 + (whole - growing) * window_tokens
    return terms + (count - whole) * min(first + whole, window_tokens)


def decode_step_s(coefficients: StepCoefficients, batch: float, context_tokens: float) -> float:
    """Seconds in which `batch` sequences gain a token each; `context_tokens` is the mean number each already holds."""
    _check(batch=batch, context_tokens=context_tokens)
    return (
        coefficients.overhead_s
        + max(
            _decode_compute_s(coefficients, batch, context_tokens),
            _decode_memory_s(coefficients, batch, context_tokens),
        )
        + _all_reduce_s(coefficients, batch)
    )


def decode_s(coefficients: StepCoefficients, batch: float, tokens_in: float, tokens_out: float) -> float:
    """Sum of `decode_step_s` over contexts tokens_in, tokens_in + 1, ..., `tokens_out` steps in all, in closed form.

    Between the sliding window's end and the point where arithmetic overtakes memory traffic, a step's time is linear in
    the context, and the sum of a linear series is its length times the mean of its ends. A mean token count may be
    fractional: its last part of a step takes that part of the time.
    """
    _check(batch=batch, tokens_in=tokens_in, tokens_out=tokens_out)
    whole = int(tokens_out)
    total = 0.0
    for first, last in _linear_spans(coefficients, batch, tokens_in, whole):
        ends = [decode_step_s(coefficients, batch, tokens_in + step) for step in (first, last)]
        total += (last - first + 1) * sum(ends) / 2
    if tokens_out > whole:
        total += (tokens_out - whole) * decode_step_s(coefficients, batch, tokens_in + whole)
    return total


def prefill_s(coefficients: StepCoefficients, tokens: float, batch: float = 1) -> float:
    """Seconds in which `batch` prompts of `tokens` each pass through the model and give their first token."""
    _check(batch=batch, tokens=tokens)
    full_pairs = tokens * (tokens + 1) / 2
    window_pairs = reach_sum(1, tokens, coefficients.window_tokens)
    compute_s = batch * (
        tokens * coefficients.token_s
        + coefficients.head_s
        + full_pairs * coefficients.prefill_pair_s
        + window_pairs * coefficients.window_pair_s
    )
    memory_s = _weights_s(coefficients, tokens * batch) + batch * (
        tokens * (coefficients.token_memory_s + coefficients.kv_s)
        + min(tokens, coefficients.window_tokens) * coefficients.window_kv_s
        + coefficients.state_s
    )
    return coefficients.overhead_s + max(compute_s, memory_s) + _all_reduce_s(coefficients, tokens * batch)


@dataclass(frozen=True, slots=True)
class Engine:
    """How an engine schedules. A step takes at most `chunk_tokens` of a prompt; KV comes in blocks of `block_tokens`,
    `kv_capacity_tokens` in all; at most `max_batch` sequences run.

    The first `prefix_tokens` of every prompt are in the cache, as whole blocks. A draft model proposes `draft_tokens` a
    step, each accepted with probability `acceptance`; `draft` are its coefficients, None for a free one (n-grams).
    `warm_up_s` passes before the first step (weights, compilation, graph capture).
    """

    chunk_tokens: int = 8192
    block_tokens: int = 16
    kv_capacity_tokens: float = math.inf
    max_batch: float = math.inf
    prefix_tokens: int = 0
    draft_tokens: int = 0
    acceptance: float = 0.0
    draft: StepCoefficients | None = None
    warm_up_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Loop:
    """What callers of an engine see in steady state: means in seconds. `batch` sequences run, the others wait
    `queue_s`, which `ttft_s` includes. `first_ttft_s` is that of the first call after a start."""

    batch: float
    queue_s: float
    ttft_s: float
    tpot_s: float
    e2e_s: float
    tokens_per_s: float
    first_ttft_s: float


def closed_loop(
    coefficients: StepCoefficients, engine: Engine, tokens_in: float, tokens_out: float, concurrency: float
) -> Loop:
    """`concurrency` callers, each of which sends its next prompt when its answer has ended. Raises ValueError.

    Each of B running sequences takes (tokens_out - 1) / e steps of e tokens and brings n chunks, so that a step carries
    x = B n e / (tokens_out - 1) chunks on average: up to one, that share of steps carries one; above, each carries x
    (continuous batching, Yu et al. 2022, "Orca"; mixed with prefill, Agrawal et al. 2023, "Sarathi"). A prompt waits
    for half a step, then for its chunks. N callers take N / B times as long as B (Little's law).
    """
    _check(tokens_in=tokens_in, tokens_out=tokens_out, concurrency=concurrency)
    batch = min(concurrency, admitted_batch(engine, tokens_in, tokens_out))
    context, per_step = tokens_in + tokens_out / 2, tokens_per_step(engine)
    plain_s = speculative_step_s(coefficients, engine, batch, context)
    chunks = prefill_chunks(engine, tokens_in)
    decodes = max(tokens_out - 1, 1.0) / per_step
    carried = batch * len(chunks) / decodes
    extra_s = [mixed_step_s(coefficients, batch, context, each, max(carried, 1.0)) for each in chunks]
    riding_s = sum(extra_s) / len(chunks) - decode_step_s(coefficients, batch, context)
    step_s = plain_s + min(carried, 1.0) * riding_s
    own_s = step_s / 2 + chunked_prefill_s(coefficients, engine, tokens_in, batch - 1, context)
    inside_s = own_s + max(tokens_out - 1, 0.0) * step_s / per_step
    queue_s = (concurrency / batch - 1) * inside_s
    return Loop(
        batch=batch,
        queue_s=queue_s,
        ttft_s=queue_s + own_s,
        tpot_s=step_s / per_step,
        e2e_s=queue_s + inside_s,
        tokens_per_s=concurrency * tokens_out / (queue_s + inside_s),
        first_ttft_s=engine.warm_up_s + chunked_prefill_s(coefficients, engine, tokens_in),
    )


def admitted_batch(engine: Engine, tokens_in: float, tokens_out: float) -> float:
    """Sequences that run at once: KV blocks over those of a call half done, the cached prefix held once.

    Raises ValueError when not even one whole call fits.
    """
    shared = _cached(engine, tokens_in)
    free = engine.kv_capacity_tokens - shared

    def held(tokens: float) -> float:
        return max(1, math.ceil((tokens - shared) / engine.block_tokens)) * engine.block_tokens

    needed = held(tokens_in + tokens_out)
    if free < needed:
        raise ValueError(
            f"a call of {tokens_in:g} tokens in and {tokens_out:g} out needs {needed:,} tokens of KV, and {free:,.0f} "
            "are free; shorten it or give the engine more memory"
        )
    return min(engine.max_batch, free / held(tokens_in + tokens_out / 2))


def prefill_chunks(engine: Engine, tokens_in: float) -> tuple[tuple[float, float], ...]:
    """(first, end) of each chunk of a prompt after its cached prefix, of which the last token is always computed."""
    start, step = _cached(engine, tokens_in), engine.chunk_tokens
    ends = [start + step * (index + 1) for index in range(math.ceil((tokens_in - start) / step))]
    return tuple((end - step, min(float(end), tokens_in)) for end in ends)


def chunked_prefill_s(
    coefficients: StepCoefficients, engine: Engine, tokens_in: float, batch: float = 0, context_tokens: float = 0
) -> float:
    """Seconds in which a prompt is read chunk by chunk while `batch` sequences decode beside it."""
    chunks = prefill_chunks(engine, tokens_in)
    return sum(mixed_step_s(coefficients, max(batch, 0.0), context_tokens, each) for each in chunks)


def mixed_step_s(
    c: StepCoefficients, batch: float, context_tokens: float, chunk: tuple[float, float], copies: float = 1
) -> float:
    """Seconds of a step in which `batch` sequences gain a token and `copies` prompts read their tokens of `chunk`.

    From token a to b a chunk looks at (b (b + 1) - a (a + 1)) / 2 pairs, reads the KV of b and writes b - a; the
    weights are read once for all. Every chunk is charged one output token, as an engine computes logits in each.
    """
    first, end = chunk
    _check(batch=batch, context_tokens=context_tokens, first=first, tokens=end - first, copies=copies)
    tokens = end - first
    pairs = (end * (end + 1) - first * (first + 1)) / 2
    window_pairs = reach_sum(1, end, c.window_tokens) - reach_sum(1, first, c.window_tokens)
    compute_s = tokens * c.token_s + c.head_s + pairs * c.prefill_pair_s + window_pairs * c.window_pair_s
    reads_s = end * c.kv_s + min(end, c.window_tokens) * c.window_kv_s + c.state_s + tokens * c.token_memory_s
    sequences_s = _decode_memory_s(c, batch, context_tokens) - _weights_s(c, batch)
    memory_s = _weights_s(c, batch + copies * tokens) + sequences_s + copies * reads_s
    busy_s = max(_decode_compute_s(c, batch, context_tokens) + copies * compute_s, memory_s)
    return c.overhead_s + busy_s + _all_reduce_s(c, batch + copies * tokens)


def tokens_per_step(engine: Engine) -> float:
    """Tokens that a step gives a sequence: (1 - a^(k + 1)) / (1 - a) with k drafts accepted with probability a each.

    Leviathan et al. 2023, "Fast inference from transformers via speculative decoding".
    """
    if not 0 <= engine.acceptance < 1:
        raise ValueError(f"the acceptance of drafts is in [0, 1), got {engine.acceptance!r}")
    return (1 - engine.acceptance ** (engine.draft_tokens + 1)) / (1 - engine.acceptance)


def speculative_step_s(c: StepCoefficients, engine: Engine, batch: float, context_tokens: float) -> float:
    """Seconds of a step with its drafts: the draft model's steps, then one that checks k + 1 tokens a sequence."""
    if not engine.draft_tokens:
        return decode_step_s(c, batch, context_tokens)
    checked = engine.draft_tokens + 1
    compute_s = checked * _decode_compute_s(c, batch, context_tokens)
    memory_s = (
        _decode_memory_s(c, batch, context_tokens)
        + _weights_s(c, checked * batch)
        - _weights_s(c, batch)
        + batch * engine.draft_tokens * c.token_memory_s
    )
    drafts_s = 0.0 if engine.draft is None else engine.draft_tokens * decode_step_s(engine.draft, batch, context_tokens)
    return drafts_s + c.overhead_s + max(compute_s, memory_s) + _all_reduce_s(c, checked * batch)


def _cached(engine: Engine, tokens_in: float) -> float:
    """Tokens of a prompt that need no prefill: whole blocks, never the last token."""
    whole = min(engine.prefix_tokens, max(0, math.ceil(tokens_in) - 1)) // engine.block_tokens
    return float(whole * engine.block_tokens)


def _decode_compute_s(c: StepCoefficients, batch: float, context_tokens: float) -> float:
    reach = min(context_tokens, c.window_tokens)
    return batch * (c.token_s + c.head_s + context_tokens * c.pair_s + reach * c.window_pair_s)


def _decode_memory_s(c: StepCoefficients, batch: float, context_tokens: float) -> float:
    reach = min(context_tokens, c.window_tokens)
    sequence_s = context_tokens * c.kv_s + reach * c.window_kv_s + c.state_s + c.token_memory_s
    return _weights_s(c, batch) + batch * sequence_s


def _weights_s(c: StepCoefficients, tokens: float) -> float:
    return c.weights_s + c.experts_s * touched_share(c.expert_share, tokens)


def _all_reduce_s(c: StepCoefficients, tokens: float) -> float:
    return c.all_reduce_s + tokens * c.all_reduce_token_s


def _linear_spans(c: StepCoefficients, batch: float, tokens_in: float, steps: int) -> list[tuple[int, int]]:
    """Cuts steps 0..steps-1 where a step's time, as a function of the context, changes its slope."""

    def gap_s(step: int) -> float:
        context = tokens_in + step
        return _decode_compute_s(c, batch, context) - _decode_memory_s(c, batch, context)

    inside = min(steps, max(0, int(c.window_tokens - tokens_in) + 1))
    spans: list[tuple[int, int]] = []
    for low, high in ((0, inside - 1), (inside, steps - 1)):
        if low > high:
            continue
        at_low, at_high = gap_s(low), gap_s(high)
        if at_low * at_high < 0:
            middle = min(high - 1, low + int((high - low) * at_low / (at_low - at_high)))
            spans += [(low, middle), (middle + 1, high)]
        else:
            spans.append((low, high))
    return spans


def _check(**amounts: float) -> None:
    for name, amount in amounts.items():
        if not 0 <= amount < float("inf"):
            raise ValueError(f"{name} must be finite and at least 0, got {amount!r}")
