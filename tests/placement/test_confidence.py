import math

import numpy as np
import pytest

from ir.sla import Sla
from placement.confidence import is_sure, upper_s
from placement.problem import OpNode
from placement.shared_evaluate import judge_shared
from placement.shared_problem import SharedProblem
from placement.shared_solve import Effort, solve_shared
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, at, level, op, shared

LEVELS = (level("slow", slots=64, usd=1.0), level("fast", slots=64, usd=3.0))


def test_ranks_by_hand() -> None:
    # 10,000 runs of 1 .. 10,000 s: the p95 is the 9,500th; 3.09 deviations of sqrt(0.95 x 0.05 x 10,000) = 21.79 more
    # are 67.3, so the 9,568th. Of the mean: 5000.5 and 3.09 x 2886.8 / 100.
    values = np.arange(1.0, 10_001.0)
    assert upper_s(values, "p95") == 9568.0
    assert upper_s(values, "p95", -3.09) == 9433.0
    assert upper_s(values, "mean") == pytest.approx(5000.5 + 3.09 * 28.868, rel=1e-4)
    assert upper_s(values, "worst") == 10_000.0


def test_too_few_runs_have_no_such_percentile_but_the_longest() -> None:
    assert upper_s(np.arange(1.0, 101.0), "p99") == 100.0
    assert upper_s(np.array([1.0, math.inf]), "mean") == math.inf


def test_the_confidence_limit_is_under_the_true_percentile_about_once_in_a_thousand() -> None:
    # The true p95 of the exponential is ln 20. 20 of 10,000 would be 3 deviations above 10.
    rng = np.random.default_rng(0)
    short = sum(upper_s(rng.exponential(size=1000), "p95") < math.log(20.0) for _ in range(10_000))
    assert short <= 20


def at_the_limit(limit_s: float) -> SharedProblem:
    one = agent(LEVELS, chain(OpNode(0)), op("a", (0, 1.0, 1.0), (1, 0.2, 0.1)), rate=0.1, sla=Sla("p95", limit_s))
    return shared(LEVELS, one)


def test_a_plan_that_only_this_seed_accepts_is_not_taken() -> None:
    slow = at(0, replicas=(1, 0))
    sampled = judge_shared(at_the_limit(100.0), slow, samples=10_000, seed=0).agents[0].latency_s
    problem = at_the_limit(sampled * 1.0001)
    verdict = judge_shared(problem, slow, samples=10_000, seed=0)
    assert verdict.feasible
    assert not is_sure(problem.agents[0], verdict.agents[0])
    assert solve_shared(problem, effort=Effort(time_limit_s=20.0, gap=0.0)).placement.replicas == (0, 1)


def test_where_nothing_is_sure_the_samples_decide() -> None:
    one = agent(LEVELS[:1], chain(OpNode(0)), op("a", (0, 1.0, 1.0)), rate=0.1, sla=Sla("p95", 100.0))
    free = shared(LEVELS[:1], one)
    plan = at(0, replicas=(1,))
    sampled = judge_shared(free, plan, samples=10_000, seed=0).agents[0].latency_s
    tight = agent(LEVELS[:1], chain(OpNode(0)), op("a", (0, 1.0, 1.0)), rate=0.1, sla=Sla("p95", sampled * 1.0001))
    problem = shared(LEVELS[:1], tight)
    solution = solve_shared(problem, effort=Effort(time_limit_s=20.0, gap=0.0))
    assert solution.evaluation.feasible
    assert not is_sure(problem.agents[0], solution.evaluation.agents[0])
