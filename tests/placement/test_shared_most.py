"""The largest factor of all rates, against every placement by itself and against hand sums."""

import math
from itertools import product

import pytest
from hypothesis import given, settings

from placement.brute_force import every_placement
from placement.problem import Block, ChooseNode, OpNode, Placement
from placement.shared_most import most_rate
from placement.shared_prepared import prepare_shared
from placement.shared_problem import Budget, SharedProblem
from placement.shared_surrogate import Aim, replicas_of, surrogate
from placement.shared_throughput import scaled
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, busy_problems, level, op, shared

PAIR = (level("a", usd=1.0), level("b", usd=3.0))


def one(budget: Budget, rate: float = 0.1, fee: float = 0.0) -> SharedProblem:
    """A call of 0.4 s on a ($1) or 0.1 s on b ($3), one slot each, 90 % of it; two devices of each class."""
    return shared(
        PAIR,
        agent(PAIR, chain(OpNode(0)), op("o", (0, 0.4, 0.0), (1, 0.1, 0.0), fee=fee), rate=rate),
        counts=2,
        budget=budget,
    )


def test_hand_sums() -> None:
    # Two of a: 2 x 0.9 / 0.4 = 4.5 runs/s; two of b: 18; with a split of both 22.5: 45, 180 and 225 times 0.1.
    assert most_rate(one(Budget()), 5.0) == pytest.approx(180.0, rel=1e-3)
    assert most_rate(one(Budget()), 5.0, split=True) == pytest.approx(225.0, rel=1e-3)
    # $2.5 buy two of a; $4.5 one of b (9 runs/s) and, with a split, one of a (2.25).
    assert most_rate(one(Budget(usd_per_hour=2.5)), 5.0) == pytest.approx(45.0, rel=1e-3)
    assert most_rate(one(Budget(usd_per_hour=4.5)), 5.0) == pytest.approx(90.0, rel=1e-3)
    assert most_rate(one(Budget(usd_per_hour=4.5)), 5.0, split=True) == pytest.approx(112.5, rel=1e-3)
    # A fee of $0.001 is $0.36 an hour at 0.1 runs/s: of $4.5 less $3 for b, 1.5 / 0.36 = 4.17 times; less $1, 9.72.
    assert most_rate(one(Budget(usd_per_hour=4.5), fee=0.001), 5.0) == pytest.approx(3.5 / 0.36, rel=1e-3)


def test_an_agent_keeps_one_alternative() -> None:
    # o on a or p on b, not both: 2 x 0.9 / 0.4 = 4.5 runs/s, even with a split; q takes 4.5% of b.
    root = Block((ChooseNode(0, (chain(OpNode(0)), chain(OpNode(1)))), OpNode(2)), ((), (0,)))
    rows = op("o", (0, 0.4, 0.0)), op("p", (1, 0.8, 0.0)), op("q", (1, 0.02, 0.0))
    problem = shared(PAIR, agent(PAIR, root, *rows, rate=0.1, choices=(("o", "p"),)), counts=2)
    assert most_rate(problem, 5.0, split=True) == pytest.approx(45.0, rel=1e-3)


def test_nothing_limits_what_takes_no_time() -> None:
    problem = shared(PAIR, agent(PAIR, chain(OpNode(0)), op("o", (0, 0.0, 0.0))))
    assert most_rate(problem, 5.0) == math.inf


def _carried(problem: SharedProblem, placements: tuple[Placement, ...]) -> float:
    """By bisection, what devices and caps carry of the load where these placements are."""
    counts = {row.device: row.count for row in problem.capacities}

    def fits(factor: float) -> bool:
        table = surrogate(scaled(problem, factor), [0.0] * len(problem.agents), Aim())
        used = dict.fromkeys(counts, 0)
        for row, count in zip(problem.levels, replicas_of(table, placements), strict=True):
            used[row.pool.device] += row.pool.tp * count
        return all(used[device] <= count for device, count in counts.items())

    low, high = 1e-6, 1e4
    if not fits(low):
        return 0.0
    while high > low * (1.0 + 1e-6):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


@settings(max_examples=40, deadline=None)
@given(busy_problems())
def test_the_bound_is_what_the_best_placement_carries(problem: SharedProblem) -> None:
    every = product(*(every_placement(each.prepared) for each in prepare_shared(problem).agents))
    best = max((_carried(problem, placements) for placements in every), default=0.0)
    bound = most_rate(problem, 10.0)
    assert best * (1.0 - 1e-6) <= bound <= best * (1.0 + 1e-3) + 1e-4
    assert most_rate(problem, 10.0, split=True) >= bound * (1.0 - 1e-3)
