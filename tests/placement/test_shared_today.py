"""Today's placement of a load: hand sums, stated replicas, and rules that contradict each other."""

from __future__ import annotations

import math

import pytest

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_evaluate import judge_shared
from placement.shared_problem import SharedProblem
from placement.shared_solve import SAMPLES
from placement.shared_today import AgreedShared, shared_today_of
from placement.today import Rule, Today, TodayError
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared

NAMES = [["a"], ["a"]]


def table(counts: int = 100) -> SharedProblem:
    """Two agents with 0.2 calls a second each, of 1 s at $1 an hour or 0.2 s at $3; half of each level may be busy."""
    levels = (level("slow", usd=1.0, cap=0.5), level("fast", usd=3.0, cap=0.5), level("slow/u0.9", "slow", cap=0.9))
    row = op("a", (0, 1.0, 0.0), (1, 0.2, 0.0), (2, 1.0, 0.0))
    agents = (
        agent(levels, chain(OpNode(0)), row, rate=0.2, sla=Sla("mean", 3.0), name=name) for name in ("one", "two")
    )
    return shared(levels, *agents, counts=counts)


def agreed(written: Today, counts: int = 100) -> AgreedShared:
    return shared_today_of(table(counts), written, NAMES, 30.0)


def today(place: str, replicas: int | None = None, **agents: tuple[str, int | None]) -> Today:
    own = {name: (Rule("a", where, count, "f:2"),) for name, (where, count) in agents.items()}
    return Today("today", (Rule("a", place, replicas, "f:1"),), own)


def test_everything_on_the_fast_level() -> None:
    found = agreed(today("fast"))
    # 0.4 calls a second of 0.2 s keep 8 % of one replica busy: $3 an hour.
    assert found.evaluation.usd_per_hour == pytest.approx(3.0)
    assert found.placement.replicas == (0, 1, 0)
    assert (found.evaluation.feasible, found.unsaid) == (True, ())
    judged = judge_shared(table(), found.placement, samples=SAMPLES)
    assert [each.latency_s for each in found.evaluation.agents] == [each.latency_s for each in judged.agents]


def test_stated_replicas_are_taken_and_the_largest_cap() -> None:
    found = agreed(today("slow*", 2))
    # Of the two slow levels the one that may be 90 % busy.
    assert found.placement.replicas == (0, 0, 2)
    assert found.evaluation.levels[2].utilisation == pytest.approx(0.2)


def test_too_few_replicas_are_judged_as_they_are() -> None:
    # 0.4 calls a second of 1 s on one replica: 40 % busy, under the cap; M/D/1 waits 0.4 / 1.2 = 0.333 s.
    found = agreed(today("slow", 1))
    assert found.evaluation.agents[0].latency_mean_s == pytest.approx(1.0 + 0.4 / 1.2, rel=0.01)


def test_an_agents_own_rule_and_what_is_not_said() -> None:
    found = shared_today_of(table(), Today("t", (), {"one": (Rule("a", "fast", None, "f:1"),)}), NAMES, 30.0)
    assert found.placement.agents[0].option == (1,)
    assert found.unsaid == ("two.a",)


def test_devices_that_are_not_there() -> None:
    found = agreed(today("slow", 150, two=("fast", None)), counts=100)
    assert [(each.kind, each.what) for each in found.evaluation.violations] == [("capacity", "slow")]
    assert math.isfinite(found.evaluation.agents[0].latency_s)


def test_two_counts_for_one_pool_are_refused() -> None:
    with pytest.raises(TodayError, match=r"f:1: slow/u0\.9 has 2 replicas here and 3 at f:2; state one count"):
        agreed(today("slow", 2, one=("slow", 3)))


def test_a_place_that_is_nowhere_names_the_others() -> None:
    with pytest.raises(TodayError, match="'a' of one cannot run on 'h100_sxm'; use slow, fast"):
        agreed(today("h100_sxm"))
