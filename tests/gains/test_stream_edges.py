"""stream-edges: speech begins with the first sentence of an answer, and a copy of it with its first part."""

import pytest

from costmodel.fleet import Fleet, Link
from orchestrator import agent, llm, model
from tests.gains.measure import (
    TOLERANCE,
    compared,
    pipeline,
    planned,
    simulated_cores,
    simulated_h100,
    stats_gain_s,
)
from tests.placement.sample_agents import described, fleet, row

PASS = "stream-edges"
ITEMS = 8


@llm(model="llama3.1-8b", tokens_in=100, tokens_out=40, max_tokens=60, stream=True, items=ITEMS)
def answer(question: str) -> str:
    return question


@model(model="kokoro-82m", audio_s=6, simulate=lambda text: f"({text})", stream=True, items=ITEMS)
def speak(text: str) -> str: ...


@model(model="kokoro-82m", audio_s=6, simulate=lambda speech: f"<{speech}>")
def listen(speech: str) -> str: ...


@agent
def speaker(question: str) -> str:
    """An answer, spoken, and what was spoken listened to on another class: three streams, each with a pool of its own.

    In one pool with a single slot the two runs would wait for each other, which a metered plan does not count.
    """
    return listen(speak(answer(question)))


@pytest.fixture
def devices() -> Fleet:
    return fleet(simulated_cores(), simulated_h100(), described("co", 0.0), links=LINKS, rows=ROWS)


CLASSES = ("xeon_8480p", "h100_sxm", "co")
LINKS = tuple(Link(one, other, None, 0.0, 0.0) for one in CLASSES for other in CLASSES if one != other)
CALL = {"tokens_in": 100.0, "tokens_out": 40.0}
ROWS = (
    row("answer.render", "xeon_8480p", 0.060, 0.0),
    row("answer.prefill", "h100_sxm", 0.080, 0.0, **CALL),
    row("answer.decode", "h100_sxm", 0.500, 0.0, **CALL),
    row("answer.parse", "xeon_8480p", 0.200, 0.0),
    row("speak.run", "h100_sxm", 0.500, 0.0),
    row("listen.run", "co", 0.400, 0.0),
)

WITHOUT_S = 0.060 + 0.080 + 0.500 + 0.200 + 0.500 + 0.400
# Of 8 items each takes 62.5 ms to write, 25 ms to parse, 62.5 ms to speak and 50 ms to listen to: the slowest has them
# without a pause, and the others once.
WITH_S = 0.060 + 0.080 + 8 * 0.0625 + 0.025 + 0.0625 + 0.050
SAVED_S = WITHOUT_S - WITH_S  # 0.9625 s


def test_stats_report_the_gain(devices: Fleet) -> None:
    assert stats_gain_s(speaker, devices, PASS) == pytest.approx(SAVED_S)


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    gain = compared(
        planned(speaker, devices, pipeline(without={PASS})), planned(speaker, devices), {"question": "what"}
    )
    assert (gain.promised_without_s, gain.promised_with_s) == pytest.approx((WITHOUT_S, WITH_S))
    assert gain.measured_s == pytest.approx(SAVED_S, rel=TOLERANCE)
