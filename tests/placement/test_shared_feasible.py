"""Any plan or none, against brute force."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_brute_force import brute_force_shared
from placement.shared_feasible import feasibility
from placement.shared_problem import SharedProblem
from placement.shared_solve import SharedUndecidedError
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared, small_shared

SAMPLES = 200


def limited(limit_s: float) -> SharedProblem:
    """0.4 s a run, at most 0.9 of a slot busy."""
    levels = (level("slow"),)
    return shared(levels, agent(levels, chain(OpNode(0)), op("a", (0, 0.4, 0.0)), rate=1.0, sla=Sla("mean", limit_s)))


def test_a_plan_and_a_proof_that_there_is_none() -> None:
    found = feasibility(limited(2.0), time.monotonic() + 10.0)
    assert found.plan is not None
    assert found.plan.replicas == (1,)
    none = feasibility(limited(0.3), time.monotonic() + 10.0)
    assert (none.plan, none.verdict, none.is_proven) == (None, None, True)


def test_a_plan_that_the_judge_refuses_is_no_proof() -> None:
    # A slot that is busy 0.4 of the time waits 0.4 / 0.6 * 0.4 / 2 = 0.13 s, and replicas are as few as can be.
    none = feasibility(limited(0.45), time.monotonic() + 10.0)
    assert (none.plan, none.is_proven) == (None, False)


def test_without_time_nothing_is_known() -> None:
    with pytest.raises(SharedUndecidedError, match="time ran out"):
        feasibility(limited(2.0), time.monotonic())


@settings(max_examples=40, deadline=None)
@given(small_shared())
def test_plans_hold_and_proofs_agree_with_brute_force(problem: SharedProblem) -> None:
    found = feasibility(problem, time.monotonic() + 30.0, samples=SAMPLES)
    if found.verdict is not None:
        assert found.verdict.feasible
        return
    best = brute_force_shared(problem).best
    if found.is_proven and best is not None:
        # The surrogate's proof speaks of times without waiting and of the fewest replicas that keep every cap; a
        # quantile below the mean is all that can still hold.
        assert any(each.problem.sla is not None and each.problem.sla.stat == "p50" for each in problem.agents)
