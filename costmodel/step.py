"""How long one step of an LLM engine takes, from a few coefficients; a leaf that imports only the standard library.

The planner and the simulated pools of the runtime use these same functions, so a promise and a simulation cannot
drift apart. `roofline.step_coefficients` derives the coefficients from a model and a device.
"""

from __future__ import annotations

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
