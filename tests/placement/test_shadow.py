"""Shadow prices: hand sums, and what loosening a limit really saves by brute force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.brute_force import brute_force
from placement.infeasible import InfeasibleError
from placement.problem import OpNode, Problem
from placement.restrict import with_counts
from placement.shadow import shadow_prices
from placement.solve import solve
from tests.placement.problems import chain, operator, pool, problem, small_problems, worked_example


def test_the_price_of_a_second_in_the_worked_example() -> None:
    table = worked_example(0.120)
    (price,) = shadow_prices(table, solve(table))
    assert (price.kind, price.what, price.limit) == ("sla", "worst", 0.120)
    # 10 % more, 132 ms, changes no plan; without a limit all is on CO for 0.06.
    assert (price.step, price.saves_usd, price.free_usd) == (
        pytest.approx(0.012),
        pytest.approx(0.0),
        pytest.approx(0.035),
    )
    # The relaxation goes on a line from the plan, 120 ms at 0.095, to 160 ms at 0.06: 0.035 USD in 40 ms.
    assert price.usd == pytest.approx(0.035 / 0.040, rel=1e-6)


def test_the_price_of_a_device() -> None:
    # Each of two operators is 2 dollars cheaper on its own fast pool, and the class has one device for both.
    operators = (operator("a", (0, 1.0, 1.0), (2, 1.0, 3.0)), operator("b", (1, 1.0, 1.0), (2, 1.0, 3.0)))
    pools = (pool("x", "gpu"), pool("y", "gpu"), pool("slow", "cpu"))
    table = problem(operators, chain(OpNode(0), OpNode(1)), pools=pools, counts=1)
    (price,) = shadow_prices(table, solve(table))
    assert (price.kind, price.what, price.limit, price.step) == ("devices", "gpu", 1.0, 1.0)
    assert (price.usd, price.saves_usd, price.free_usd) == (pytest.approx(2.0),) * 3


def test_a_limit_that_does_not_bind_has_no_price() -> None:
    table = worked_example(0.200)
    assert shadow_prices(table, solve(table)) == ()


def test_a_soft_sla_is_no_limit() -> None:
    table = replace(worked_example(0.120), penalty_usd_per_s=1.0)
    assert shadow_prices(table, solve(table)) == ()


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_what_is_saved_is_what_brute_force_says(table: Problem) -> None:
    try:
        solution = solve(table)
    except InfeasibleError:
        return
    best = solution.evaluation.objective_usd
    for price in shadow_prices(table, solution):
        if price.kind == "sla":
            assert table.sla is not None
            more = replace(table, sla=Sla(table.sla.stat, table.sla.limit_s * 1.1))
            free = replace(table, sla=None)
        else:
            more = with_counts(table, {price.what: int(price.limit) + 1})
            free = with_counts(table, {price.what: 100})
        for loosened, saves in ((more, price.saves_usd), (free, price.free_usd)):
            found = brute_force(loosened).best
            assert found is not None
            assert best - found[1].objective_usd == pytest.approx(saves, rel=1e-5, abs=1e-6 * best)
