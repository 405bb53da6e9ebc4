"""Questions to a shared problem: what is changed, and that answers split traffic only where asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_again import again, fixed, over_s, softened, with_counts, without_calls
from placement.shared_problem import CallLimit, SharedProblem
from placement.shared_solve import SharedSolution
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared


def table(limit_s: float = 9.0) -> SharedProblem:
    """0.7 calls a second of 1 s, half of each level busy: 1.4 replicas of either level, one device of each class."""
    levels = (level("one", usd=1.0, cap=0.5), level("two", usd=1.0, cap=0.5))
    row = op("a", (0, 1.0, 0.0), (1, 1.0, 0.0))
    return shared(levels, agent(levels, chain(OpNode(0)), row, rate=0.7, sla=Sla("mean", limit_s)), counts=1)


def test_a_split_is_looked_for_where_asked() -> None:
    assert again(table(), 10.0) == "infeasible"
    found = again(table(), 10.0, splits=True)
    assert isinstance(found, SharedSolution)
    assert found.placement.routes
    assert found.evaluation.usd_per_hour == pytest.approx(2.0)


def test_no_time_is_no_answer() -> None:
    assert again(table(), 0.0) == "undecided"


def test_an_option_is_fixed_and_others_stay() -> None:
    problem = fixed(with_counts(table(), {"one": 2, "two": 2}), 0, 0, 1)
    (operator,) = problem.agents[0].problem.operators
    assert [row.pool for row in operator.options] == [1]
    found = again(problem, 10.0)
    assert isinstance(found, SharedSolution)
    assert found.placement.replicas == (0, 2)


def test_a_soft_sla_is_missed_by_what_the_plan_takes() -> None:
    problem = with_counts(table(0.5), {"one": 2, "two": 2})
    assert again(problem, 10.0) == "infeasible"
    found = again(softened(problem, 1.0), 10.0)
    assert isinstance(found, SharedSolution)
    # 1 s of service alone is half a second over; the waiting comes on top.
    assert over_s(problem, found) > 0.5


def test_limits_of_calls_are_left_out() -> None:
    load = table().agents[0]
    limited = replace(table(), agents=(replace(load, calls=(CallLimit(0, 0, 1.0),)),))
    assert without_calls(limited) == table()
