"""When the runs of two plans are enough to tell what lies between them."""

from tests.gains.measure import settled


def test_the_two_fastest_runs_of_each_must_agree() -> None:
    # The gain is 2.00 - 1.40 = 0.60 s, 10% of which is 0.06 s, a fifth of that 0.012 s.
    assert settled([2.0, 2.01, 3.0], [1.41, 1.40])
    assert not settled([2.0, 2.02, 3.0], [1.41, 1.40])
    assert not settled([2.0, 2.01], [1.40, 1.55])


def test_runs_without_a_gain_go_on() -> None:
    assert not settled([2.0, 2.001], [2.0, 2.001])
