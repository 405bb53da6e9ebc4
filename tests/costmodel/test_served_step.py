"""Steps of a serving engine: sums by hand, and what tensor parallelism splits and copies."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel.catalog import load_catalog
from costmodel.models import load_models
from costmodel.points import Demand, Point, demand
from costmodel.roofline import Efficiency, step_coefficients
from costmodel.served_step import (
    Coefficients,
    admitted,
    bound,
    decode_parts,
    held,
    joined,
    linear_s,
    prefill_share_s,
    prompt_seconds,
    steps,
)
from costmodel.step import Engine, closed_loop

H100 = load_catalog("default").device("h100_sxm")
LLAMA = load_models().model("llama3.1-8b")
IDEAL = Coefficients(
    compute16_share=1.0,
    weights_share=1.0,
    kv16_share=1.0,
    attention_share=1.0,
    tile_tokens=0.0,
    sharpness=200.0,
    residual_passes=0.0,
    ffn_passes=0.0,
    step_s=0.0,
    layer_s=0.0,
    sequence_s=0.0,
    prompt_s=0.0,
    prefill_in_steps=1.0,
    first_steps=0.0,
    first_prompts=1.0,
    first_batch=0.0,
    first_s=0.0,
    first_caller_s=0.0,
)


def units(tp: int = 1, tokens_in: float = 1000, tokens_out: float = 500, concurrency: float = 10) -> Demand:
    return demand([Point(LLAMA, H100, tp, "fp16", tokens_in, tokens_out, concurrency)])


def test_with_ideal_coefficients_a_step_is_the_roofline_by_hand() -> None:
    # Weights 7.5e9 x 2 bytes / 3.35e12 = 4.478 ms; KV 10 x 1,250 x 131,072 bytes / 3.35e12 = 0.489 ms.
    parts = decode_parts(units(), IDEAL, np.array([10.0]), np.array([1250.0]))
    assert parts["linear layers"][0] == pytest.approx(4.4776e-3, rel=1e-3)
    assert parts["attention"][0] == pytest.approx(0.48907e-3, rel=1e-3)
    assert sum(float(each[0]) for each in parts.values()) == pytest.approx(4.9667e-3, rel=1e-3)


def test_a_prompt_alone_by_hand() -> None:
    # Linear: 1,000 x 2 x (7.5e9 - 128,256 x 4,096) + 2 x 128,256 x 4,096 = 1.395e13 + 1.05e9 FLOPs, / 989e12 = 14.1 ms.
    # Attention: 500,500 pairs x 32 layers x 4 x 4,096 = 2.624e11 FLOPs / 989e12 = 0.265 ms.
    assert prompt_seconds(units(), IDEAL)[0] == pytest.approx(14.105e-3 + 0.2653e-3, rel=1e-3)


def test_the_prompts_of_others_by_hand() -> None:
    # 10 callers, answers of 500 tokens: 10 / 500 = 0.02 prompts a step. A step with one takes the longer of the
    # arithmetic of 1,010 rows, 14.256 ms, and the weights, instead of the weights' 4.478 ms; attention adds
    # 0.02 x 0.265 ms.
    with_chunk = linear_s(units(), IDEAL, np.array([1010.0]), np.array([10.0]))[0]
    assert with_chunk == pytest.approx((1010 * 13.9493e9 + 10 * 1.05067e9) / 989e12, rel=1e-3)
    expected = 0.02 * (with_chunk - 4.4776e-3) + 0.02 * 0.2653e-3
    assert prefill_share_s(units(), IDEAL, np.array([10.0]))[0] == pytest.approx(expected, rel=1e-3)


def test_a_long_prompt_comes_in_chunks_that_each_ride_on_a_step() -> None:
    # 16,384 tokens are two chunks of 8,192; twice the share of steps carries one.
    long, short = units(tokens_in=16_384), units(tokens_in=8_192)
    extra = replace(IDEAL, attention_share=1.0)
    attention_s = 16_384 * 16_385 / 2 * 32 * 4 * 4096 / 989e12 * 0.02
    half_s = 8_192 * 8_193 / 2 * 32 * 4 * 4096 / 989e12 * 0.02
    batch = np.array([10.0])
    riding = prefill_share_s(long, extra, batch)[0] - attention_s
    assert riding == pytest.approx(2 * (prefill_share_s(short, extra, batch)[0] - half_s), rel=1e-6)


def test_callers_wait_by_littles_law() -> None:
    # Memory holds H of N callers: all N calls take N / H as long as those inside.
    one = units(tokens_in=8000, tokens_out=1000, concurrency=400)
    inside = held(one)[0]
    assert 1 < inside < 400
    assert admitted(one)[0] == inside
    found = steps(one, Coefficients())
    stay_s = found.first_s[0] + 1000 * found.tpot_s[0]
    assert found.queue_s[0] == pytest.approx((400 / inside - 1) * stay_s)


def test_tensor_parallelism_splits_products_and_kv_and_copies_the_rest() -> None:
    batch, context = np.array([10.0]), np.array([1250.0])
    whole = decode_parts(units(1), Coefficients(), batch, context)
    parts = decode_parts(units(4), Coefficients(), batch, context)
    for name in ("linear layers", "attention"):
        assert 4 * parts[name][0] == pytest.approx(whole[name][0]), name
    assert parts["engine"][0] == whole["engine"][0]
    assert whole["all-reduce"][0] == 0 < parts["all-reduce"][0]
    assert whole["between layers"][0] / 4 < parts["between layers"][0] < whole["between layers"][0]


def test_kv_heads_bound_the_split_of_attention() -> None:
    # Eight KV heads over 16 cores would be copied twice; on one scale-up domain of eight each device has one.
    batch, context = np.array([10.0]), np.array([1250.0])
    one, eight = (decode_parts(units(tp), Coefficients(), batch, context)["attention"][0] for tp in (1, 8))
    assert 8 * eight == pytest.approx(one)


def test_joined_times_are_never_below_the_longer() -> None:
    compute_s, memory_s = np.array([1.0, 3.0, 2.0, 0.0]), np.array([3.0, 1.0, 2.0, 1.0])
    found = joined(compute_s, memory_s, 2.0)
    assert found == pytest.approx([10**0.5, 10**0.5, 8**0.5, 1.0])
    assert joined(compute_s, memory_s, 300.0) == pytest.approx([3, 3, 2, 1], rel=1e-2)


def test_the_bound_by_hand() -> None:
    first_s, step_s = bound(units())
    # The arithmetic of 1,000 tokens outweighs the weights; a step reads weights and 10 x 1,000 tokens of KV.
    assert first_s[0] == pytest.approx(14.105e-3, rel=1e-3)
    assert step_s[0] == pytest.approx(4.4776e-3 + 10 * 1000 * 131_072 / 3.35e12, rel=1e-3)


@pytest.mark.parametrize(("tokens_in", "tokens_out", "concurrency"), [(1000, 500, 4), (4000, 200, 2), (500, 1000, 16)])
def test_the_leaf_that_the_runtime_uses_says_the_same(tokens_in: int, tokens_out: int, concurrency: int) -> None:
    # Same datasheet rates, no engine: what is left is that the leaf overlaps attention with the products and counts
    # activations and KV writes.
    coefficients = step_coefficients(LLAMA, H100, 1, "fp16", efficiency=Efficiency(mfu=1.0, mbu=1.0, step_s=0.0))
    leaf = closed_loop(coefficients, Engine(), tokens_in, tokens_out, concurrency)
    ours = steps(units(1, tokens_in, tokens_out, concurrency), IDEAL)
    assert leaf.tpot_s == pytest.approx(ours.tpot_s[0], rel=0.05)
    assert leaf.batch == ours.batch[0]
