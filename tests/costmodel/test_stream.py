from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import CostError
from costmodel.stream import streamed_end_s

TIMES = st.fractions(0, 10, max_denominator=20)


@pytest.mark.parametrize(
    ("reader_s", "expected_s"),
    [
        (4.0, 5.5),  # keeps pace: after the last item at 4.5 s only its own 4 s / 4 are left
        (8.0, 9.0),  # is slower: begins at 1 s and never waits
    ],
)
def test_a_reader_ends_after_its_own_work_or_after_the_last_item(reader_s: float, expected_s: float) -> None:
    assert streamed_end_s(1.0, 4.5, reader_s, 4) == expected_s


@given(first=TIMES, between=TIMES, reader=TIMES, items=st.integers(2, 30))
def test_the_formula_is_the_last_end_of_items_one_by_one(
    first: Fraction, between: Fraction, reader: Fraction, items: int
) -> None:
    free = Fraction(0)
    for k in range(items):
        free = max(free, first + k * between / (items - 1)) + reader / items
    got = streamed_end_s(float(first), float(first + between), float(reader), items)
    assert got == pytest.approx(float(free), rel=1e-12)
    assert got <= float(first + between + reader) * (1 + 1e-12)


def test_one_item_is_no_stream() -> None:
    assert streamed_end_s(3.0, 3.0, 2.0, 1) == 5.0


@pytest.mark.parametrize("asked", [(2.0, 1.0, 1.0, 1), (0.0, 1.0, -1.0, 1), (0.0, 1.0, 1.0, 0)])
def test_a_stream_that_is_none_is_refused(asked: tuple[float, float, float, float]) -> None:
    with pytest.raises(CostError, match="a stream of at least 1 item"):
        streamed_end_s(*asked)
