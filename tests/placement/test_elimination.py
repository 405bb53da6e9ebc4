from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from placement.elimination import least, order_of, plan_elimination

INF = float("inf")


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[np.ndarray], list[tuple[int, int]], list[np.ndarray]]:
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    ends = st.integers(0, len(sizes) - 1)
    pairs = [pair for pair in draw(st.lists(st.tuples(ends, ends), max_size=7)) if pair[0] != pair[1]]
    values = st.one_of(st.integers(0, 9).map(float), st.just(INF))
    single = [np.array(draw(st.lists(values, min_size=size, max_size=size))) for size in sizes]
    double = [
        np.array(draw(st.lists(values, min_size=sizes[a] * sizes[b], max_size=sizes[a] * sizes[b]))).reshape(
            sizes[a], sizes[b]
        )
        for a, b in pairs
    ]
    return single, pairs, double


@given(tables())
def test_the_least_sum_is_that_of_all_choices(
    table: tuple[list[np.ndarray], list[tuple[int, int]], list[np.ndarray]],
) -> None:
    single, pairs, double = table

    def total(chosen: tuple[int, ...]) -> float:
        found = sum(float(row[one]) for row, one in zip(single, chosen, strict=True))
        return found + sum(float(t[chosen[a], chosen[b]]) for (a, b), t in zip(pairs, double, strict=True))

    sizes = [len(row) for row in single]
    plan = plan_elimination(sizes, pairs, order_of(sizes, pairs))
    value, chosen = least(plan, single, double)
    assert value == min(total(each) for each in product(*map(range, sizes)))
    assert value == INF or total(tuple(chosen)) == value


def test_a_chain_needs_no_more_than_two_decisions_at_once() -> None:
    # Four options each: every table has at most 4 x 4 entries, the last 4: 3 x 16 + 4 = 52.
    pairs = [(0, 1), (1, 2), (2, 3)]
    plan = plan_elimination([4] * 4, pairs, order_of([4] * 4, pairs))
    assert (plan.largest, plan.total) == (16.0, 52.0)
