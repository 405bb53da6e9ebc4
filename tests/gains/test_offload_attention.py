"""offload-attention: decode's attention on a device with cheap memory, its linear layers on a fast one."""

import pytest

from costmodel.fleet import Fleet, Link
from orchestrator import agent, llm
from tests.gains.measure import TOLERANCE, compared, pipeline, planned, simulated_cores, stats_gain_s
from tests.placement.sample_agents import described, fleet, row

CALL = {"tokens_in": 1000.0, "tokens_out": 100.0}
ROWS = (
    row("answer.render", "xeon_8480p", 0.050, 0.0),
    row("answer.parse", "xeon_8480p", 0.050, 0.0),
    row("answer.prefill", "hp", 0.200, 0.020, **CALL),
    row("answer.prefill", "co", 0.900, 0.010, **CALL),
    row("answer.decode", "hp", 0.900, 0.090, **CALL),
    row("answer.decode", "co", 0.700, 0.060, **CALL),
    row("answer.decode_attention", "co", 0.250, 0.005, **CALL),
    row("answer.decode_linear", "hp", 0.300, 0.030, **CALL),
    row("answer.kv_transfer", "hp->co", 0.080, 0.002, **CALL),
    row("answer.activations", "co->hp", 0.150, 0.001, **CALL),
)


@llm(model="llama3.1-8b", tokens_in=1000, tokens_out=100, max_tokens=100)
def answer(question: str) -> str:
    return question


@agent
def asker(question: str) -> str:
    return answer(question)


@pytest.fixture
def devices() -> Fleet:
    ends = [("xeon_8480p", "hp"), ("xeon_8480p", "co"), ("hp", "xeon_8480p"), ("co", "xeon_8480p")]
    links = tuple(Link(source, target, None, 0.0, 0.0) for source, target in ends)
    return fleet(simulated_cores(), described("hp", 0.0), described("co", 0.0), links=links, rows=ROWS)


def test_the_gain_of_the_plan_and_of_stats(devices: Fleet) -> None:
    whole, halves = planned(asker, devices, pipeline(without={"offload-attention"})), planned(asker, devices)
    # Whole: all on CO for 0.010 + 0.060 = 0.070 USD (HP 0.110, HP to CO 0.020 + 0.002 + 0.060 = 0.082) in
    # 0.050 + 0.900 + 0.700 + 0.050 s. In halves: 0.020 + 0.002 + 0.005 + 0.001 + 0.030 = 0.058 USD in
    # 0.050 + 0.200 + 0.080 + 0.250 + 0.150 + 0.300 + 0.050 s.
    assert list(whole.choices.values()) == ["colocated"]
    assert list(halves.choices.values()) == ["attention_offload"]
    assert (whole.promised.cost_usd, halves.promised.cost_usd) == pytest.approx((0.070, 0.058))
    assert (whole.promised.latency_mean_s, halves.promised.latency_mean_s) == pytest.approx((1.700, 1.080))
    assert stats_gain_s(asker, devices, "offload-attention") == pytest.approx(0.620)


def test_what_the_plan_says_of_the_halves(devices: Fleet) -> None:
    plan = planned(asker, devices)
    routes = {each.id: each.routes[0].pool for each in plan.operators if each.model}
    assert routes == {
        "answer.prefill": "hp/llama3.1-8b/tp1/fp16",
        "answer.decode_attention": "co/llama3.1-8b/tp1/fp16/attention",
        "answer.decode_linear": "hp/llama3.1-8b/tp1/fp16",  # the weights are there already
    }
    assert {pool.id: pool.phase for pool in plan.pools if pool.model} == {
        "hp/llama3.1-8b/tp1/fp16": None,
        "co/llama3.1-8b/tp1/fp16/attention": "decode_attention",
    }
    moves = {(each.src, each.dst): (each.kind, each.size_bytes) for each in plan.transfers}
    assert moves == {
        ("answer.prefill", "answer.decode_attention"): ("kv", 1000 * 131_072),
        ("answer.decode_attention", "answer.decode_linear"): ("activations", 100 * 655_360),
    }


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    whole, halves = planned(asker, devices, pipeline(without={"offload-attention"})), planned(asker, devices)
    gain = compared(whole, halves, {"question": "what"})
    # Saved, as above: 0.900 + 0.700 - 0.200 - 0.080 - 0.250 - 0.150 - 0.300 s.
    assert gain.promised_s == pytest.approx(0.620)
    assert gain.measured_s == pytest.approx(0.620, rel=TOLERANCE)
