"""overlap-transfer: over a slow link most of the KV travels while prefill still computes."""

import pytest

from costmodel.fleet import Fleet, Link
from orchestrator import agent, llm
from tests.gains.measure import TOLERANCE, compared, pipeline, planned, simulated_cores, simulated_h100, stats_gain_s
from tests.placement.sample_agents import described, fleet, row

PASS = "overlap-transfer"


@llm(model="llama3.1-8b", tokens_in=4000, tokens_out=50, max_tokens=60)
def answer(question: str) -> str:
    return question


@agent
def asker(question: str) -> str:
    return answer(question)


@pytest.fixture
def devices() -> Fleet:
    """Prefill only on one class and decode only on the other, so that the KV must travel."""
    return fleet(
        simulated_cores(),
        simulated_h100(),
        described("co", 0.0),
        links=(
            Link("h100_sxm", "co", 1.0e9, 0.002, 0.0),
            *(Link(a, b, None, 0.0, 0.0) for a, b in PAIRS),
        ),
        rows=ROWS,
    )


PAIRS = [("xeon_8480p", "h100_sxm"), ("h100_sxm", "xeon_8480p"), ("xeon_8480p", "co"), ("co", "xeon_8480p")]
CALL = {"tokens_in": 4000.0, "tokens_out": 50.0}
ROWS = (
    row("answer.prefill", "h100_sxm", 0.400, 0.0, **CALL),
    row("answer.decode", "co", 0.300, 0.0, **CALL),
    row("answer.render", "xeon_8480p", 0.060, 0.0),
    row("answer.parse", "xeon_8480p", 0.060, 0.0),
)

# KV of llama3.1-8b: 32 layers x 8 heads x 128 x 2 (K and V) x 2 bytes = 131,072 bytes a token, 524.288 MB of 4000.
# Over 1 GB/s that takes 0.524288 s, and 2 ms of latency: 0.526288 s after prefill. Layer by layer, a prefill of
# 0.400 s hides 31/32 of itself: 0.002 + max(0.524288 / 32, 0.524288 - 0.400 x 31/32) = 0.002 + 0.136788 s.
KV_S = 32 * 8 * 128 * 2 * 2 * 4000 / 1e9
WITHOUT_S = 0.060 + 0.400 + 0.002 + KV_S + 0.300 + 0.060
SAVED_S = 0.400 * 31 / 32  # 0.3875 s


def test_stats_report_the_gain(devices: Fleet) -> None:
    assert stats_gain_s(asker, devices, PASS) == pytest.approx(SAVED_S)


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    gain = compared(planned(asker, devices, pipeline(without={PASS})), planned(asker, devices), {"question": "what"})
    assert (gain.promised_without_s, gain.promised_with_s) == pytest.approx((WITHOUT_S, WITHOUT_S - SAVED_S))
    assert gain.measured_s == pytest.approx(SAVED_S, rel=TOLERANCE)
