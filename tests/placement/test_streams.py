"""When a reader of a stream ends, in the judge and in the program, against sums by hand."""

from dataclasses import replace

import pytest
from hypothesis import find

from costmodel.stream import streamed_end_s
from ir.sla import Sla
from placement.evaluate import evaluate
from placement.milp_columns import Form
from placement.optimise import optimise
from placement.prepared import Source, Step, TimedBlock, Wait, prepare
from placement.problem import Block, ChooseNode, Edge, OpNode, Placement, Problem, Transfer
from placement.solve import Limits
from tests.placement.problems import FREE, chain, operator, pool, problem, small_problems


def pipeline(first_s: float, second_s: float, items: float | None, move_s: float = 0.0) -> Problem:
    """Two operators in two places, the second reading `items` items of the first."""
    table = {("A", "A"): FREE, ("B", "B"): FREE, ("A", "B"): Transfer(move_s, 0.0)}
    return problem(
        (operator("first", (0, first_s, 1.0)), operator("second", (1, second_s, 1.0))),
        chain(OpNode(0), OpNode(1)),
        pools=(pool("A"), pool("B")),
        edges=(Edge(0, 1, "place", 1.0, 1.0, table, items),),
        sla=Sla("mean", 100.0),
    )


def latency_s(asked: Problem) -> float:
    """Of the only placement, by the judge; the program must say the same."""
    found = optimise(prepare(asked), Form("latency", keep_sla=False, seconds=1e-3), Limits(gap=0.0))
    judged = evaluate(asked, Placement((0,) * len(asked.operators), (0,) * len(asked.choices)))
    assert found.objective == pytest.approx(judged.latency_s)
    return judged.latency_s


@pytest.mark.parametrize(
    ("times", "expected_s"),
    [
        ((4.0, 2.0, 4.0, 0.0), 4.5),  # 4 + 2/4: the last item comes late, so only its share is left
        ((2.0, 4.0, 4.0, 0.0), 4.5),  # 2/4 + 4: the reader is the slower one
        ((4.0, 2.0, 4.0, 1.0), 5.5),  # and an item is a second on the way
        ((4.0, 2.0, None, 1.0), 7.0),  # 4 + 1 + 2: the whole value
    ],
)
def test_two_operators(times: tuple[float, float, float | None, float], expected_s: float) -> None:
    assert latency_s(pipeline(*times)) == pytest.approx(expected_s)


@pytest.mark.parametrize("items", [1.5, 4.0, 100.0])
@pytest.mark.parametrize("times", [(4.0, 2.0), (2.0, 4.0), (3.0, 3.0)])
def test_two_operators_end_as_the_cost_model_derives(times: tuple[float, float], items: float) -> None:
    first_s, second_s = times
    expected_s = streamed_end_s(first_s / items, first_s, second_s, items)
    assert latency_s(pipeline(first_s, second_s, items)) == pytest.approx(expected_s)


def three(items: float) -> Problem:
    edges = tuple(Edge(one, one + 1, "place", 1.0, 1.0, {("A", "A"): FREE}, items) for one in (0, 1))
    rows = (operator("a", (0, 1.0, 1.0)), operator("b", (0, 3.0, 1.0)), operator("c", (0, 2.0, 1.0)))
    nodes = (OpNode(0), OpNode(1), OpNode(2))
    return problem(rows, chain(*nodes), pools=(pool("A"),), edges=edges, sla=Sla("mean", 4.75))


def test_three_in_a_row_are_a_flow_shop() -> None:
    # Of 4 items each takes 0.25 s, 0.75 s and 0.5 s: 0.25 + 4 x 0.75 + 0.5 s, the slowest without a pause.
    assert latency_s(three(4)) == pytest.approx(3.75)
    found = evaluate(three(4), Placement((0, 0, 0), ()))
    assert found.critical_path == (0, 1, 2)
    # The slowest n times and the others once is 4.75 s where a takes 3.5 s (3.5 + 0.75 + 0.5), b 4 s (0.25 + 4 + 0.5)
    # or c 3.75 s (0.25 + 0.75 + 3.75).
    assert found.slack_s == pytest.approx((2.5, 1.0, 1.75))


def chosen(other_s: float) -> Problem:
    """A choice of two ways to make items, each behind a step of its own, and their reader."""
    rows = (
        operator("p0", (0, 1.0, 1.0)),
        operator("d0", (0, 2.0, 1.0)),
        operator("p1", (0, other_s, 1.0)),
        operator("d1", (0, 2.0, 1.0)),
        operator("read", (0, 2.0, 1.0)),
    )
    choice = ChooseNode(0, (chain(OpNode(0), OpNode(1)), chain(OpNode(2), OpNode(3))))
    edges = tuple(Edge(src, 4, "place", 1.0, 1.0, {("A", "A"): FREE}, 8.0) for src in (1, 3))
    return problem(
        rows, chain(choice, OpNode(4)), pools=(pool("A"),), edges=edges, choices=(("one", "two"),), sla=Sla("mean", 9.0)
    )


def test_a_stream_comes_through_a_choice() -> None:
    asked = chosen(0.5)
    (_, reader) = prepare(asked).root.steps
    assert reader.waits == (Wait(0, (0, 1), 8.0, (Source(1, (0, 1)), Source(3, (1, 1)))),)
    # 1 + 2/8 + 2 = 3.25 s by the first way, 0.5 + 2/8 + 2 = 2.75 s by the second; 2/8 more for the last item
    ways = Placement((0, 0, None, None, 0), (0,)), Placement((None, None, 0, 0, 0), (1,))
    found = [evaluate(asked, way) for way in ways]
    assert [each.latency_s for each in found] == pytest.approx([3.25, 2.75])
    assert found[1].critical_path == (2, 3, 4)
    best = optimise(prepare(asked), Form("latency", keep_sla=False, seconds=1e-3), Limits(gap=0.0))
    assert (best.placement, best.objective) == (ways[1], pytest.approx(2.75))


@pytest.mark.parametrize(
    "change",
    [
        {"edges": (Edge(1, 4, "place", 1.0, 1.0, {("A", "A"): FREE}, 8.0),)},  # the other way gives no items
        {"edges": tuple(Edge(src, 4, "place", 1.0, 1.0, {("A", "A"): FREE}, n) for src, n in ((1, 8.0), (3, 4.0)))},
        {"edges": tuple(Edge(src, 4, "place", 1.0, 1.0, {("A", "A"): FREE}, n) for src, n in ((1, 8.0), (3, None)))},
    ],
)
def test_what_is_not_a_stream_whatever_is_chosen_is_awaited(change: dict[str, tuple[Edge, ...]]) -> None:
    (_, reader) = prepare(replace(chosen(0.5), **change)).root.steps
    assert [wait.items for wait in reader.waits] == [None]


def test_what_is_not_waited_for_directly_enters_the_block_whole() -> None:
    edges = (Edge(0, 1, "place", 1.0, 1.0, {("A", "A"): FREE}, 4.0),)
    rows = (operator("a", (0, 1.0, 1.0)), operator("b", (0, 1.0, 1.0)))
    side_by_side = problem(rows, Block((OpNode(0), OpNode(1)), ((), ())), pools=(pool("A"),), edges=edges)
    assert prepare(side_by_side).root.steps[1].entering == (0,)


def streams(block: TimedBlock) -> list[Step]:
    inner = [found for step in block.steps for each in step.blocks for found in streams(each)]
    return [*inner, *(step for step in block.steps if any(wait.items for wait in step.waits))]


def test_the_random_problems_have_streams() -> None:
    find(small_problems(), lambda asked: bool(streams(prepare(asked).root)))
