"""Plans near a running one: from the kappa that fits it, over what the judge refuses."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement import shared_fixed
from placement.confidence import surely_hold
from placement.kappa import MOST_KAPPA
from placement.problem import OpNode
from placement.replan_near import solve_near
from placement.shared_evaluate import SharedEvaluation, judge_shared
from placement.shared_limits import Limit
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_solve import Effort, SharedInfeasibleError, solve_shared
from placement.shared_surrogate import constants
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared, small_shared

QUICK = Effort(time_limit_s=5.0, samples=500)
LEVELS = (level("slow", usd=1.0), level("fast", usd=3.0))


def two_speeds(limit_s: float) -> SharedProblem:
    """A call of 0.5 s for a dollar or of 0.1 s for three, once a second."""
    rows = op("a", (0, 0.5, 0.2), (1, 0.1, 0.04))
    return shared(LEVELS, agent(LEVELS, chain(OpNode(0)), rows, sla=Sla("p95", limit_s)))


@settings(max_examples=40, deadline=None)
@given(small_shared(), st.sampled_from([-1.0, -0.3, 0.5, 3.0]))
def test_the_answer_is_one_that_the_judge_accepts(problem: SharedProblem, kappa: float) -> None:
    found = solve_near(
        constants(problem), [kappa] * len(problem.agents), lambda plan: judge_shared(problem, plan, samples=500), QUICK
    )
    if found is None:
        return
    assert found.evaluation.feasible
    assert all(surely_hold(problem, found.evaluation))
    assert found.evaluation.objective_usd_per_hour == pytest.approx(found.objective, abs=1e-9)
    assert found.bound <= found.objective


def test_a_kappa_that_is_out_of_reach_comes_down_and_one_that_is_refused_goes_up() -> None:
    problem = two_speeds(0.6)

    def judge(plan: SharedPlacement) -> SharedEvaluation:
        return judge_shared(problem, plan, samples=500)

    # The fast one at its cap of 0.9 waits 0.9 / 0.1 * 0.1 / 2 * (1 + 0.4^2) = 0.52 s: with 3 deviations of 0.04 s, and
    # with none, that is over 0.6 s; at half the wait it is not. At -1 the slow one is found and refused.
    for kappa in (MOST_KAPPA, -1.0):
        found = solve_near(constants(problem), [kappa], judge, QUICK)
        assert found is not None
        assert found.placement.replicas == (0, 1)
        assert -1.0 < found.kappas[0] < 0.0
    with pytest.raises(SharedInfeasibleError):
        solve_shared(two_speeds(0.05), effort=QUICK)
    assert solve_near(constants(two_speeds(0.05)), [0.0], judge, QUICK) is None


def test_a_plan_that_is_refused_costs_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    solved: list[float] = []

    def minimise(*_: object) -> object:
        solved.append(1.0)
        raise AssertionError("a program was solved")

    monkeypatch.setattr(shared_fixed, "minimise", minimise)
    problem = two_speeds(9.0)

    def refuse(plan: SharedPlacement) -> SharedEvaluation:
        return replace(judge_shared(problem, plan), limits=(Limit("sla", "agent", 10.0, 9.0),))

    assert solve_near(constants(problem), [0.0], refuse, QUICK) is None
    assert solved == []
