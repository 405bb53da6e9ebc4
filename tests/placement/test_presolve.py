import pytest
from hypothesis import given, settings

from placement.brute_force import brute_force
from placement.evaluate import evaluate
from placement.prepared import prepare
from placement.presolve import presolve
from placement.problem import Edge, LoopNode, OpNode, Problem, Transfer
from tests.placement.problems import FREE, chain, operator, parallel, pool, problem, small_problems


@settings(max_examples=100, deadline=None)
@given(small_problems())
def test_presolve_keeps_the_optimum(problem: Problem) -> None:
    reduced = presolve(prepare(problem))
    best, left = brute_force(problem), brute_force(reduced.problem)
    assert (best.best is None) == (left.best is None)
    if best.best and left.best:
        assert left.best[1].objective_usd == pytest.approx(best.best[1].objective_usd, rel=1e-12)
        restored = evaluate(problem, reduced.restore(left.best[0]))
        assert restored.objective_usd == left.best[1].objective_usd
    if best.fastest and left.fastest:
        assert left.fastest[1].latency_s == pytest.approx(best.fastest[1].latency_s, rel=1e-12)


def kept(table: Problem) -> tuple[tuple[int, ...], ...]:
    return presolve(prepare(table)).kept


TWO = (pool("p"), pool("q"))


def test_an_option_that_is_slower_and_dearer_is_dropped_and_of_equal_ones_the_first_stays() -> None:
    row = operator("a", (0, 1.0, 1.0), (1, 2.0, 1.0), (1, 0.5, 2.0), (1, 1.0, 1.0))
    assert kept(problem((row,), parallel(OpNode(0)), pools=TWO)) == ((0, 2),)


def test_where_devices_are_scarce_another_pool_is_no_substitute() -> None:
    # Pool q serves b as well: moving a to p would open a second pool of the class's one device.
    pools = (pool("p", "gpu"), pool("q", "gpu"))
    operators = (operator("a", (0, 1.0, 1.0), (1, 2.0, 2.0)), operator("b", (1, 1.0, 1.0)))
    root = parallel(OpNode(0), OpNode(1))
    assert kept(problem(operators, root, pools=pools, counts=1)) == ((0, 1), (0,))
    assert kept(problem(operators, root, pools=pools, counts=2)) == ((0,), (0,))
    alone = (operator("a", (0, 1.0, 1.0), (1, 2.0, 2.0)), operator("b", (0, 1.0, 1.0)))
    assert kept(problem(alone, root, pools=pools, counts=1)) == ((0,), (0,))


def test_members_of_a_group_keep_an_option_in_each_pool() -> None:
    operators = tuple(operator(name, (0, 1.0, 1.0), (1, 2.0, 2.0), (1, 3.0, 3.0)) for name in "ab")
    root = parallel(OpNode(0), OpNode(1))
    assert kept(problem(operators, root, pools=TWO, groups=((0, 1),))) == ((0, 1), (0, 1))


def transfers(back: Transfer | None) -> dict[tuple[str, str], Transfer]:
    table = {("p", "p"): FREE, ("q", "q"): FREE}
    return table | ({("p", "q"): back} if back else {})


@pytest.mark.parametrize(
    ("transfer", "left"),
    [
        (Transfer(0.5, 0.5), (0,)),  # 1.0 s and 1 $ are saved, at most 0.5 s and 0.5 $ lost
        (Transfer(1.5, 0.5), (0, 1)),  # 1.5 s may be lost
        (Transfer(0.5, 1.5), (0, 1)),  # 1.5 $ may be lost
        (None, (0, 1)),  # p reaches no q
    ],
)
def test_an_option_is_dropped_only_if_the_worst_transfer_cannot_make_up(
    transfer: Transfer | None, left: tuple[int, ...]
) -> None:
    operators = (operator("a", (0, 1.0, 1.0), (1, 2.0, 2.0)), operator("b", (1, 1.0, 1.0)))
    edges = (Edge(0, 1, "place", 1.0, 1.0, transfers(transfer)),)
    assert kept(problem(operators, chain(OpNode(0), OpNode(1)), pools=TWO, edges=edges))[0] == left


def test_a_transfer_that_each_pass_of_a_loop_pays_again_is_not_made_up_by_one_visit() -> None:
    # a's value is captured by b in a loop of 3: 3 * 0.5 s against the 1 s that a saves at p.
    operators = (operator("a", (0, 1.0, 1.0), (1, 2.0, 2.0)), operator("b", (1, 1.0, 1.0)))
    edges = (Edge(0, 1, "place", 1.0, 3.0, transfers(Transfer(0.5, 0.0))),)
    root = chain(OpNode(0), LoopNode("loop", 3.0, 3, chain(OpNode(1))))
    assert kept(problem(operators, root, pools=TWO, edges=edges))[0] == (0, 1)
