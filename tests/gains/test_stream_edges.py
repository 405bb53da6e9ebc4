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
ITEMS = 4


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
    row("answer.decode", "h100_sxm", 0.400, 0.0, **CALL),
    row("answer.parse", "xeon_8480p", 0.040, 0.0),
    row("speak.run", "h100_sxm", 0.480, 0.0),
    row("listen.run", "co", 0.240, 0.0),
)

WITHOUT_S = 0.060 + 0.080 + 0.400 + 0.040 + 0.480 + 0.240
# Of 4 items each takes 0.1 s to write, 0.01 s to parse, 0.12 s to speak and 0.06 s to listen to: the slowest, speech,
# has them without a pause, and the others once.
WITH_S = 0.060 + 0.080 + 0.100 + 0.010 + 4 * 0.120 + 0.060
SAVED_S = WITHOUT_S - WITH_S  # 0.51 s


def test_stats_report_the_gain(devices: Fleet) -> None:
    assert stats_gain_s(speaker, devices, PASS) == pytest.approx(SAVED_S)


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    gain = compared(
        planned(speaker, devices, pipeline(without={PASS})), planned(speaker, devices), {"question": "what"}
    )
    assert (gain.promised_without_s, gain.promised_with_s) == pytest.approx((WITHOUT_S, WITH_S))
    assert gain.measured_s == pytest.approx(SAVED_S, rel=TOLERANCE)
