import math
import time

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.brute_force import TooManyPlacementsError
from placement.confidence import surely_hold
from placement.kappa import LEAST_KAPPA
from placement.problem import OpNode
from placement.shared_brute_force import brute_force_shared
from placement.shared_cheapest import Asked, cheapest_judged, enumerable
from placement.shared_evaluate import SharedEvaluation
from placement.shared_problem import SharedProblem
from placement.shared_surrogate import Aim, Surrogate, surrogate
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared, small_shared

SAMPLES, SEED = 500, 0


def table_of(problem: SharedProblem, aim: Aim | None = None) -> Surrogate:
    return surrogate(problem, [LEAST_KAPPA] * len(problem.agents), aim or Aim())


def asked(below: float = math.inf, most: int = 10**6, *, sure: bool = True) -> Asked:
    return Asked(below, SAMPLES, SEED, most, time.monotonic() + 600.0, sure)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(small_shared(), st.booleans(), st.sampled_from([Aim(), Aim(usd=0.0, watts=1.0), Aim(usd=0.5, gco2e=0.01)]))
def test_it_finds_what_brute_force_finds(problem: SharedProblem, sure: bool, aim: Aim) -> None:
    table = table_of(problem, aim)
    assume(enumerable(table, 3000))

    def worth(found: SharedEvaluation) -> float:
        return aim.usd * found.usd_per_hour + aim.watts * found.watts + aim.gco2e * found.gco2e_per_hour

    def accepts(found: SharedEvaluation) -> bool:
        return found.feasible and (not sure or all(surely_hold(problem, found)))

    try:
        best = brute_force_shared(
            problem, samples=SAMPLES, seed=SEED, objective=worth, accepts=accepts, most=20_000
        ).best
    except TooManyPlacementsError:
        return
    found = cheapest_judged(table, asked(sure=sure))
    assert found.is_proven
    assert (found.best is None) == (best is None)
    if best is not None and found.best is not None:
        assert accepts(found.best.evaluation)
        assert found.best.worth == pytest.approx(worth(found.best.evaluation), rel=1e-9)
        assert found.best.worth == pytest.approx(worth(best[1]), rel=1e-9)
        less = cheapest_judged(table, asked(found.best.worth * (1.0 - 1e-9), sure=sure))
        assert (less.best, less.is_proven) == (None, True)


def queue(cap: float = 0.9) -> SharedProblem:
    """One slot is busy 0.8 of the time and waits 1.6 s on average (M/G/1, deviation 0: 0.8 s x 0.8 / 0.2 / 2); two
    are busy 0.4 of the time and hardly wait."""
    levels = (level("slow", cap=cap, usd=1.0), level("fast", cap=cap, usd=3.0))
    one = agent(levels, chain(OpNode(0)), op("a", (0, 0.8, 0.0), (1, 0.1, 0.0)), sla=Sla("mean", 1.2))
    return shared(levels, one)


def test_a_second_replica_of_the_cheap_level_is_cheaper_than_a_fast_one() -> None:
    found = cheapest_judged(table_of(queue()), asked())
    assert found.best is not None
    assert (found.best.plan.replicas, found.best.worth, found.is_proven) == ((2, 0), 2.0, True)


def test_without_time_or_verdicts_nothing_is_proven() -> None:
    found = cheapest_judged(table_of(queue()), asked(most=1))
    assert (found.best, found.is_proven) == (None, False)


def test_a_soft_limit_and_an_aim_with_latency_are_not_for_it() -> None:
    levels = (level("slow"),)
    soft = agent(levels, chain(OpNode(0)), op("a", (0, 0.1, 0.0)), sla=Sla("mean", 1.0), penalty=1.0)
    assert not enumerable(table_of(shared(levels, soft)), 10)
    assert not enumerable(table_of(queue(), Aim(latency=1.0)), 10)
    assert enumerable(table_of(queue()), 2)
    assert not enumerable(table_of(queue()), 1)
