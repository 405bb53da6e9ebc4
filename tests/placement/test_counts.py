import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.counts import items, passes, quantile
from placement.problem import Block, FanoutNode, LoopNode
from placement.quantile import repeats

EMPTY = Block((), ())


def test_passes_by_hand() -> None:
    # 1 + G, G up to 2 with mean 0.75: q + q^2 = 0.75 at q = 0.5; P(1) = 0.5, P(2) = 0.25, P(3) = 0.25.
    assert passes(LoopNode("loop", 1.75, 3, EMPTY, 1)) == pytest.approx((0.0, 0.5, 0.25, 0.25))


def test_items_are_at_least_one_where_their_mean_is() -> None:
    # 1 + G as above; and G alone with mean 0.75.
    assert items(FanoutNode("fan", 1.75, 3, EMPTY)) == pytest.approx((0.0, 0.5, 0.25, 0.25))
    assert items(FanoutNode("fan", 0.75, 2, EMPTY)) == pytest.approx((0.5, 0.25, 0.25))
    assert items(FanoutNode("fan", 3.0, 3, EMPTY)) == pytest.approx((0.0, 0.0, 0.0, 1.0))
    assert items(FanoutNode("fan", 0.0, 3, EMPTY)) == pytest.approx((1.0, 0.0, 0.0, 0.0))


@given(st.integers(0, 2), st.integers(1, 12), st.floats(0.0, 1.0))
def test_they_sum_to_one_and_keep_the_mean(minimum: int, more: int, share: float) -> None:
    node = LoopNode("loop", minimum + share * more, minimum + more, EMPTY, minimum)
    found = passes(node)
    assert len(found) == node.max_iters + 1
    assert math.fsum(found) == pytest.approx(1.0)
    assert math.fsum(n * p for n, p in enumerate(found)) == pytest.approx(node.expect, abs=1e-9)


@given(st.integers(0, 1), st.integers(1, 8), st.floats(0.01, 0.99))
def test_the_quantile_is_that_of_the_metered_judge(minimum: int, more: int, share: float) -> None:
    node = LoopNode("loop", minimum + share * more, minimum + more, EMPTY, minimum)
    for stat, level in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert quantile(passes(node), level) == repeats(node, stat)  # type: ignore[arg-type]
