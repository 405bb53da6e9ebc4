from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.step import (
    StepCoefficients,
    context_sum,
    decode_s,
    decode_step_s,
    from_values,
    prefill_s,
    reach_sum,
    touched_share,
)

ROUND = StepCoefficients(
    overhead_s=0.005,
    weights_s=0.006,
    experts_s=0.0,
    expert_share=0.0,
    token_s=0.00002,
    head_s=0.000001,
    pair_s=1e-9,
    prefill_pair_s=1e-9,
    window_pair_s=0.0,
    window_tokens=0.0,
    kv_s=5e-8,
    window_kv_s=0.0,
    state_s=0.0,
    token_memory_s=0.0,
    all_reduce_s=0.001,
    all_reduce_token_s=1e-6,
)
SMALL = st.floats(min_value=0, max_value=1e-3)
COEFFICIENTS = st.builds(
    StepCoefficients,
    overhead_s=SMALL,
    weights_s=SMALL,
    experts_s=SMALL,
    expert_share=st.floats(min_value=0, max_value=1),
    token_s=SMALL,
    head_s=SMALL,
    pair_s=st.floats(min_value=0, max_value=1e-5),
    prefill_pair_s=st.floats(min_value=0, max_value=1e-5),
    window_pair_s=st.floats(min_value=0, max_value=1e-5),
    window_tokens=st.integers(0, 300).map(float),
    kv_s=st.floats(min_value=0, max_value=1e-5),
    window_kv_s=st.floats(min_value=0, max_value=1e-5),
    state_s=SMALL,
    token_memory_s=SMALL,
    all_reduce_s=SMALL,
    all_reduce_token_s=SMALL,
)


def test_a_decode_step_waits_for_memory_when_that_is_slower() -> None:
    # memory: 6 ms + 8 x 1000 x 50 ns = 6.4 ms; compute: 8 x (20 us + 1 us + 1 us) = 0.176 ms
    # 5 ms overhead + 6.4 ms + 1 ms + 8 us of all-reduce
    assert decode_step_s(ROUND, 8, 1000) == pytest.approx(0.005 + 0.0064 + 0.001 + 0.000008)


def test_a_decode_step_waits_for_arithmetic_when_that_is_slower() -> None:
    # compute: 1000 x (20 us + 1 us) = 21 ms; memory: 6 ms
    assert decode_step_s(ROUND, 1000, 0) == pytest.approx(0.005 + 0.021 + 0.001 + 0.001)


def test_prefill_pays_for_tokens_and_for_pairs_of_tokens() -> None:
    # 1000 x 20 us + 1 us + 500,500 x 1 ns = 20.5015 ms; all-reduce 1 ms + 1000 x 1 us
    assert prefill_s(ROUND, 1000) == pytest.approx(0.005 + 0.0205015 + 0.002)


def test_experts_are_read_as_far_as_tokens_touch_them() -> None:
    # 1 of 4 experts a token: two tokens touch 1 - (3/4)^2 = 7/16
    assert touched_share(1 / 4, 2) == 7 / 16
    moe = replace(ROUND, experts_s=0.016, expert_share=1 / 4)
    assert decode_step_s(moe, 2, 0) - decode_step_s(ROUND, 2, 0) == pytest.approx(0.007)


@pytest.mark.parametrize(
    ("first", "count", "window", "expected"),
    [
        (1, 4, 2, 1 + 2 + 2 + 2),
        (1, 4, 10, 1 + 2 + 3 + 4),
        (5, 3, 2, 6),
        (1, 0, 2, 0),
        (1, 3, 0, 0),
        (1, 2.5, 10, 1 + 2 + 3 / 2),
        (1, 2.5, 2, 1 + 2 + 2 / 2),
        (2.5, 2, 3, 2.5 + 3),
    ],
)
def test_reach_is_capped_by_the_window(first: float, count: float, window: float, expected: float) -> None:
    assert reach_sum(first, count, window) == expected


def test_contexts_add_up_to_their_last_part() -> None:
    assert context_sum(10, 3) == 10 + 11 + 12
    assert context_sum(10, 0.5) == 10 / 2


@given(c=COEFFICIENTS, batch=st.integers(1, 64), tokens_in=st.integers(1, 400), tokens_out=st.integers(0, 400))
def test_the_closed_form_is_the_sum_of_its_steps(
    c: StepCoefficients, batch: int, tokens_in: int, tokens_out: int
) -> None:
    summed = sum(decode_step_s(c, batch, tokens_in + step) for step in range(tokens_out))
    assert decode_s(c, batch, tokens_in, tokens_out) == pytest.approx(summed, rel=1e-9)


@given(c=COEFFICIENTS, tokens_in=st.integers(1, 400), tokens_out=st.integers(0, 400))
def test_a_fraction_of_a_step_takes_that_fraction_of_its_time(
    c: StepCoefficients, tokens_in: int, tokens_out: int
) -> None:
    half = decode_s(c, 2, tokens_in, tokens_out + 0.5) - decode_s(c, 2, tokens_in, tokens_out)
    assert half == pytest.approx(decode_step_s(c, 2, tokens_in + tokens_out) / 2, abs=1e-9)


@given(c=COEFFICIENTS, batch=st.integers(1, 64), tokens=st.integers(1, 5000), more=st.integers(1, 500))
def test_more_tokens_and_larger_batches_never_take_less(
    c: StepCoefficients, batch: int, tokens: int, more: int
) -> None:
    assert prefill_s(c, tokens + more, batch) >= prefill_s(c, tokens, batch)
    assert prefill_s(c, tokens, batch + more) >= prefill_s(c, tokens, batch)
    assert decode_step_s(c, batch, tokens + more) >= decode_step_s(c, batch, tokens)
    assert decode_step_s(c, batch + more, tokens) >= decode_step_s(c, batch, tokens)


def test_values_come_back_as_they_were() -> None:
    assert from_values(ROUND.values()) == ROUND


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1.0}, r"unknown \['colour'\]"),
        ({"kv_s": -1.0}, "never negative"),
        ({"kv_s": float("nan")}, "never negative"),
    ],
)
def test_values_of_another_version_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_values({**ROUND.values(), **change})


def test_missing_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"missing \['kv_s'\]"):
        from_values({name: value for name, value in ROUND.values().items() if name != "kv_s"})


@pytest.mark.parametrize("tokens", [-1.0, float("nan"), float("inf")])
def test_amounts_that_are_none_are_refused(tokens: float) -> None:
    with pytest.raises(ValueError, match="tokens must be finite and at least 0"):
        prefill_s(ROUND, tokens)
