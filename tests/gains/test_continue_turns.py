"""continue-turns: a react's turns compute what is new, not what earlier turns said."""

from typing import Any

import pytest

from costmodel.fleet import Fleet
from costmodel.llm import token_demand
from costmodel.models import load_models
from orchestrator import ToolCall, ToolCalls, agent, llm, react, tool
from tests.gains.measure import (
    TOLERANCE,
    compared,
    pipeline,
    planned,
    reports,
    simulated_cores,
    simulated_h100,
    stats_gain_s,
)
from tests.placement.sample_agents import fleet, row

PASS = "continue-turns"


@tool(latency="60ms", cost_usd=0, tokens_out=980)
def look_up(page: int) -> str:
    return f"page {page}"


def two_pages(question: str, messages: list[Any]) -> str | ToolCalls:
    """A page in each of two turns, then the answer: three turns, as expected."""
    read = sum(message["role"] == "tool" for message in messages)
    return ToolCalls([ToolCall("look_up", {"page": read})]) if read < 2 else "read"


@llm(model="llama3.1-8b", tokens_in=9_000, tokens_out=20, max_tokens=30, simulate=two_pages)
def consult(question: str) -> str:
    return question


@agent
def reader(question: str) -> str:
    return react(consult, [look_up], question, max_turns=4, expect=3)


@pytest.fixture
def devices() -> Fleet:
    return fleet(
        simulated_cores(),
        simulated_h100(),
        rows=(row("consult.render", "xeon_8480p", 0.060, 0.0), row("consult.parse", "xeon_8480p", 0.060, 0.0)),
    )


# An H100 computes 0.55 x 989e12 FLOPs a second. A turn adds 20 + 980 tokens: prompts of 9,000, 10,000 and 11,000, on
# average 10,000, which each of the three turns computes anew. Going on, they compute 9,000, 980 and 980 of them:
# 30,000 - 10,960 = 19,040 fewer in the layers. Pairs: 3 x 10,000 x 10,001 / 2 = 150,015,000 anew; going on
# 9,000 x 9,001 / 2 + (10,000 x 10,001 - 9,020 x 9,021) / 2 + (11,000 x 11,001 - 10,020 x 10,021) / 2 = 60,125,080
# of them, so 89,889,920 fewer, each 4 x 32 heads x 128 FLOPs in 32 layers. All are bound by compute; steps and heads
# are as many as before.
FEWER_PAIRS = 150_015_000 - (40_504_500 + 9_320_290 + 10_300_290)
SAVED_FLOPS = 19_040 * token_demand(load_models().model("llama3.1-8b")).flops + FEWER_PAIRS * 4 * 32 * 128 * 32
SAVED_S = SAVED_FLOPS / (0.55 * 989e12)


def test_stats_report_the_gain(devices: Fleet) -> None:
    assert pytest.approx(0.6, rel=0.1) == SAVED_S
    assert stats_gain_s(reader, devices, PASS) == pytest.approx(SAVED_S, rel=1e-9)


def test_what_the_plans_choose(devices: Fleet) -> None:
    anew, going_on = planned(reader, devices, pipeline(without={PASS})), planned(reader, devices)
    assert (anew.choices, going_on.choices) == ({"consult_choice": "colocated"}, {"consult_choice": "continued"})


@pytest.mark.ray
def test_the_gain_on_ray(devices: Fleet, local_ray: None) -> None:
    gain = compared(planned(reader, devices, pipeline(without={PASS})), planned(reader, devices), {"question": "why"})
    assert gain.promised_s == pytest.approx(SAVED_S, rel=1e-9)
    assert gain.measured_s == pytest.approx(SAVED_S, rel=TOLERANCE)


@pytest.mark.ray
def test_every_later_turn_finds_the_kv_of_the_turn_before(devices: Fleet, local_ray: None) -> None:
    for report in reports(planned(reader, devices), {"question": "why"}):
        turns = [report.results[f"consult_react[{turn}]/consult.prefill"] for turn in range(3)]
        assert [each["found"] for each in turns] == [None, turns[0]["kv"], turns[1]["kv"]]
