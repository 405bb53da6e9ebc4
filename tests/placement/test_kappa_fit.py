"""The kappa that fits a plan."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.confidence import upper_s
from placement.evaluate import score
from placement.kappa import LEAST_KAPPA, MOST_KAPPA
from placement.kappa_fit import fitted, run_s
from placement.problem import OpNode, Placement
from placement.shared_evaluate import judge_shared
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_surrogate import Aim, constants, surrogate_at
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, placed, shared, small_shared


@settings(max_examples=60, deadline=None)
@given(small_shared(), st.sampled_from([-1.0, -0.4, 0.0, 1.5]), st.data())
def test_a_run_takes_what_the_surrogate_says(problem: SharedProblem, kappa: float, data: st.DataObject) -> None:
    plan = placed(problem, data)
    if plan is None:
        return
    known = constants(problem)
    table = surrogate_at(known, [kappa] * len(problem.agents), Aim())
    for index, (prepared, placement) in enumerate(zip(table.agents, plan.agents, strict=True)):
        assert run_s(known, index, placement, kappa) == pytest.approx(score(prepared, placement).latency_s)


def one_call(sla: Sla | None) -> SharedProblem:
    levels = (level("l", cap=0.5),)
    return shared(levels, agent(levels, chain(OpNode(0)), op("a", (0, 0.5, 0.1)), sla=sla))


def test_the_mean_of_one_replica_at_its_cap_fits_a_kappa_of_nothing() -> None:
    # 1 call/s of 0.5 s, so that the one replica is at its cap of 0.5: the judge waits as the surrogate does at kappa 0.
    problem = one_call(Sla("mean", 9.0))
    plan = SharedPlacement((Placement((0,), ()),), (1,))
    verdict = judge_shared(problem, plan)
    assert fitted(constants(problem), plan.agents, verdict) == [pytest.approx(0.0, abs=0.004)]
    # With two replicas a call hardly waits, so that most of that wait is left off.
    two = SharedPlacement(plan.agents, (2,))
    (kappa,) = fitted(constants(problem), two.agents, judge_shared(problem, two))
    assert -1.0 < kappa < -0.8


def test_samples_fit_by_their_upper_confidence_limit() -> None:
    levels = (level("l", cap=0.5),)
    rows = [op(f"o{index}", (0, 0.5, 0.3)) for index in range(4)]
    each = agent(levels, chain(*map(OpNode, range(4))), *rows, rate=0.25, sla=Sla("p95", 9.0))
    problem = shared(levels, each)
    plan = SharedPlacement((Placement((0, 0, 0, 0), ()),), (1,))
    verdict = judge_shared(problem, plan, samples=2000)
    sampled = verdict.agents[0].sampled
    assert sampled is not None
    (kappa,) = fitted(constants(problem), plan.agents, verdict)
    upper = upper_s(sampled.run_s, "p95")
    assert upper > verdict.agents[0].latency_s
    assert run_s(constants(problem), 0, plan.agents[0], kappa) == pytest.approx(upper, rel=5e-3)


def test_what_no_kappa_fits_is_the_least_or_the_most() -> None:
    plan = SharedPlacement((Placement((0,), ()),), (0,))  # without a replica a call waits forever
    endless = one_call(Sla("p95", 9.0))
    assert fitted(constants(endless), plan.agents, judge_shared(endless, plan)) == [MOST_KAPPA]
    free = one_call(None)
    assert fitted(constants(free), plan.agents, judge_shared(free, plan)) == [LEAST_KAPPA]
