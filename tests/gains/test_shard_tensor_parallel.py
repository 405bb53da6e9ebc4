"""Tensor parallelism, which is a row of the options table: two devices share a model, and pay for the all-reduces."""

import pytest

from costmodel.fleet import Fleet, Link
from ir.pass_list import read_passes, run_listed
from ir.pipeline import run_passes
from ir.sla import Sla
from orchestrator import agent, llm
from orchestrator.commands.ir_stats import StageRow, changes, stage_row
from orchestrator.to_ir import to_ir
from tests.gains.measure import (
    TOLERANCE,
    compared,
    drop_alternatives,
    planned,
    simulated_cores,
    simulated_h100,
)
from tests.placement.sample_agents import fleet, row

TOKENS_IN, TOKENS_OUT = 2000, 200


@llm(model="llama3.1-8b", tokens_in=TOKENS_IN, tokens_out=TOKENS_OUT, max_tokens=TOKENS_OUT)
def answer(question: str) -> str:
    return question


@agent
def asker(question: str) -> str:
    return answer(question)


@llm(model="qwen3-30b-a3b", tokens_in=900, tokens_out=200, max_tokens=256)
def expert_answer(question: str) -> str:
    return question


@agent
def expert_asker(question: str) -> str:
    return expert_answer(question)


ROWS = (row("answer.render", "xeon_8480p", 0.050, 0.0), row("answer.parse", "xeon_8480p", 0.050, 0.0))
HOST_S = 0.050 + 0.050

# llama3.1-8b in fp16: 32 layers, hidden 4096, 32 heads of 128, FFN 14336, vocabulary 128256; 7.5e9 weights that a token
# meets, KV of 131,072 bytes a token, activations of 2 x 32 x 4 x (4096 + 14336) bytes a token, two all-reduces of
# 4096 values a layer.
LAYERS, HIDDEN, WEIGHTS, KV_BYTES = 32, 4096, 7.5e9, 131072
HEAD_WEIGHTS = HIDDEN * 128256
ACTIVATION_BYTES = 2 * LAYERS * 4 * (HIDDEN + 14336)
PAIR_FLOPS = 4 * LAYERS * 32 * 128
SYNCS, SYNC_BYTES = 2 * LAYERS, 2 * LAYERS * HIDDEN * 2
# H100 SXM: 55% of 989e12 FLOP/s, 75% of 3.35e12 bytes/s; to its peer 450e9 bytes/s and 1.5 us. An engine's step: 5 ms.
FLOPS_PER_S, BYTES_PER_S, PEER_BYTES_PER_S, PEER_S, STEP_S = 0.55 * 989e12, 0.75 * 3.35e12, 450e9, 1.5e-6, 0.005

# Prefill is bound by arithmetic: every weight but the output head's meets each token, the head the last one, and
# attention looks at n (n + 1) / 2 pairs. 2000 x 2 x 6.975e9 + 2 x 0.525e9 + 2001000 x 524288 = 2.895e13 FLOP: 53.2 ms.
PREFILL_S = (
    TOKENS_IN * 2 * (WEIGHTS - HEAD_WEIGHTS) + 2 * HEAD_WEIGHTS + TOKENS_IN * (TOKENS_IN + 1) / 2 * PAIR_FLOPS
) / FLOPS_PER_S
# Decode is bound by memory: each of 200 steps reads the weights and the KV of 2000, 2001, ..., 2199 tokens, and writes
# a token's: 200 x (15.0e9 + 131072 + 4718592) + 419900 x 131072 = 3.056e12 bytes: 1.2163 s.
CONTEXTS = TOKENS_OUT * TOKENS_IN + TOKENS_OUT * (TOKENS_OUT - 1) / 2
DECODE_S = (TOKENS_OUT * (2 * WEIGHTS + KV_BYTES + ACTIVATION_BYTES) + CONTEXTS * KV_BYTES) / BYTES_PER_S
# A ring all-reduce over 2 devices sends 2 (2 - 1) / 2 = 1 times its bytes and waits twice for the link. 1 + 200 steps
# of 64, for 2000 + 200 tokens of 524,288 bytes: 201 x 64 x 2 x 1.5 us + 2200 x 524288 / 450e9 = 38.6 + 2.6 ms.
ALL_REDUCES_S = (1 + TOKENS_OUT) * SYNCS * 2 * PEER_S + (TOKENS_IN + TOKENS_OUT) * SYNC_BYTES / PEER_BYTES_PER_S

ALONE_S = HOST_S + (1 + TOKENS_OUT) * STEP_S + PREFILL_S + DECODE_S  # 2.3745 s
SHARED_S = HOST_S + (1 + TOKENS_OUT) * STEP_S + (PREFILL_S + DECODE_S) / 2 + ALL_REDUCES_S  # 1.7809 s
SAVED_S = (PREFILL_S + DECODE_S) / 2 - ALL_REDUCES_S  # 0.5936 s


@pytest.fixture
def devices() -> Fleet:
    host = [("xeon_8480p", "h100_sxm"), ("h100_sxm", "xeon_8480p")]
    links = tuple(Link(source, target, None, 0.0, 0.0) for source, target in host)
    return fleet(simulated_cores(), simulated_h100(2), links=links, rows=ROWS)


def changed(shards: int, without_alternatives: tuple[str, ...]) -> dict[str, float]:
    """What `orchestrator ir --stats` says that the pass changed, of a call that keeps only its other alternatives."""
    module, rows = to_ir(expert_asker.trace()), list[StageRow]()
    run_listed(module, read_passes("decompose-llm,decompose-moe"))
    drop_alternatives(module, without_alternatives)
    listed = read_passes(f"shard-tensor-parallel{{shards={shards}}}")
    run_listed(module, listed, lambda stage, now: rows.append(stage_row(stage, now, None, None)))
    (change,) = changes(rows)
    return dict(change.amounts)


@pytest.mark.parametrize(("shards", "kv_copied"), [(2, 0), (8, 1)])
def test_stats_report_what_the_pass_adds(shards: int, kv_copied: int) -> None:
    # qwen3-30b-a3b, 900 tokens in and 200 out: 48 routers of 2048 x 128 weights on each shard more; 8 shards have each
    # of 4 KV heads of 128 twice, with 48 x 2 x 2048 x 4 x 128 weights and 98304 bytes a token. 2 FLOPs for a weight and
    # token; 2 bytes for a weight and step, of which prefill has 1 and decode 200.
    copied = (shards - 1) * 48 * 2048 * 128 + kv_copied * 2 * 48 * 2048 * 4 * 128
    # Each of two phases has a gate, experts and a merge for each shard more, and an all-reduce, which no device runs.
    expected = {
        "ops": 2 * (3 * (shards - 1) + 1),
        "dispatches": 2 * (3 * (shards - 1) - 1 + 1),
        "flops": 2 * (900 + 200) * copied,
        "weight_bytes": 2 * (1 + 200) * copied,
        # written in prefill, and read in step i of 200 with those of i tokens more: 900 x 200 + 199 x 200 / 2 tokens
        "kv_bytes": kv_copied * (900 + 199_900) * 98_304,
        # two sums of 2048 values of 2 bytes a layer and token, which a ring sends 2 (n - 1) times
        "moved_bytes": 2 * (shards - 1) * (900 + 200) * 2 * 48 * 2048 * 2,
    }
    found = changed(shards, ("colocated", "disaggregated"))
    assert found == pytest.approx({name: amount for name, amount in expected.items() if amount})


def test_stats_count_the_first_alternative_so_that_of_the_last_only_operations_show() -> None:
    assert changed(2, ()) == {"ops": 8}


def test_the_best_placement_of_stats_is_over_two_devices_where_the_limit_asks_for_it(devices: Fleet) -> None:
    module = run_passes(to_ir(asker.trace()))
    alone, shared = (stage_row("", module, devices, sla).best for sla in (None, Sla("worst", 2.0)))
    assert alone is not None
    assert shared is not None
    assert alone.latency_mean_s - shared.latency_mean_s == pytest.approx(SAVED_S)


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    alone = planned(asker, devices)
    shared = planned(asker, devices, sla=Sla("worst", 2.0))
    assert [max(pool.tp for pool in plan.pools) for plan in (alone, shared)] == [1, 2]
    gain = compared(alone, shared, {"question": "what"})
    assert (gain.promised_without_s, gain.promised_with_s) == pytest.approx((ALONE_S, SHARED_S))
    assert gain.measured_s == pytest.approx(SAVED_S, rel=TOLERANCE)
