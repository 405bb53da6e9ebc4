from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings

from placement.brute_force import every_placement
from placement.decision_tables import tables_of
from placement.evaluate import score
from placement.prepared import prepare
from placement.problem import OpNode, Problem
from tests.placement.problems import chain, operator, pool, problem, small_problems


@settings(max_examples=100, deadline=None)
@given(small_problems())
def test_arrays_say_what_the_judge_says(table: Problem) -> None:
    prepared = prepare(table)
    tables = tables_of(prepared)
    if tables is None:
        return
    placements = list(islice(every_placement(prepared), 30))
    chosen = np.array([placement.option for placement in placements], dtype=np.intp).T
    usd, seconds = tables.judge(chosen)
    for index, placement in enumerate(placements):
        found = score(prepared, placement)
        assert tables.placement(chosen[:, index].tolist()) == placement
        if np.isfinite(usd[index]):
            assert usd[index] == pytest.approx(found.cost_usd, rel=1e-9)
            assert seconds[index] == pytest.approx(found.latency_s, rel=1e-9)
        else:
            assert found.broken > 0.0


def test_only_the_options_of_open_pools_are_left() -> None:
    rows = (operator("a", (0, 1.0, 3.0), (1, 2.0, 1.0)), operator("b", (1, 1.0, 1.0)))
    tables = tables_of(prepare(problem(rows, chain(OpNode(0), OpNode(1)), pools=(pool("p"), pool("q")))))
    assert tables is not None
    narrow = tables.within(frozenset({1}))
    assert narrow is not None
    assert narrow.kept == ((1,), (0,))
    assert narrow.placement([0, 0]).option == (1, 0)
    assert tables.within(frozenset({0})) is None
