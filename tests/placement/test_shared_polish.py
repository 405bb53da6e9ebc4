import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from placement.brute_force import TooManyPlacementsError
from placement.confidence import surely_hold
from placement.problem import Placement
from placement.shared_brute_force import brute_force_shared
from placement.shared_cheapest import Asked
from placement.shared_evaluate import judge_shared
from placement.shared_polish import polish
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_solve import SharedInfeasibleError, SharedSolution, SharedUndecidedError, solve_shared
from tests.placement.shared_problems import at, small_shared
from tests.placement.test_shared_cheapest import queue, table_of
from tests.placement.test_shared_solve import QUICK


def asked(below: float, most: int = 100) -> Asked:
    return Asked(below, QUICK.samples, QUICK.seed, most, time.monotonic() + 60.0)


def polished(problem: SharedProblem, plan: SharedPlacement, below: float) -> list[tuple[tuple[int, ...], float]]:
    verdict = judge_shared(problem, plan, samples=QUICK.samples, seed=QUICK.seed)
    return [(one.plan.replicas, one.worth) for one in polish(table_of(problem), plan, verdict, asked(below))]


def test_work_moves_to_a_cheaper_level_with_one_replica_more() -> None:
    assert polished(queue(), at(1, replicas=(0, 1)), 3.0) == [((2, 0), 2.0)]


def test_a_plan_that_was_refused_is_mended() -> None:
    assert polished(queue(), at(0, replicas=(1, 0)), math.inf) == [((2, 0), 2.0)]


def test_nothing_is_told_where_nothing_is_better() -> None:
    assert polished(queue(), at(0, replicas=(2, 0)), 2.0) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(small_shared())
def test_every_plan_is_sure_and_better_than_the_last_and_none_beats_brute_force(problem: SharedProblem) -> None:
    told: list[SharedSolution] = []
    try:
        solution = solve_shared(problem, effort=replace(QUICK, few=0), on_better=told.append)
    except (SharedInfeasibleError, SharedUndecidedError):
        return
    assert solution.evaluation.feasible
    assert 0.0 <= solution.gap <= 1.0
    assert solution.bound <= solution.objective * (1.0 + 1e-9)
    assert solution.objective == pytest.approx(solution.evaluation.objective_usd_per_hour)
    assert told[-1].objective == solution.objective
    try:
        best = brute_force_shared(problem, samples=QUICK.samples, seed=QUICK.seed, most=20_000).best
    except TooManyPlacementsError:
        return
    assert best is not None
    assert solution.objective >= best[1].objective_usd_per_hour * (1.0 - 1e-9)


def test_polishing_sees_the_judge_of_the_real_load() -> None:
    (found,) = polish(table_of(queue()), *_judged(at(1, replicas=(0, 1))), asked(3.0))
    assert all(surely_hold(queue(), found.evaluation))
    assert found.plan.agents == (Placement((0,), ()),)
    assert np.isclose(found.evaluation.levels[0].utilisation, 0.4)


def _judged(plan: SharedPlacement) -> tuple[SharedPlacement, object]:
    return plan, judge_shared(queue(), plan, samples=QUICK.samples, seed=QUICK.seed)
