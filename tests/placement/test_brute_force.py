import pytest

from placement.brute_force import TooManyPlacementsError, brute_force
from placement.problem import Placement
from tests.placement.problems import worked_example


def test_the_worked_example_has_four_placements() -> None:
    found = brute_force(worked_example(0.120))
    assert found.count == 4
    assert found.best is not None
    assert found.best[0] == Placement((0, 1), ())
    assert found.fastest is not None
    assert found.fastest[0] == Placement((0, 0), ())


def test_nothing_is_best_where_no_placement_keeps_the_limits() -> None:
    found = brute_force(worked_example(0.100))
    assert found.best is None
    assert found.fastest is not None
    assert found.fastest[1].latency_s == pytest.approx(0.105)


def test_a_problem_that_is_too_large_is_refused() -> None:
    with pytest.raises(TooManyPlacementsError, match="4 placements, over the limit of 3"):
        brute_force(worked_example(0.120), most=3)
