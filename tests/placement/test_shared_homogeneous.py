"""Fleets of one class: hand sums, and no dearer or cheaper than brute force says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.brute_force import TooManyPlacementsError
from placement.problem import DeviceCapacity, OpNode
from placement.shared_brute_force import brute_force_shared
from placement.shared_evaluate import judge_shared
from placement.shared_homogeneous import NO_TIME, SharedHomogeneous, restrict_shared, shared_homogeneous
from placement.shared_problem import SharedProblem
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared, small_shared


def rows(problem: SharedProblem, time_s: float = 30.0) -> dict[str, SharedHomogeneous]:
    return {row.device: row for row in shared_homogeneous(problem, {"cpu"}, time_s, samples=500)}


def mixed(sla_s: float = 2.0) -> SharedProblem:
    """`parse` runs on cores only, for 0.1 $/h; `answer` at 2 $/h in 1 s or at 7 $/h in 0.1 s; 2 runs/s."""
    levels = (level("core", "cpu", usd=0.1), level("slow", "old", usd=2.0), level("fast", "new", usd=7.0))
    parse = op("parse", (0, 0.001, 0.0))
    answer = op("answer", (1, 1.0, 0.0), (2, 0.1, 0.0))
    sla = Sla("mean", sla_s)
    return shared(levels, agent(levels, chain(OpNode(0), OpNode(1)), parse, answer, rate=2.0, sla=sla), counts=1)


def test_each_class_by_itself_with_as_many_devices_as_it_takes() -> None:
    found = rows(mixed())
    assert set(found) == {"old", "new"}
    # Two runs/s of 1 s at a cap of 0.9 take three: 6 $/h, though the fleet has one.
    assert found["old"].usd_per_hour == pytest.approx(6.1)
    assert (found["old"].devices, found["old"].had) == (3, 1)
    assert found["new"].usd_per_hour == pytest.approx(7.1)
    assert (found["new"].devices, found["new"].gap) == (1, 0.0)


def test_a_class_that_is_too_slow_says_by_how_much() -> None:
    row = rows(mixed(sla_s=0.5))["old"]
    assert row.usd_per_hour is None
    assert row.why.startswith("misses the SLA of agent mean: 1.")
    assert row.why.endswith("at its fastest, 500 ms is the limit")


def test_a_class_that_cannot_run_an_operator_says_which_and_why() -> None:
    problem = mixed()
    (one,) = problem.agents
    parse, answer = one.problem.operators
    answer = replace(answer, options=answer.options[1:], rejected=("old/llm/tp1: too large", "new/llm/tp9: too many"))
    operators = replace(one.problem, operators=(parse, answer))
    one = replace(one, problem=operators, services=(one.services[0], one.services[1][1:]))
    assert rows(replace(problem, agents=(one,)))["old"].why == "cannot run answer of agent (old/llm/tp1: too large)"


def test_without_time_nothing_is_claimed() -> None:
    assert {row.why for row in rows(mixed(), time_s=0.0).values()} == {NO_TIME}


@settings(max_examples=25, deadline=None)
@given(small_shared(most_agents=1, most_operators=2))
def test_a_class_is_never_cheaper_than_its_best(problem: SharedProblem) -> None:
    for row in shared_homogeneous(problem, (), 20.0, samples=200):
        if row.evaluation is None:
            continue
        only = restrict_shared(problem, lambda level, device=row.device: level.pool.device == device)
        counts = tuple(DeviceCapacity(each.device, max(each.count, row.devices)) for each in only.capacities)
        try:
            best = brute_force_shared(replace(only, capacities=counts), samples=200).best
        except TooManyPlacementsError:
            continue
        assert best is not None
        assert row.evaluation.usd_per_hour >= best[1].usd_per_hour - 1e-9
        used = {device for device, count in row.evaluation.devices_used.items() if count}
        assert used <= {row.device}
        assert row.placement is not None
        among_all = judge_shared(problem, row.placement, samples=200)
        assert among_all.usd_per_hour == pytest.approx(row.evaluation.usd_per_hour)
        assert among_all.devices_used == row.evaluation.devices_used
