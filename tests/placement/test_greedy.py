import pytest
from hypothesis import given, settings

from placement.brute_force import brute_force
from placement.evaluate import score
from placement.greedy import greedy
from placement.prepared import prepare
from placement.problem import OpNode, Placement, Problem
from tests.placement.problems import operator, parallel, pool, problem, small_problems, worked_example


@settings(max_examples=100, deadline=None)
@given(small_problems())
def test_greedy_never_beats_brute_force_and_claims_what_the_judge_says(problem: Problem) -> None:
    answer = greedy(prepare(problem))
    best = brute_force(problem).best
    if answer is None:
        return
    assert answer.score == score(prepare(problem), answer.placement)
    if answer.score.feasible:
        assert best is not None
        assert answer.score.objective_usd >= best[1].objective_usd * (1.0 - 1e-12)


def test_greedy_finds_the_worked_example() -> None:
    answer = greedy(prepare(worked_example(0.120)))
    assert answer is not None
    assert answer.placement == Placement((0, 1), ())


def test_greedy_makes_room_by_moving_all_users_of_a_pool() -> None:
    # Each operator is cheapest in a pool of its own (1 $), but the class has one device: both share pool 2 at 2 $.
    pools = tuple(pool(f"p{index}", "gpu") for index in range(3))
    operators = (operator("a", (0, 1.0, 1.0), (2, 1.0, 2.0)), operator("b", (1, 1.0, 1.0), (2, 1.0, 2.0)))
    answer = greedy(prepare(problem(operators, parallel(OpNode(0), OpNode(1)), pools=pools, counts=1)))
    assert answer is not None
    assert answer.score.feasible
    assert answer.score.cost_usd == pytest.approx(4.0)


def test_without_any_option_there_is_no_answer() -> None:
    assert greedy(prepare(problem((operator("a"),), parallel(OpNode(0)), pools=(pool("p"),)))) is None
