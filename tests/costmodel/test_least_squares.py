"""Least squares: curves and sums recovered from their own values, and outliers that do not count much."""

import numpy as np
import pytest

from costmodel.least_squares import least_relative_error, minimise, non_negative


def test_a_curve_is_recovered_from_its_values() -> None:
    x = np.linspace(0.1, 3, 30)
    y = 2.0 * np.exp(-0.7 * x)
    found = minimise(lambda at: np.log(at[0] * np.exp(-at[1] * x) / y), np.array([1.0, 0.1]))
    assert found == pytest.approx([2.0, 0.7], rel=1e-5)


def test_a_few_wild_values_do_not_carry_the_curve_away() -> None:
    x = np.linspace(0.1, 3, 60)
    y = 2.0 * x
    y[::12] *= 5
    found = minimise(lambda at: np.log(np.exp(at[0]) * x / y), np.array([0.0]))
    mean = np.log(y / x).mean()
    assert abs(found[0] - np.log(2)) < 0.02 < abs(mean - np.log(2))


def test_no_unknown_of_a_sum_is_negative() -> None:
    # 1 x a - 2 x b is nearest to b alone for b >= 0: a = 1 - 2 x (a . b) / (a . a) with b clamped to 0 gives 1 - 1 = 0.
    matrix = np.array([[1.0, 1.0], [1.0, 0.0]])
    assert non_negative(matrix, np.array([-1.0, 1.0])) == pytest.approx([0.0, 0.0], abs=1e-12)
    assert non_negative(matrix, np.array([3.0, 1.0])) == pytest.approx([1.0, 2.0])


def test_a_sum_with_a_known_part_and_least_values() -> None:
    # 2 x + 3 y + 1 with x = 1.5, y = 0.5; and with x at least 2, y makes up for it as far as it can.
    rng = np.random.default_rng(1)
    matrix = rng.uniform(1, 2, (50, 2))
    known = np.ones(50)
    wanted = matrix @ [1.5, 0.5] + known
    assert least_relative_error(matrix, wanted, known, np.zeros(2)) == pytest.approx([1.5, 0.5], rel=1e-6)
    bounded = least_relative_error(matrix, wanted, known, np.array([2.0, 0.0]))
    assert bounded[0] == pytest.approx(2.0, abs=0.05)
    assert bounded[1] < 0.5
