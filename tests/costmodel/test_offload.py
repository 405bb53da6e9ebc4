from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.catalog import load_catalog
from costmodel.errors import CostError
from costmodel.fleet import Link
from costmodel.llm import decode_work
from costmodel.models import Model, load_models
from costmodel.offload import (
    activation_bytes,
    attention_work,
    exchange_s,
    linear_work,
    step_back_bytes,
    step_out_bytes,
    why_not_offloaded,
)
from costmodel.roofline import time

LLAMA = load_models().model("llama3.1-8b")
SPLIT = [model for model in load_models().models.values() if why_not_offloaded(model) is None]


def test_the_halves_of_a_step_by_hand() -> None:
    attention, linear = attention_work(LLAMA, 1000, 1), linear_work(LLAMA, 1000, 1)
    # attention: 4 x 32 heads x 128 x 32 layers FLOPs a pair; KV 2 x 32 layers x 8 heads x 128 x 2 bytes a token
    assert attention.flops == 1000 * 4 * 32 * 128 * 32
    assert (attention.kv_read_bytes, attention.kv_write_bytes) == (1000 * 131072, 131072)
    assert (attention.weight_bytes, attention.steps, attention.activation_bytes, attention.sync_bytes) == (0, 0, 0, 0)
    # linear: two FLOPs and two bytes a weight
    assert linear.flops == 2 * LLAMA.params_matmul
    assert linear.weight_bytes == 2 * LLAMA.params_matmul
    assert (linear.kv_bytes, linear.steps) == (0, 1)


@settings(deadline=None)
@given(
    model=st.sampled_from(SPLIT),
    tokens_in=st.floats(1, 1e5),
    tokens_out=st.floats(0, 1e4),
    batch=st.integers(1, 256),
)
def test_the_halves_ask_for_no_more_and_no_less_than_the_whole(
    model: Model, tokens_in: float, tokens_out: float, batch: int
) -> None:
    halves = attention_work(model, tokens_in, tokens_out, batch=batch) + linear_work(
        model, tokens_in, tokens_out, batch=batch
    )
    whole = decode_work(model, tokens_in, tokens_out, batch=batch)
    assert halves.flops == pytest.approx(whole.flops, rel=1e-12)
    assert replace(halves, flops=0.0) == replace(whole, flops=0.0)


def test_what_goes_between_the_halves() -> None:
    # out: (32 + 2 x 8) heads x 128 x 2 bytes in each of 32 layers; back: d_model = 32 heads x 128, 2 bytes, 32 layers
    assert step_out_bytes(LLAMA) == 48 * 128 * 2 * 32 == 393_216
    assert step_back_bytes(LLAMA) == 4096 * 2 * 32 == 262_144
    assert activation_bytes(LLAMA, 10, batch=3) == 3 * 10 * 655_360


def test_the_halves_talk_once_each_way_in_each_layer_of_each_step() -> None:
    out, back = Link("a", "b", 1e9, 1e-5, 0.0), Link("b", "a", 1e9, 2e-5, 0.0)
    # a step: 32 x (10 + 20) us of latency = 0.96 ms, and 655,360 bytes at 1 GB/s
    assert exchange_s(LLAMA, 5, out, back) == pytest.approx(5 * (0.00096 + 0.00065536))


def test_the_fast_device_no_longer_reads_the_kv() -> None:
    h100 = load_catalog("default").device("h100_sxm")
    whole = time(decode_work(LLAMA, 1000, 1, batch=64), h100, 1, "fp16", model=LLAMA)
    linear = time(linear_work(LLAMA, 1000, 1, batch=64), h100, 1, "fp16", model=LLAMA)
    # 64 x 1001 tokens of 131,072 bytes at 0.75 x 3350 GB/s
    assert whole.terms["memory"] - linear.terms["memory"] == pytest.approx(64 * 1001 * 131072 / (0.75 * 3350e9))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("deepseek-v3-r1", "what the latent attention of deepseek-v3-r1 would send for a token is not in the catalog"),
        ("granite-4.0-h-small", "what the Mamba layers of granite-4.0-h-small would send for a token is not in"),
        ("whisper-large-v3", r"whisper-large-v3 \(stt\) generates no text"),
    ],
)
def test_what_cannot_be_split_is_refused(model: str, reason: str) -> None:
    refused = load_models().model(model)
    for asked in (
        lambda: attention_work(refused, 1, 1),
        lambda: linear_work(refused, 1, 1),
        lambda: step_out_bytes(refused),
    ):
        with pytest.raises(CostError, match=reason):
            asked()
    with pytest.raises(CostError, match=r"the heads of .* are not in the catalog"):
        step_back_bytes(replace(LLAMA, kv_heads=0))
