import pytest

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_objectives import CARBON, COST, ENERGY, LATENCY, lexicographic
from placement.shared_problem import Budget, SharedProblem
from placement.shared_solve import Effort, solve_shared
from placement.shared_surrogate import Aim
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared

UNLIMITED = Budget()
QUICK = Effort(time_limit_s=20.0, gap=0.0, samples=200)


def three(budget: Budget = UNLIMITED, rate: float = 0.1) -> SharedProblem:
    """Levels of 1, 1 and 3 $/h; 300, 100 and 200 W; 10, 40 and 20 g; 0.4, 0.5 and 0.1 s."""
    levels = (
        level("cheap", usd=1.0, watts=300.0, gco2e_per_hour=10.0),
        level("frugal", usd=1.0, watts=100.0, gco2e_per_hour=40.0),
        level("fast", usd=3.0, watts=200.0, gco2e_per_hour=20.0),
    )
    row = op("a", (0, 0.4, 0.0), (1, 0.5, 0.0), (2, 0.1, 0.0))
    one = agent(levels, chain(OpNode(0)), row, rate=rate, sla=Sla("mean", 5.0))
    return shared(levels, one, budget=budget)


@pytest.mark.parametrize(("aim", "replicas"), [(ENERGY, (0, 1, 0)), (CARBON, (1, 0, 0)), (LATENCY, (0, 0, 1))])
def test_each_aim_takes_its_own_level(aim: Aim, replicas: tuple[int, ...]) -> None:
    assert solve_shared(three(), aim, QUICK).placement.replicas == replicas


def test_weights_trade_dollars_for_watts_and_seconds() -> None:
    # 1 $ and 0.01 per watt: 1 + 3, 1 + 1, 3 + 2: frugal. 1 $ and 10 a second: 1 + 4 (and waiting), 1 + 5, 3 + 1: fast.
    assert solve_shared(three(), Aim(watts=0.01), QUICK).placement.replicas == (0, 1, 0)
    assert solve_shared(three(), Aim(latency=10.0), QUICK).placement.replicas == (0, 0, 1)


def test_one_aim_after_another() -> None:
    # Two levels cost 1 $/h; of these one takes 100 W, the other 10 g.
    assert lexicographic(three(), [COST, ENERGY], QUICK).placement.replicas == (0, 1, 0)
    assert lexicographic(three(), [COST, CARBON], QUICK).placement.replicas == (1, 0, 0)
    with pytest.raises(ValueError, match="give one or more of COST"):
        lexicographic(three(), [], QUICK)


def test_a_budget_holds_and_counts_fees() -> None:
    # A fee of 1 $ an hour (0.1 runs/s, 360 an hour) leaves 1.5 $ of 2.5 for replicas: not the fast level.
    levels = (level("slow", usd=1.0), level("fast", usd=2.0))
    row = op("a", (0, 0.4, 0.0), (1, 0.1, 0.0), fee=1.0 / 360.0)
    one = agent(levels, chain(OpNode(0)), row, rate=0.1, sla=Sla("mean", 5.0))
    for limit, replicas in ((2.5, (1, 0)), (3.5, (0, 1))):
        problem = shared(levels, one, budget=Budget(usd_per_hour=limit))
        assert solve_shared(problem, LATENCY, QUICK).placement.replicas == replicas
