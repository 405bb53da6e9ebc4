import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.brute_force import brute_force
from placement.greedy import greedy
from placement.highs import Limits
from placement.kernel import narrow, relaxation, search
from placement.milp import formulate
from placement.milp_columns import Form
from placement.prepared import prepare
from placement.problem import OpNode, Problem
from tests.placement.problems import chain, operator, pool, problem, small_problems


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_two_rounds_find_what_brute_force_finds(problem: Problem) -> None:
    prepared = prepare(problem)
    best, first = brute_force(problem).best, greedy(prepared)
    start = first.placement if first and first.score.feasible else None
    usd = max((option.cost_usd for row in problem.operators for option in row.options), default=1.0) / 1000 or 1.0
    seconds = problem.sla.limit_s / 1000 if problem.sla else 1e-3
    cutoff = first.score.objective_usd * 1.000001 if first and start else math.inf
    for known, most in ((start, cutoff), (None, math.inf)):
        form = Form("cost", usd=usd, seconds=seconds, cutoff_usd=most)
        found = search(prepared, form, Limits(gap=0.0), known, large=0)
        assert (found.placement is None) == (best is None)
        if best is not None:
            assert found.objective == pytest.approx(best[1].objective_usd, rel=1e-5, abs=1e-6 * usd)
            assert found.bound <= best[1].objective_usd * (1.0 + 1e-6) + 1e-6 * usd


def test_without_time_the_relaxation_still_bounds_the_start() -> None:
    # Two operators of 4 or 2 s for 1 or 3 $ under 6 s: the relaxation makes one of them fast, 1 + 3 $, like the start.
    operators = tuple(operator(name, (0, 4.0, 1.0), (1, 2.0, 3.0)) for name in "ab")
    table = problem(operators, chain(OpNode(0), OpNode(1)), pools=(pool("p"), pool("q")), sla=Sla("worst", 6.0))
    prepared = prepare(table)
    program = formulate(prepared, Form("cost"))
    relaxed = relaxation(program, math.inf)
    assert relaxed is not None
    assert relaxed.objective == pytest.approx(4.0)
    first = greedy(prepared)
    assert first is not None
    found = search(prepared, Form("cost", cutoff_usd=4.000001), Limits(1.0), first.placement, large=0)
    assert found.bound == pytest.approx(4.0, rel=1e-5)


def test_narrowing_leaves_out_columns_whose_reduced_cost_is_too_high() -> None:
    # Without a limit the cheap option is taken, and the dear one would add 2 $.
    table = problem((operator("a", (0, 1.0, 1.0), (1, 1.0, 3.0)),), chain(OpNode(0)), pools=(pool("p"), pool("q")))
    program = formulate(prepare(table), Form("cost"))
    relaxed = relaxation(program, math.inf)
    assert relaxed is not None
    assert narrow(program, relaxed, 1.9, {0, 1}).model.upper == [1.0, 0.0]
    assert narrow(program, relaxed, 2.1, {0, 1}).model.upper == [1.0, 1.0]
    assert narrow(program, relaxed, 1.9, {0}).model.upper == [1.0, 1.0]


def test_an_infeasible_program_is_infeasible_in_two_rounds_too() -> None:
    table = problem((operator("a", (0, 2.0, 1.0)),), chain(OpNode(0)), pools=(pool("p"),), sla=Sla("worst", 1.0))
    assert search(prepare(table), Form("cost"), Limits(), None, large=0).status == "infeasible"
    assert relaxation(formulate(prepare(replace(table, sla=None)), Form("cost")), math.inf) is not None
