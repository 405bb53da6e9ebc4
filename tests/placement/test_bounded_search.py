from unittest.mock import patch

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.bounded_search import search_bounded
from placement.brute_force import brute_force
from placement.evaluate import score
from placement.infeasible import InfeasibleError
from placement.prepared import prepare
from placement.problem import OpNode, Problem
from placement.solve import solve
from tests.placement.problems import chain, operator, pool, problem, small_problems


@settings(max_examples=80, deadline=None)
@given(small_problems())
def test_bound_and_placement_enclose_what_brute_force_finds(table: Problem) -> None:
    prepared = prepare(table)
    best = brute_force(table).best
    found = search_bounded(prepared, 0.0, 5.0)
    if found is None:
        return
    if found.placement is None:
        assert best is None or found.bound_usd <= best[1].objective_usd * (1.0 + 1e-9)
        return
    assert best is not None
    judged = score(prepared, found.placement)
    assert judged.feasible
    assert judged.objective_usd == pytest.approx(found.objective_usd, rel=1e-9)
    assert found.bound_usd <= best[1].objective_usd * (1.0 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_solve_finds_what_brute_force_finds_with_it_too(table: Problem) -> None:
    best = brute_force(table).best
    with patch("placement.solve.LARGE_FROM", 0):
        if best is None:
            with pytest.raises(InfeasibleError):
                solve(table, gap=0.0)
            return
        solution = solve(table, gap=0.0)
    assert solution.evaluation.objective_usd == pytest.approx(best[1].objective_usd, rel=1e-7)
    assert solution.gap <= 1e-6


def test_of_the_pools_that_do_not_fit_together_the_right_one_is_opened() -> None:
    # One device: ten at 3 $ on p, or at 1 $ on q in 4 s each, which 10 s do not allow; both would need two devices.
    pools = (pool("p", "gpu"), pool("q", "gpu"))
    rows = tuple(operator(f"o{k}", (0, 1.0, 3.0), (1, 4.0, 1.0)) for k in range(10))
    table = problem(rows, chain(*map(OpNode, range(10))), pools=pools, counts=1, sla=Sla("worst", 10.0))
    found = search_bounded(prepare(table), 0.01, 5.0)
    assert found is not None
    assert found.placement is not None
    assert (found.placement.option, found.objective_usd) == ((0,) * 10, 30.0)
    assert found.bound_usd >= 29.7
