"""Prices of a shared plan's limits: hand sums."""

from __future__ import annotations

import pytest

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_again import Held
from placement.shared_problem import Budget, SharedProblem
from placement.shared_shadow import SharedPrice, shared_prices
from placement.shared_solve import solve_shared
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared


def table(rate: float, limit_s: float, **rest: object) -> SharedProblem:
    """A call of 1 s at $1 an hour and 200 W, or of 0.2 s at $3 and 100 W; half of each level may be busy."""
    levels = (level("slow", usd=1.0, cap=0.5, watts=200.0), level("fast", usd=3.0, cap=0.5, watts=100.0))
    row = op("a", (0, 1.0, 0.0), (1, 0.2, 0.0))
    return shared(levels, agent(levels, chain(OpNode(0)), row, rate=rate, sla=Sla("mean", limit_s)), **rest)


def prices(problem: SharedProblem) -> tuple[SharedPrice, ...]:
    found = solve_shared(problem)
    answer = shared_prices(problem, Held(found.evaluation.usd_per_hour, found.gap, found.kappas), 60.0)
    assert answer.is_complete
    return answer.prices


def test_the_price_of_a_second() -> None:
    # M/D/2 at 10 %: two slow replicas wait 0.0182 / 1.8 / 2 = 0.005 s (Erlang's C is 0.0182), take 1.005 s, 25.6 % over
    # 0.8 s, and save 3 - 2 = 1 dollar. Steps of 1, 5, 20 and 50 %, halved: 35 yes, 27.5 yes, 23.75 no. So 0.22 s save 1
    # dollar: 4.55 a second. Without the limit one replica is enough, which saves 2.
    (price,) = prices(table(0.2, 0.8))
    assert (price.kind, price.what, price.limit) == ("sla", "agent", 0.8)
    assert (price.step, price.saves_usd, price.free_usd) == (
        pytest.approx(0.22),
        pytest.approx(1.0),
        pytest.approx(2.0),
    )
    assert price.unit_usd == pytest.approx(1.0 / 0.22)
    assert price.dual_usd is not None
    assert price.dual_usd > 0.0


def test_the_price_of_a_device() -> None:
    # 0.6 calls a second of 1 s at a cap of half need two slow replicas, 2 dollars; with one device of their class the
    # fast level must do it, for 3: a device more saves a dollar an hour.
    levels = (level("slow", usd=1.0, cap=0.5), level("fast", usd=3.0, cap=0.5))
    row = op("a", (0, 1.0, 0.0), (1, 0.2, 0.0))
    problem = shared(levels, agent(levels, chain(OpNode(0)), row, rate=0.6, sla=Sla("mean", 9.0)), counts=1)
    (price,) = prices(problem)
    assert (price.kind, price.what, price.limit, price.step) == ("devices", "slow", 1.0, 1.0)
    assert (price.saves_usd, price.free_usd) == (pytest.approx(1.0), pytest.approx(1.0))
    # Half of the calls fit on the one slow device, 1 + 3 / 2 dollars; one more device takes the other half: 0.5 less.
    assert price.dual_usd == pytest.approx(0.5)


def test_the_price_of_a_watt() -> None:
    # 200 W are a third more than 150: 35 % of 150 is the first of the steps that is enough.
    (price,) = prices(table(0.2, 5.0, budget=Budget(watts=150.0)))
    assert (price.kind, price.what, price.limit) == ("budget", "watts", 150.0)
    assert (price.step, price.saves_usd) == (pytest.approx(52.5), pytest.approx(2.0))


def test_limits_that_do_not_bind_have_no_price() -> None:
    assert prices(table(0.2, 5.0, budget=Budget(usd_per_hour=10.0))) == ()


def test_out_of_time_is_said() -> None:
    answer = shared_prices(table(0.2, 0.8), Held(3.0, 0.0, ()), 0.0)
    assert (answer.prices, answer.is_complete) == ((), False)
