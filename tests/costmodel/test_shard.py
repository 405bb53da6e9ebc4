from dataclasses import replace

import pytest

from costmodel.errors import CostError
from costmodel.llm import decode_work, prefill_work
from costmodel.models import load_models
from costmodel.shard import (
    all_reduced_bytes,
    expert_shard_work,
    gate_work,
    kv_copies,
    kv_projection_weights,
    router_weights,
    why_not_sharded,
)
from costmodel.work import Work

QWEN = load_models().model("qwen3-30b-a3b")


def test_routers_and_key_value_projections_are_part_of_the_weights_that_a_token_multiplies() -> None:
    # 48 layers, d_model 2048, 32 heads and 4 KV heads of 128, 8 of 128 experts of 768 columns, vocabulary 151936.
    router = 48 * 2048 * 128
    keys_and_values = 2 * 48 * 2048 * 4 * 128
    queries_and_output = 2 * 48 * 2048 * 32 * 128
    experts = 48 * 8 * 3 * 2048 * 768
    head = 151_936 * 2048
    assert router_weights(QWEN) == router
    assert kv_projection_weights(QWEN) == keys_and_values
    whole = router + keys_and_values + queries_and_output + experts + head
    assert round(whole, -7) == QWEN.params_matmul  # the catalog has three digits: 3.04e9


def test_routers_are_in_the_layers_with_experts_only() -> None:
    # deepseek-v3-r1: 61 layers, 3 of them dense; d_model 7168, 256 experts
    assert router_weights(load_models().model("deepseek-v3-r1")) == 58 * 7168 * 256


def test_a_gate_multiplies_each_token_and_reads_its_weights_each_step() -> None:
    # 12582912 weights: 2 FLOPs each for 900 tokens, 2 bytes each for 3 steps
    assert gate_work(QWEN, tokens=900, steps=3) == Work(flops=22_649_241_600, weight_bytes=75_497_472)


@pytest.mark.parametrize(("shards", "copies"), [(1, 1), (2, 1), (4, 1), (8, 2), (32, 8)])
def test_kv_heads_are_copied_where_there_are_fewer_than_shards(shards: int, copies: float) -> None:
    assert kv_copies(QWEN, shards) == copies


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_every_amount_of_a_shard_is_its_part_of_the_whole(shards: int) -> None:
    whole = decode_work(QWEN, 900, 200)
    shard, gate = expert_shard_work(QWEN, whole, 200, shards), gate_work(QWEN, 200, 200)
    copies = kv_copies(QWEN, shards)
    copied = 2 * kv_projection_weights(QWEN) * (copies - 1) * 200  # both FLOPs and bytes: 2 for each weight
    assert shard.flops * shards == pytest.approx(whole.flops - gate.flops + copied, rel=1e-12)
    assert shard.weight_bytes * shards == pytest.approx(whole.weight_bytes - gate.weight_bytes + copied, rel=1e-12)
    assert shard.kv_bytes * shards == pytest.approx(whole.kv_bytes * copies, rel=1e-12)
    assert shard.activation_bytes * shards == pytest.approx(whole.activation_bytes, rel=1e-12)
    assert (shard.steps, shard.sync_count, shard.sync_bytes) == (200, 0, 0)


def test_each_shard_sends_what_is_added_up_twice_less_one_part() -> None:
    phase = prefill_work(QWEN, 10)
    # 2 x 48 layers x 10 tokens x 2048 x 2 bytes = 3932160 bytes; 4 shards send 2 x 3 / 4 of it each
    assert all_reduced_bytes(phase, 4) == 4 * 1.5 * 3_932_160
    assert all_reduced_bytes(phase, 1) == 0


@pytest.mark.parametrize(
    ("model", "shards", "reason"),
    [
        (QWEN, 64, "64 shards do not divide the 32 attention heads of qwen3-30b-a3b"),
        (replace(QWEN, heads=36), 6, "6 shards neither divide nor are a multiple of the 4 KV heads of qwen3-30b-a3b"),
        (replace(QWEN, expert_ffn=767), 2, "2 shards do not divide the 767 columns of an expert of qwen3-30b-a3b"),
        (replace(QWEN, kv_heads=0), 2, "the KV heads of qwen3-30b-a3b are not in the catalog"),
        (load_models().model("llama3.1-8b"), 1, "llama3.1-8b has no experts"),
        (load_models().model("deepseek-v3-r1"), 2, "what a shard of the latent attention of deepseek-v3-r1 replicates"),
        (load_models().model("granite-4.0-h-tiny"), 2, "what a shard of the Mamba layers of granite-4.0-h-tiny"),
    ],
)
def test_a_model_that_cannot_be_divided_says_why(model: object, shards: int, reason: str) -> None:
    assert (why_not_sharded(model, shards) or "").startswith(reason)
    with pytest.raises(CostError, match=reason):
        expert_shard_work(model, Work(flops=1e15, weight_bytes=1e12), 1, shards)


def test_every_model_with_experts_has_one_shard() -> None:
    assert [why_not_sharded(each, 1) for each in load_models().models.values() if each.experts] == [None] * 7
