"""decompose-llm: prefill and decode apart, each on the device that is fast at it, against both on one device."""

import pytest

from costmodel.fleet import Fleet, Link
from orchestrator import agent, llm
from tests.gains.measure import TOLERANCE, compared, planned, simulated_cores, stats_gain_s
from tests.placement.sample_agents import described, fleet, row

CALL = {"tokens_in": 1000.0, "tokens_out": 100.0}
ROWS = (
    row("answer.render", "xeon_8480p", 0.050, 0.0),
    row("answer.parse", "xeon_8480p", 0.050, 0.0),
    row("answer.prefill", "hp", 0.200, 0.02, **CALL),
    row("answer.prefill", "co", 0.700, 0.05, **CALL),
    row("answer.decode", "hp", 0.600, 0.06, **CALL),
    row("answer.decode", "co", 0.300, 0.01, **CALL),
    row("answer.kv_transfer", "hp->co", 0.080, 0.005, **CALL),
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


def test_stats_report_the_gain(devices: Fleet) -> None:
    # before the pass the cheapest place for both: 1.100 s on CO; after it 0.680 s apart, as below
    assert stats_gain_s(asker, devices, "decompose-llm") == pytest.approx(0.420)


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    together = planned(asker, devices, without_alternatives={"disaggregated"})
    apart = planned(asker, devices)
    assert set(apart.choices.values()) == {"disaggregated"}
    gain = compared(together, apart, {"question": "what"})
    # Together on CO for 0.06 USD (on HP: 0.08): 0.050 + 0.700 + 0.300 + 0.050 s. Apart for 0.035 USD, with the KV's
    # way: 0.050 + 0.200 + 0.080 + 0.300 + 0.050 s. Saved: 0.700 - 0.200 - 0.080 s.
    assert (gain.promised_without_s, gain.promised_with_s) == pytest.approx((1.100, 0.680))
    assert gain.measured_s == pytest.approx(0.420, rel=TOLERANCE)
