import math

from placement.kappa import FIRST_KAPPA, LEAST_KAPPA, MOST_KAPPA, brackets, following, learn, lowered


def search(threshold: float, solves: int = 8) -> list[float]:
    """The kappas tried for one agent that the judge accepts from `threshold` on."""
    known, kappas, tried, accepted = brackets(1), [FIRST_KAPPA], [], False
    for _ in range(solves):
        tried.append(kappas[0])
        holds = [kappas[0] >= threshold]
        accepted = accepted or holds[0]
        known = learn(known, kappas, holds)
        then = following(known, kappas, holds, accepted=accepted)
        if then is None:
            break
        kappas = then
    return tried


def test_eight_solves_find_the_smallest_kappa_that_is_accepted() -> None:
    for threshold in (-1.0, -0.8, -0.5, -0.2, 0.3, 0.9, 1.7, 2.6):
        accepted = [kappa for kappa in search(threshold) if kappa >= threshold]
        assert accepted, threshold
        assert min(accepted) - threshold <= 0.26, threshold


def test_kappa_stays_in_its_range() -> None:
    assert all(LEAST_KAPPA <= kappa <= MOST_KAPPA for threshold in (-5.0, 9.0) for kappa in search(threshold))
    assert search(-5.0)[-1] == LEAST_KAPPA


def test_an_agent_that_held_waits_until_a_whole_plan_was_accepted() -> None:
    known = learn(brackets(2), [0.0, 0.0], [True, False])
    assert following(known, [0.0, 0.0], [True, False], accepted=False) == [0.0, 0.5]
    assert following(known, [0.0, 0.0], [True, False], accepted=True) == [-0.5, 0.5]


def test_kappas_without_a_plan_are_lowered_until_the_least() -> None:
    assert lowered(brackets(1), [1.0]) == [0.0]
    assert lowered(brackets(1), [LEAST_KAPPA]) is None
    assert math.isinf(brackets(1).high[0])
