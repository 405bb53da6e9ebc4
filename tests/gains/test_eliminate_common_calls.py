"""eliminate-common-calls: what was looked up before a loop is not looked up again in each of its turns."""

import pytest

from costmodel.fleet import Fleet
from orchestrator import agent, compute, loop, memory
from tests.gains.measure import TOLERANCE, compared, pipeline, planned, simulated_cores, stats_gain_s
from tests.placement.sample_agents import fleet

PASS = "eliminate-common-calls"


@memory(latency="200ms", cost_usd=0)
def recall(question: str) -> str:
    return f"about {question}"


@compute(latency="100ms", cost_usd=0)
def revise(draft: str, found: str) -> str:
    return f"{draft}+"


@agent
def reviser(question: str) -> str:
    return loop(
        lambda draft: revise(draft, recall(question)),
        recall(question),
        until=lambda draft: False,
        max_iters=3,
        expect=3,
    )


@pytest.fixture
def devices() -> Fleet:
    return fleet(simulated_cores())


# Before: 0.200 s, then 3 turns of 0.200 + 0.100 s; after: 0.200 s, then 3 turns of 0.100 s. Saved: 3 x 0.200 s.
SAVED_S = 0.600


def test_stats_report_the_gain(devices: Fleet) -> None:
    assert stats_gain_s(reviser, devices, PASS) == pytest.approx(SAVED_S)


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    gain = compared(
        planned(reviser, devices, pipeline(without={PASS})), planned(reviser, devices), {"question": "what"}
    )
    assert (gain.promised_without_s, gain.promised_with_s) == pytest.approx((1.100, 0.500))
    assert gain.measured_s == pytest.approx(SAVED_S, rel=TOLERANCE)
