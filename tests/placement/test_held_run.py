"""Times with a margin: one factor, or each row's own interval."""

from dataclasses import replace

import pytest

from placement.held_run import MarginError, hold
from placement.problem import Edge, OpNode, Option, Problem, Transfer
from placement.solve import solve
from tests.placement.problems import chain, operator, pool, problem, worked_example


def test_one_factor_is_on_every_call_and_on_no_move() -> None:
    # 120 ms are 80 + 30 of calls and 10 of a move: 1.25 x 110 + 10 = 147.5 ms; what calls cost stays.
    held = hold(worked_example(0.1475), 1.25)
    found = solve(held).evaluation
    assert (found.latency_s, found.cost_usd) == (pytest.approx(0.1475), pytest.approx(0.095))
    assert solve(hold(worked_example(0.147), 1.25)).evaluation.cost_usd == pytest.approx(0.11)
    assert hold(held, 1.0) is held


def intervals(source: str, high_s: float | None) -> Problem:
    row = replace(operator("a"), options=(Option(0, 1.0, 1.0, source=source, low_s=0.5, high_s=high_s),))
    edge = Edge(0, 0, "place", 1.0, 1.0, {("x", "x"): Transfer(0.0, 0.0)})
    return replace(problem((row,), chain(OpNode(0)), pools=(pool("x"),)), edges=(edge,))


@pytest.mark.parametrize(("source", "high_s", "held_s"), [("calibrated", 1.7, 1.7), ("prior", None, 1.0)])
def test_each_row_is_at_the_upper_end_of_its_own_interval(source: str, high_s: float | None, held_s: float) -> None:
    assert hold(intervals(source, high_s), "interval").operators[0].options[0].latency_s == held_s


def test_a_formula_that_nothing_checked_has_no_interval() -> None:
    with pytest.raises(MarginError, match="nobody knows how far off a may be; give a number, or plan with a"):
        hold(intervals("roofline", None), "interval")
