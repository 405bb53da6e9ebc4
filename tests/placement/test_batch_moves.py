import time

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.batch_moves import better
from placement.decision_tables import tables_of
from placement.evaluate import score
from placement.prepared import prepare
from placement.problem import OpNode, Problem
from tests.placement.problems import chain, operator, pool, problem, small_problems


@settings(max_examples=100, deadline=None)
@given(small_problems())
def test_what_it_gives_keeps_the_sla_and_is_no_worse(table: Problem) -> None:
    prepared = prepare(table)
    tables = tables_of(prepared)
    if tables is None:
        return
    first = [0] * len(table.operators)
    before = score(prepared, tables.placement(first))
    found = better(tables, first, time.monotonic() + 5.0)
    if found is None:
        return
    after = score(prepared, tables.placement(found[1]))
    assert after.over_s == 0.0
    assert before.over_s > 0.0 or found[0] <= before.objective_usd * (1.0 + 1e-9) or before.broken > 0.0
    if found[0] < float("inf"):
        assert found[0] == pytest.approx(after.objective_usd, rel=1e-9)


def test_one_that_saves_dollars_is_tried_with_one_that_saves_seconds() -> None:
    # a fast and b slow, 2 + 4 = 6 s for 5 + 1 = 6 $; the other way round is 4 + 2 = 6 s for 1 + 3 = 4 $, and neither
    # step alone keeps 6 s and saves.
    rows = (operator("a", (0, 2.0, 5.0), (1, 4.0, 1.0)), operator("b", (0, 4.0, 1.0), (1, 2.0, 3.0)))
    table = problem(rows, chain(OpNode(0), OpNode(1)), pools=(pool("p"), pool("q")), sla=Sla("worst", 6.0))
    tables = tables_of(prepare(table))
    assert tables is not None
    assert better(tables, [0, 0], time.monotonic() + 5.0) == (4.0, [1, 1])
