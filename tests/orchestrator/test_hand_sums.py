"""A whole agent with a branch, a fan-out and a loop: latency and cost of its plans against sums made by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.fleet import Fleet, load_fleet
from costmodel.profile import Profile
from ir.sla import Sla
from orchestrator import agent, compute, fanout, llm, loop, when
from orchestrator.pipeline import PlanRequest, PlanResult, plan_agent
from tests.placement.sample_agents import row


@compute
def split(text: str) -> list[str]:
    return text.split()


@compute
def look(word: str) -> str:
    return word


@compute
def usual(words: list[str]) -> str:
    return words[0]


@compute
def rare(words: list[str]) -> str:
    return words[-1]


@compute
def join(word: str, found: list[str]) -> int:
    return len(word) + len(found)


@llm(model="llama3.1-8b", max_tokens=50, tokens_in=100, tokens_out=20)
def improve(score: int) -> int:
    return f"more than {score}"


@agent
def everything(text: str) -> int:
    words = split(text)
    found = fanout(look, words, max=6, expect=3)
    chosen = when(words[0] == "a", lambda: usual(words), lambda: rare(words), p=0.7)
    return loop(improve, join(chosen, found), until=lambda score: score > 3, max_iters=4, expect=1.5)


CALL = {"tokens_in": 100.0, "tokens_out": 20.0}
ROWS = (
    row("split.call", "cpu", 0.010, 0.001),
    row("look.call", "cpu", 0.020, 0.002),
    row("usual.call", "cpu", 0.040, 0.004),
    row("rare.call", "cpu", 0.100, 0.010),
    row("join.call", "cpu", 0.003, 0.0003),
    row("improve.render", "cpu", 0.001, 0.0001),
    row("improve.parse", "cpu", 0.002, 0.0002),
    row("improve.prefill", "hp", 0.080, 0.08, **CALL),
    row("improve.prefill", "co", 0.130, 0.05, **CALL),
    row("improve.decode", "hp", 0.025, 0.03, **CALL),
    row("improve.decode", "co", 0.030, 0.01, **CALL),
    row("improve.kv_transfer", "hp->co", 0.010, 0.005, **CALL),
)

# The core's part. Worst: 0.010 + max(0.020, 0.040, 0.100) + 0.003 = 0.113 s. Mean: the branch takes
# 0.7 x 0.040 + 0.3 x 0.100 = 0.058 s, more than the fan-out: 0.071 s. Percentiles count both branches where 0.3 exceeds
# half the tail, which it always does: 0.113 s.
# Cost: 0.001 + 3 x 0.002 + (0.7 x 0.004 + 0.3 x 0.010) + 0.0003 = 0.0131 USD.
WORST_S, MEAN_S, COST_USD = 0.113, 0.071, 0.0131


@pytest.fixture
def devices(project: Path) -> Fleet:
    """HP, CO and cores, whose hours and links are free: what a call costs is in the rows."""
    return replace(load_fleet(project / "examples/fleets/hp-co.yaml"), profile=Profile(ROWS))


def planned(devices: Fleet, sla: Sla) -> PlanResult:
    return plan_agent(everything.trace(), devices, PlanRequest(sla=sla))


@pytest.mark.parametrize(
    ("sla", "turn_s", "turn_usd"),
    [
        # a turn all on CO: 0.001 + 0.130 + 0.030 + 0.002 s; 4 of them and the rest: 0.765 s
        (Sla("worst", 0.765), 0.163, 0.0603),
        # prefill on HP: 0.001 + 0.080 + 0.010 + 0.030 + 0.002 s for 0.0003 + 0.08 + 0.005 + 0.01 USD; 0.605 s
        (Sla("worst", 0.764), 0.123, 0.0953),
        (Sla("worst", 0.605), 0.123, 0.0953),
        # all on HP: 0.001 + 0.080 + 0.025 + 0.002 s for 0.0003 + 0.08 + 0.03 USD; 0.545 s
        (Sla("worst", 0.604), 0.108, 0.1103),
        (Sla("worst", 0.545), 0.108, 0.1103),
        # on average 1.5 turns: 0.071 + 1.5 x 0.163 = 0.3155 s, and 0.2555 s with prefill on HP
        (Sla("mean", 0.3155), 0.163, 0.0603),
        (Sla("mean", 0.3154), 0.123, 0.0953),
    ],
)
def test_latency_and_cost(devices: Fleet, sla: Sla, turn_s: float, turn_usd: float) -> None:
    plan = planned(devices, sla).plan
    assert plan is not None
    assert plan.promised.latency_worst_s == pytest.approx(WORST_S + 4 * turn_s)
    assert plan.promised.latency_mean_s == pytest.approx(MEAN_S + 1.5 * turn_s)
    assert plan.promised.cost_usd == pytest.approx(COST_USD + 1.5 * turn_usd)
    assert plan.bound_usd == pytest.approx(plan.promised.cost_usd, rel=1e-6)


def test_percentiles_take_that_quantile_of_the_turns(devices: Fleet) -> None:
    # Turns with the mean 1.5 of at most 4: each goes on with probability q, q + q^2 + q^3 + q^4 = 1.5, so q = 0.645.
    # P(turns <= 1) = 1 - q^2 = 0.58: the median is 1. P(turns <= 3) = 1 - q^4 = 0.83: the 95th percentile is 4.
    for stat, turns in (("p50", 1), ("p95", 4), ("p99", 4)):
        plan = planned(devices, Sla(stat, 10.0)).plan
        assert plan is not None
        assert plan.promised.latency_s == pytest.approx(WORST_S + turns * 0.163), stat


def test_below_the_fastest_nothing_is_promised(devices: Fleet) -> None:
    infeasible = planned(devices, Sla("worst", 0.544)).infeasible
    assert infeasible is not None
    assert (infeasible.kind, infeasible.value) == ("sla", pytest.approx(0.545))
