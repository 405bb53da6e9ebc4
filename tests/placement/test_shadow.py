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
    # Within 110 ms both phases are on HP: 0.08 + 0.03 = 0.11 USD. At 120 ms decode is on CO: 0.08 + 0.005 + 0.01 =
    # 0.095. So 10 ms more save 0.015 USD, 1.5 USD a second. Without a limit all is on CO for 0.06, 0.05 less.
    table = worked_example(0.110)
    (price,) = shadow_prices(table, solve(table))
    assert (price.kind, price.what, price.limit) == ("sla", "worst", 0.110)
    assert (price.step, price.saves_usd, price.free_usd) == (
        pytest.approx(0.010),
        pytest.approx(0.015),
        pytest.approx(0.050),
    )
    assert price.unit_usd == pytest.approx(1.5)


def test_the_next_second_has_another_price() -> None:
    # From 120 ms at 0.095 to all on CO, 160 ms at 0.06: 0.035 USD in 40 ms. The relaxation goes along that line.
    table = worked_example(0.120)
    (price,) = shadow_prices(table, solve(table))
    assert (price.step, price.saves_usd, price.free_usd) == (
        pytest.approx(0.040),
        pytest.approx(0.035),
        pytest.approx(0.035),
    )
    assert price.unit_usd == pytest.approx(0.875)
    assert price.dual_usd == pytest.approx(0.875, rel=1e-6)


def test_the_price_of_a_device() -> None:
    # Each of two operators is 2 dollars cheaper on its own fast pool, and the class has one device for both.
    operators = (operator("a", (0, 1.0, 1.0), (2, 1.0, 3.0)), operator("b", (1, 1.0, 1.0), (2, 1.0, 3.0)))
    pools = (pool("x", "gpu"), pool("y", "gpu"), pool("slow", "cpu"))
    table = problem(operators, chain(OpNode(0), OpNode(1)), pools=pools, counts=1)
    (price,) = shadow_prices(table, solve(table))
    assert (price.kind, price.what, price.limit, price.step) == ("devices", "gpu", 1.0, 1.0)
    assert (price.dual_usd, price.saves_usd, price.free_usd) == (pytest.approx(2.0),) * 3


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
            more = replace(table, sla=Sla(table.sla.stat, (table.sla.limit_s + price.step) * (1.0 + 1e-9)))
            less = brute_force(replace(table, sla=Sla(table.sla.stat, table.sla.limit_s + price.step - 0.001))).best
            assert less is not None
            assert less[1].objective_usd == pytest.approx(best, rel=1e-5)
            free = replace(table, sla=None)
        else:
            more = with_counts(table, {price.what: int(price.limit) + 1})
            free = with_counts(table, {price.what: 100})
        for loosened, saves in ((more, price.saves_usd), (free, price.free_usd)):
            found = brute_force(loosened).best
            assert found is not None
            assert best - found[1].objective_usd == pytest.approx(saves, rel=1e-5, abs=1e-6 * best)
