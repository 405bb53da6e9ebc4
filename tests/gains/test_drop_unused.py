"""drop-unused: a call whose value nobody reads takes its time no more."""

import pytest

from costmodel.fleet import Fleet
from orchestrator import agent, compute
from tests.gains.measure import TOLERANCE, compared, pipeline, planned, simulated_cores, stats_gain_s
from tests.placement.sample_agents import fleet


@compute(latency="250ms", cost_usd=0)
def draft(text: str) -> str:
    return text


@compute(latency="400ms", cost_usd=0)
def proofread(text: str) -> str:
    return text


@agent
def hasty(text: str) -> str:
    written = draft(text)
    proofread(written)
    return written


@pytest.fixture
def devices() -> Fleet:
    return fleet(simulated_cores())


def test_stats_report_the_gain(devices: Fleet) -> None:
    # 0.250 + 0.400 s before, 0.250 s after
    assert stats_gain_s(hasty, devices, "drop-unused") == pytest.approx(0.400)


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    gain = compared(planned(hasty, devices, pipeline(without={"drop-unused"})), planned(hasty, devices), {"text": "so"})
    # 0.250 + 0.400 s of which nobody reads the second
    assert (gain.promised_without_s, gain.promised_with_s) == pytest.approx((0.650, 0.250))
    assert gain.measured_s == pytest.approx(0.400, rel=TOLERANCE)
