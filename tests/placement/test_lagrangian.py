import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.brute_force import brute_force
from placement.decision_tables import tables_of
from placement.lagrangian import start
from placement.prepared import prepare
from placement.problem import OpNode, Problem
from tests.placement.problems import chain, operator, pool, problem, small_problems


@settings(max_examples=150, deadline=None)
@given(small_problems())
def test_no_placement_costs_less_than_the_bound(table: Problem) -> None:
    tables = tables_of(prepare(table))
    best = brute_force(table).best
    if tables is None or best is None:
        return
    ascent = start(tables)
    before = ascent.bound_usd
    for _ in range(12):
        ascent.round()
        assert before <= ascent.bound_usd <= best[1].objective_usd * (1.0 + 1e-9)
        before = ascent.bound_usd


def test_a_price_on_seconds_raises_the_bound_to_the_relaxed_optimum() -> None:
    # Each of ten takes 4 s for 1 $ or 2 s for 3 $ under 30 s: five are fast, 5 x 1 + 5 x 3 = 20 $, where time alone
    # would say 10 $. At 1 $/s the two cost the same, 5 $, and 10 x 5 - 30 = 20 $ is the best bound.
    rows = tuple(operator(f"o{k}", (0, 4.0, 1.0), (1, 2.0, 3.0)) for k in range(10))
    table = problem(rows, chain(*map(OpNode, range(10))), pools=(pool("p"), pool("q")), sla=Sla("worst", 30.0))
    tables = tables_of(prepare(table))
    assert tables is not None
    ascent = start(tables)
    assert ascent.bound_usd == pytest.approx(10.0)
    for _ in range(60):
        ascent.round()
    assert 19.5 <= ascent.bound_usd <= 20.0


def test_a_limit_that_nothing_keeps_is_proven() -> None:
    rows = tuple(operator(f"o{k}", (0, 4.0, 1.0), (1, 2.0, 3.0)) for k in range(4))
    table = problem(rows, chain(*map(OpNode, range(4))), pools=(pool("p"), pool("q")), sla=Sla("worst", 7.0))
    tables = tables_of(prepare(table))
    assert tables is not None
    ascent = start(tables)
    for _ in range(40):
        ascent.round()
    assert ascent.bound_usd == float("inf")
