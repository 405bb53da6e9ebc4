import pytest

from placement.check import ProblemError
from placement.prepared import Wait, prepare
from placement.problem import Block, BranchNode, ChooseNode, Edge, LoopNode, OpNode, Problem, Transfer
from tests.placement.problems import chain, operator, pool, problem

TABLE = {("p", "p"): Transfer(0.0, 0.0)}


def of(root: Block, operators: int, *edges: tuple[int, int], choices: int = 0) -> Problem:
    rows = tuple(operator(f"op{index}", (0, 1.0, 1.0)) for index in range(operators))
    found = tuple(Edge(src, dst, "place", 1.0, 1.0, TABLE) for src, dst in edges)
    return problem(rows, root, pools=(pool("p"),), edges=found, choices=(("one", "two"),) * choices)


def test_an_edge_follows_the_earlier_node_that_holds_its_source() -> None:
    # Operator 0 is inside a loop, 1 waits for the loop.
    prepared = prepare(of(chain(LoopNode("loop", 1.0, 2, chain(OpNode(0))), OpNode(1)), 2, (0, 1)))
    assert prepared.root.steps[1].waits == (Wait(0, (0,)),)
    assert prepared.root.steps[1].entering == ()


def test_an_edge_from_outside_or_from_a_node_not_waited_for_enters_at_the_beginning() -> None:
    # 0 -> 1 is captured by the loop's body; 2 -> 1 is carried around it.
    root = chain(OpNode(0), LoopNode("loop", 1.0, 2, chain(OpNode(1), OpNode(2))))
    prepared = prepare(of(root, 3, (0, 1), (2, 1)))
    body = prepared.root.steps[1].blocks[0]
    assert body.steps[0].entering == (0, 1)
    assert body.steps[1].waits == (Wait(0, ()),)


def test_a_node_waits_for_the_source_of_its_data_behind_the_nodes_it_waits_for() -> None:
    prepared = prepare(of(chain(OpNode(0), OpNode(1), OpNode(2)), 3, (0, 2)))
    assert prepared.root.steps[2].waits == (Wait(1, ()), Wait(0, (0,)))


def test_an_operator_needs_the_alternatives_around_it() -> None:
    inner = BranchNode("branch", (0.5, 0.5), (chain(ChooseNode(1, (chain(OpNode(1)), Block((), ())))), Block((), ())))
    root = chain(ChooseNode(0, (chain(OpNode(0)), chain(inner))), OpNode(2))
    assert prepare(of(root, 3, choices=2)).needs == (((0, 0),), ((0, 1), (1, 0)), ())


def test_a_problem_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ProblemError):
        prepare(of(Block((), ()), 1))
