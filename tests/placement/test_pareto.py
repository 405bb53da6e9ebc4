"""The front against brute force and against the hand sums of the worked example."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.brute_force import brute_force
from placement.infeasible import InfeasibleError
from placement.pareto import pareto
from placement.problem import OpNode, Problem
from tests.placement.problems import chain, operator, pool, problem, small_problems, worked_example


def test_the_front_of_the_worked_example() -> None:
    # All on HP 0.11 in 105 ms; split 0.08 + 0.005 + 0.01 = 0.095 in 120 ms; all on CO 0.06 in 160 ms.
    front = pareto(worked_example(0.120))
    assert (front.stat, front.is_complete) == ("worst", True)
    assert [point.evaluation.cost_usd for point in front.points] == pytest.approx([0.11, 0.095, 0.06])
    assert [point.evaluation.latency_s for point in front.points] == pytest.approx([0.105, 0.120, 0.160])
    assert [point.gap for point in front.points] == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)


def test_of_equally_cheap_plans_the_fastest_stands() -> None:
    # On the cheap pool 2 s and 3 s cost the same.
    table = problem(
        (operator("a", (0, 1.0, 5.0), (1, 3.0, 1.0), (2, 2.0, 1.0)),), chain(OpNode(0)), pools=tuple(map(pool, "xyz"))
    )
    assert [(each.evaluation.latency_s, each.evaluation.cost_usd) for each in pareto(table).points] == [
        (1.0, 5.0),
        (2.0, 1.0),
    ]


def test_one_plan_that_is_best_in_both_is_the_whole_front() -> None:
    table = problem((operator("a", (0, 1.0, 1.0), (1, 3.0, 2.0)),), chain(OpNode(0)), pools=(pool("x"), pool("y")))
    assert len(pareto(table).points) == 1


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_points_are_those_of_brute_force_and_none_is_dominated(table: Problem) -> None:
    hard = replace(table, penalty_usd_per_s=None)
    stat = table.sla.stat if table.sla else "worst"
    if brute_force(replace(hard, sla=None)).best is None:
        with pytest.raises(InfeasibleError):
            pareto(table)
        return
    points = pareto(table).points
    for point in points:
        assert not point.evaluation.violations
        best = brute_force(replace(hard, sla=Sla(stat, max(point.evaluation.latency_s, 1e-12)))).best
        assert best is not None
        assert best[1].cost_usd == pytest.approx(point.evaluation.cost_usd, rel=1e-6)
        below = point.evaluation.latency_s * (1 - 1e-5)
        faster = brute_force(replace(hard, sla=Sla(stat, below))).best if below > 0 else None
        assert faster is None or faster[1].cost_usd > point.evaluation.cost_usd * (1 + 1e-7)
    for one, other in pairwise(points):
        assert one.evaluation.latency_s < other.evaluation.latency_s
        assert one.evaluation.cost_usd > other.evaluation.cost_usd
