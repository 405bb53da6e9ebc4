"""Tensor parallelism, which is a row of the options table: two devices share a model, and pay for the all-reduces."""

import pytest

from costmodel.fleet import Fleet, Link
from ir.sla import Sla
from orchestrator import agent, llm
from tests.gains.measure import TOLERANCE, compared, planned, simulated_cores, simulated_h100
from tests.placement.sample_agents import fleet, row

TOKENS_IN, TOKENS_OUT = 2000, 200


@llm(model="llama3.1-8b", tokens_in=TOKENS_IN, tokens_out=TOKENS_OUT, max_tokens=TOKENS_OUT)
def answer(question: str) -> str:
    return question


@agent
def asker(question: str) -> str:
    return answer(question)


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


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    alone = planned(asker, devices)
    shared = planned(asker, devices, sla=Sla("worst", 2.0))
    assert [max(pool.tp for pool in plan.pools) for plan in (alone, shared)] == [1, 2]
    gain = compared(alone, shared, {"question": "what"})
    assert (gain.promised_without_s, gain.promised_with_s) == pytest.approx((ALONE_S, SHARED_S))
    assert gain.measured_s == pytest.approx(SAVED_S, rel=TOLERANCE)
