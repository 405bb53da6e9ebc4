"""The most load of a budget: near to what is proven to be the most, with and without a split."""

import math

import pytest

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_evaluate import judge_shared
from placement.shared_problem import Budget, SharedProblem
from placement.shared_solve import Effort, SharedInfeasibleError
from placement.shared_throughput import most_throughput, scaled
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared

EFFORT = Effort(time_limit_s=20.0, gap=0.0, samples=200)


def table(limit_s: float = 5.0, budget: Budget | None = None) -> SharedProblem:
    """A call of 0.4 s on a ($1) or 0.1 s on b ($3), one slot each, 90 % of it; two devices of each class."""
    pair = level("a", usd=1.0), level("b", usd=3.0)
    row = op("o", (0, 0.4, 0.0), (1, 0.1, 0.0))
    one = agent(pair, chain(OpNode(0)), row, rate=0.1, sla=Sla("mean", limit_s))
    return shared(pair, one, counts=2, budget=budget or Budget())


@pytest.mark.parametrize(("usd", "split", "most"), [(2.0, False, 45.0), (None, False, 180.0), (None, True, 225.0)])
def test_the_most_is_nearly_reached_where_limits_are_wide(usd: float | None, split: bool, most: float) -> None:
    # Two of a carry 2 x 0.9 / 0.4 = 4.5 runs/s, two of b 18; one slot at 0.9 waits at most nine times its call.
    problem = table(budget=Budget(usd_per_hour=usd))
    found = most_throughput(problem, EFFORT, split=split)
    assert found.bound == pytest.approx(most, rel=1e-3)
    assert 0.95 * most <= found.factor <= found.bound
    assert found.gap == pytest.approx(1.0 - found.factor / found.bound)
    assert judge_shared(scaled(problem, found.factor), found.solution.placement).feasible


def test_waiting_keeps_it_from_the_bound() -> None:
    # A mean of 0.15 s leaves 0.05 s to wait for 0.1 s on b: a half of its 0.9 busy, not all of it.
    found = most_throughput(table(0.15), EFFORT)
    assert found.refused is not None
    assert found.factor < found.refused <= found.bound * 1.01
    assert found.refused <= found.factor * 1.1


def test_rates_that_have_no_plan_are_refused() -> None:
    with pytest.raises(SharedInfeasibleError):
        most_throughput(table(0.05), EFFORT)
    assert math.isfinite(most_throughput(table(), EFFORT).bound)
