import pytest

from ir.sla import Sla
from placement.problem import Edge, OpNode
from placement.shared_evaluate import judge_shared
from tests.placement.problems import FREE, chain
from tests.placement.shared_problems import agent, at, level, op, shared


def test_waiting_is_no_part_of_an_item() -> None:
    # Source and reader at one server each, rho = 0.5, no deviation (M/D/1 waits 0.5 s of 1 s at c = 1).
    levels = (level("a"), level("b"))
    edge = Edge(0, 1, "place", 1.0, 1.0, {("a", "b"): FREE}, 4.0)
    rows = op("source", (0, 1.0, 0.0)), op("reader", (1, 1.0, 0.0))
    one = agent(levels, chain(OpNode(0), OpNode(1)), *rows, edges=(edge,), rate=0.5, sla=Sla("mean", 9.0))
    found = judge_shared(shared(levels, one), at(0, 0, replicas=(1, 1)))
    # First item at 0.5 + 0.25; the reader waits 0.5 and takes 1: 2.25 s; the source's last item is at 1.5, plus 0.25.
    assert found.agents[0].waiting_s == (pytest.approx(0.5), pytest.approx(0.5))
    assert found.agents[0].latency_s == pytest.approx(2.25)
    # 6.75 s to spare; a longer source delays the reader by a quarter of it, up to its own end at 9 - 0.25 + 1.5 later.
    assert found.agents[0].slack_s[1] == pytest.approx(6.75)
    assert found.agents[0].slack_s[0] == pytest.approx(9.0 - 1.5 - 0.25)


def test_an_empty_queue_gives_the_streams_of_the_metered_judge() -> None:
    levels = (level("a", slots=1000),)
    edge = Edge(0, 1, "place", 1.0, 1.0, {("a", "a"): FREE}, 4.0)
    rows = op("source", (0, 4.0, 0.0)), op("reader", (0, 2.0, 0.0))
    one = agent(levels, chain(OpNode(0), OpNode(1)), *rows, edges=(edge,), rate=1e-3)
    # max(1 + 2, 4 + 2 / 4)
    assert judge_shared(shared(levels, one), at(0, 0, replicas=(1,))).agents[0].latency_s == pytest.approx(4.5)
