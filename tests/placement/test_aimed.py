"""Every aim against brute force, and against hand sums on three places."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.aimed import COST, solve_aims
from placement.brute_force import every_placement
from placement.evaluate import score
from placement.infeasible import InfeasibleError
from placement.prepared import prepare
from placement.problem import OpNode, Option, Problem
from placement.run_aims import AimError, Aims, PerSecond, RunAim, amount
from tests.placement.problems import chain, operator, pool, problem, small_problems

ENERGY, CARBON, LATENCY = RunAim(joules=1.0), RunAim(gco2e=1.0), RunAim(seconds=1.0)
USES = {"cheap": PerSecond(300.0, 0.01), "frugal": PerSecond(100.0, 0.04), "fast": PerSecond(800.0, 0.02)}


def three(sla: Sla | None = None) -> Problem:
    """A call of 4 s for $1.00, of 5 s for $1.005, of 1 s for $3; 1200, 500 and 800 J; 0.04, 0.2 and 0.02 g."""
    rows = (
        Option(0, 4.0, 1.0, device_s=4.0),
        Option(1, 5.0, 1.005, device_s=5.0),
        Option(2, 1.0, 3.0, device_s=1.0),
    )
    one = replace(operator("a"), options=rows)
    return problem((one,), chain(OpNode(0)), pools=(pool("cheap"), pool("frugal"), pool("fast")), sla=sla)


@pytest.mark.parametrize(
    ("aims", "taken"),
    [
        ((COST,), 0),
        ((ENERGY,), 1),
        ((CARBON,), 2),
        ((LATENCY,), 2),
        ((COST, ENERGY), 1),
        ((COST, LATENCY), 0),
        # $ and a tenth of a second's: 1.4, 1.505, 3.1; and with a whole one: 5, 6.005, 4.
        ((RunAim(usd=1.0, seconds=0.1),), 0),
        ((RunAim(usd=1.0, seconds=1.0),), 2),
        # $ and 0.01 a joule: 13, 6.005, 11.
        ((RunAim(usd=1.0, joules=0.01),), 1),
    ],
)
def test_each_aim_takes_its_own_place(aims: tuple[RunAim, ...], taken: int) -> None:
    assert solve_aims(three(), Aims(USES, aims), time_limit_s=5.0).solution.placement.option == (taken,)


def test_the_limit_on_latency_holds_for_every_aim() -> None:
    # 500 J take 5 s; within 4.5 s are 1200 J and 800 J.
    found = solve_aims(three(Sla("worst", 4.5)), Aims(USES, (ENERGY,)), time_limit_s=5.0)
    assert found.solution.placement.option == (2,)
    assert found.reached[0].value == pytest.approx(800.0)
    assert found.reached[0].gap == pytest.approx(0.0, abs=1e-6)
    for aims in ((ENERGY,), (LATENCY,), (COST, CARBON)):
        with pytest.raises(InfeasibleError, match="the best achievable is 1 s"):
            solve_aims(three(Sla("worst", 0.5)), Aims(USES, aims), time_limit_s=5.0)


def test_of_equally_fast_places_the_cheapest() -> None:
    # b runs beside a, which takes 1 s wherever b is: 0.2 s for $5 or 0.9 s for $1.
    rows = (operator("a", (0, 1.0, 1.0)), operator("b", (0, 0.2, 5.0), (1, 0.9, 1.0)))
    table = problem(rows, chain(OpNode(0)), pools=(pool("x"), pool("y")))
    table = replace(table, root=replace(table.root, nodes=(OpNode(0), OpNode(1)), waits_for=((), ())))
    found = solve_aims(table, Aims({}, (LATENCY,)), time_limit_s=5.0)
    assert found.solution.placement.option == (0, 1)
    assert (found.reached[0].value, found.solution.bound_usd) == (1.0, 0.0)


def test_a_soft_limit_is_paid_in_dollars() -> None:
    soft = replace(three(Sla("worst", 0.5)), penalty_usd_per_s=0.1)
    # 1 + 3.5 x 0.1 = 1.35 on the cheap one, 3.05 on the fast one; with joules 0.01 each 13.35, 6.455 and 11.05.
    weighed = RunAim(usd=1.0, joules=0.01)
    assert solve_aims(soft, Aims(USES, (weighed,)), time_limit_s=5.0).reached[0].value == pytest.approx(6.455)
    with pytest.raises(AimError, match="make the SLA hard"):
        solve_aims(soft, Aims(USES, (ENERGY,)), time_limit_s=5.0)
    with pytest.raises(AimError, match="there is no aim"):
        solve_aims(soft, Aims(USES, ()), time_limit_s=5.0)


WEIGHTS = st.sampled_from([0.0, 0.0, 1.0, 0.5, 40.0])
ONE = st.builds(RunAim, WEIGHTS, WEIGHTS, WEIGHTS, WEIGHTS).filter(lambda aim: aim != RunAim())
ORDER = st.permutations([COST, ENERGY, CARBON, LATENCY]).flatmap(lambda found: st.just(tuple(found[:2])))
EVERY = {"cheap": PerSecond(3.0, 0.5), "fast": PerSecond(1.0, 2.0)}


@st.composite
def held_problems(draw: st.DrawFn) -> Problem:
    """Small problems whose calls hold devices for times of their own."""
    table = draw(small_problems(4))
    held = st.integers(0, 6).map(lambda k: k * 0.5)
    operators = (
        replace(each, options=tuple(replace(row, device_s=draw(held)) for row in each.options))
        for each in table.operators
    )
    return replace(table, operators=tuple(operators), penalty_usd_per_s=None)


@settings(max_examples=150, deadline=None)
@given(held_problems(), st.one_of(ONE.map(lambda aim: (aim,)), ORDER))
def test_aims_reach_what_brute_force_reaches(table: Problem, aims: tuple[RunAim, ...]) -> None:
    prepared = prepare(table)
    left = [each for each in every_placement(prepared) if score(prepared, each).feasible]
    asked = Aims(EVERY, aims)
    if not left:
        with pytest.raises(InfeasibleError):
            solve_aims(table, asked, time_limit_s=20.0)
        return
    found = solve_aims(table, asked, time_limit_s=20.0)
    assert found.solution.placement in left
    for position, (aim, reached) in enumerate(zip(aims, found.reached, strict=True)):
        values = {placement: amount(table, EVERY, aim, placement) for placement in left}
        best = min(values.values())
        is_last = position == len(aims) - 1
        room = 1e-5 if is_last else asked.tolerance + 1e-5
        assert best * (1.0 - 1e-6) <= reached.value <= best * (1.0 + room) + 1e-9
        assert reached.bound <= best * (1.0 + 1e-5) + 1e-9
        left = [each for each in left if values[each] <= best * (1.0 + asked.tolerance) * (1.0 + 1e-9)]
