import math

from placement.moves import candidates, moved, neighbourhood, price
from placement.prepared import prepare
from placement.problem import ChooseNode, OpNode, Placement
from tests.placement.problems import chain, operator, parallel, pool, problem, worked_example

TWO = (pool("p"), pool("q"))


def test_groups_move_as_one_and_only_what_runs_moves() -> None:
    operators = tuple(operator(name, (0, 1.0, 1.0)) for name in "abcd")
    root = chain(OpNode(0), ChooseNode(0, (chain(OpNode(1)), chain(OpNode(2)))), OpNode(3))
    table = problem(operators, root, pools=TWO, groups=((0, 1), (1, 3), (0, 2)), choices=(("one", "two"),))
    # Operator 1 ties 0 to 3; where it does not run, 0 and 2 are tied.
    assert neighbourhood(prepare(table), (0,)).units == ((0, 1, 3),)
    assert neighbourhood(prepare(table), (1,)).units == ((0, 2), (3,))


def test_a_group_can_go_to_each_shared_pool_at_its_cheapest_and_its_fastest() -> None:
    operators = (operator("a", (0, 1.0, 2.0), (0, 2.0, 1.0), (1, 1.0, 1.0)), operator("b", (0, 1.0, 1.0)))
    prepared = prepare(problem(operators, parallel(OpNode(0), OpNode(1)), pools=TWO, groups=((0, 1),)))
    assert candidates(prepared, (0, 1)) == [(1, 0), (0, 0)]
    assert candidates(prepared, (0,)) == [(0,), (1,), (2,)]


def test_a_move_changes_the_unit_only() -> None:
    assert moved(Placement((0, 1, None), (2,)), (1,), (0,)) == Placement((0, 0, None), (2,))


def test_the_price_of_a_unit_is_its_own_and_that_of_its_transfers() -> None:
    around = neighbourhood(prepare(worked_example(0.120)), ())
    # Prefill at HP 0.08 $, KV to CO 0.005 $; at 1 $/s also 0.080 + 0.010 s.
    assert math.isclose(price(around, (0, 1), (0,), 0.0), 0.085)
    assert math.isclose(price(around, (0, 1), (0,), 1.0), 0.175)
    assert math.isclose(price(around, (0, None), (0,), 0.0), 0.08)
    assert price(around, (1, 0), (0,), 0.0) == math.inf
