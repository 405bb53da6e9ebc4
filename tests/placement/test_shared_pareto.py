"""Fronts of loads: hand sums, against brute force, and what has no front."""

from __future__ import annotations

import pytest

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_brute_force import brute_force_shared
from placement.shared_pareto import SharedFront, shared_pareto, within
from placement.shared_problem import SharedProblem
from placement.shared_solve import Effort, SharedUndecidedError
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared

QUICK = Effort(gap=0.0, samples=0)


def three(*, other_s: float | None = None) -> SharedProblem:
    """`a` at 1, 3 or 9 $/h in 1, 0.4 or 0.1 s, 0.1 runs/s; `other` runs at the first level in 1 s."""
    levels = (level("slow", "x", usd=1.0), level("brisk", "y", usd=3.0), level("fast", "z", usd=9.0))
    row = op("a", (0, 1.0, 0.0), (1, 0.4, 0.0), (2, 0.1, 0.0))
    one = agent(levels, chain(OpNode(0)), row, rate=0.1, sla=Sla("mean", 1.5), name="rag")
    if other_s is None:
        return shared(levels, one, counts=2)
    sla = Sla("mean", other_s)
    other = agent(levels, chain(OpNode(0)), op("b", (0, 1.0, 0.0)), rate=0.1, sla=sla, name="batch")
    return shared(levels, one, other, counts=2)


def front(problem: SharedProblem, *agents: str) -> SharedFront:
    return shared_pareto(problem, agents or ("rag",), 60.0, points=12, effort=QUICK)


def test_each_level_is_a_point() -> None:
    found = front(three())
    assert found.is_complete
    assert [point.evaluation.usd_per_hour for point in found.points] == [9.0, 3.0, 1.0]
    # 0.1 s busy a hundredth of the time waits 0.01 / 0.99 * 0.1 / 2 s, over 1.5 s.
    assert found.points[0].share == pytest.approx((0.1 + 0.01 / 0.99 * 0.1 / 2) / 1.5)
    assert {point.slowest for point in found.points} == {"rag"}
    assert [point.gap for point in found.points] == pytest.approx([0.0] * 3, abs=1e-9)


def test_every_point_is_the_cheapest_within_its_latency() -> None:
    problem = three(other_s=3.0)
    found = front(problem)
    assert len(found.points) >= 3
    for point in found.points:
        assert not [limit for limit in point.evaluation.violations if limit.kind != "sla"]
        best = brute_force_shared(within(problem, ["rag"], point.share * (1 + 1e-9))).best
        assert best is not None
        assert point.evaluation.usd_per_hour == pytest.approx(best[1].usd_per_hour)


def test_other_agents_keep_their_limits_and_the_slowest_may_be_any() -> None:
    problem = three(other_s=1.2)
    alone = front(problem, "rag")
    assert all(point.evaluation.agents[1].latency_s <= 1.2 for point in alone.points)
    together = front(problem, "rag", "batch")
    assert together.agents == ("batch", "rag")
    assert together.points[0].slowest == "batch", "1 s of 1.2 s cannot be less"


def test_without_an_sla_or_time_there_is_no_front() -> None:
    with pytest.raises(ValueError, match="none of nobody has an SLA"):
        shared_pareto(three(), ["nobody"], 1.0)
    with pytest.raises(SharedUndecidedError, match="no plan for a front found in 0 s"):
        shared_pareto(three(), ["rag"], 0.0)
