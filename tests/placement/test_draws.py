"""The random numbers of sampled runs."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placement import draws
from placement.draws import Draws, Seed

SEED = Seed(3, 1)
SIZES = st.lists(st.integers(0, 5), max_size=4)


def anew(sizes: Sequence[int]) -> list[list[float]]:
    """What the operator's generator gives: for each draw its normal variables and then its chances, over 0."""
    generator = SEED.generator("visit", 7)
    found: list[list[float]] = []
    for size in sizes:
        normal, chance = generator.standard_normal(size), generator.random(size)
        found.append([*normal.tolist(), *(1.0 - chance).tolist()])
    return found


def drawn(kept: Draws, sizes: Sequence[int]) -> list[list[float]]:
    numbers = kept.of(SEED, 7)
    return [np.concatenate(numbers.draw(size)).tolist() for size in sizes]


@settings(max_examples=100, deadline=None)
@given(st.lists(SIZES, min_size=1, max_size=4))
def test_what_is_kept_changes_no_number(asked: list[list[int]]) -> None:
    kept = Draws()
    for sizes in asked:
        assert drawn(kept, sizes) == anew(sizes)
        assert kept.visits == sum(len(normal) for rows in kept.by_operator.values() for normal, _ in rows)


@settings(max_examples=100, deadline=None)
@given(st.lists(SIZES, min_size=1, max_size=4), st.integers(0, 8))
def test_no_more_is_kept_than_there_is_room_for(asked: list[list[int]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draws, "MOST_KEPT", most)
        kept = Draws()
        for sizes in asked:
            assert drawn(kept, sizes) == anew(sizes)
            assert kept.visits <= most


def test_the_same_draw_is_not_drawn_again() -> None:
    kept = Draws()
    first = kept.of(SEED, 7).draw(4)
    assert kept.of(SEED, 7).draw(4)[0] is first[0]
    assert kept.of(SEED, 8).draw(4)[0] is not first[0]
    assert kept.of(Seed(4, 1), 7).draw(4)[0] is not first[0]
