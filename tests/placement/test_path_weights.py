import math
from itertools import islice

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from placement.brute_force import every_placement
from placement.evaluate import judge
from placement.path_weights import Weights, path_weights, weighs
from placement.prepared import prepare
from placement.problem import Block, BranchNode, Edge, LoopNode, OpNode, Problem, Transfer
from tests.placement.problems import chain, operator, parallel, pool, problem, small_problems


def weighed_s(weights: Weights, operator_s: tuple[float, ...], edge_s: tuple[float, ...]) -> float:
    operators = math.fsum(w * s for w, s in zip(weights.operators, operator_s, strict=True))
    return operators + math.fsum(w * s for w, s in zip(weights.edges, edge_s, strict=True))


@settings(max_examples=150, deadline=None)
@given(small_problems(), st.sampled_from([1e-6, 0.02, 1.0]))
def test_a_mixture_of_paths_is_never_longer_than_the_latency(table: Problem, soft_s: float) -> None:
    prepared = prepare(table)
    assume(weighs(prepared) and all(row.options for row in table.operators))
    seen = [judge(prepared, placement) for placement in islice(every_placement(prepared), 12)]
    for one in seen:
        weights = path_weights(prepared, one.operator_latency_s, one.edge_latency_s, soft_s)
        assert weights.latency_s == pytest.approx(one.latency_s, rel=1e-9, abs=1e-12)
        for other in seen:
            mixed = weighed_s(weights, other.operator_latency_s, other.edge_latency_s)
            assert mixed <= other.latency_s * (1.0 + 1e-9) + 1e-12
        sharp = path_weights(prepared, one.operator_latency_s, one.edge_latency_s, 1e-9)
        assert weighed_s(sharp, one.operator_latency_s, one.edge_latency_s) == pytest.approx(one.latency_s, abs=1e-6)


def test_the_weights_of_a_fork_by_hand() -> None:
    # a (1 s) and b (1 + ln 2 s) side by side at a softness of 1 s weigh 1 : 2; c after both weighs all of it, and so
    # does d, three times, in a loop of 3 passes at the worst.
    rows = tuple(operator(name, (0, 1.0, 0.0)) for name in "abcd")
    loop = LoopNode("again", 2.0, 3, chain(OpNode(3)))
    root = Block((OpNode(0), OpNode(1), OpNode(2), loop), ((), (), (0, 1), (2,)))
    prepared = prepare(problem(rows, root, pools=(pool("p"),)))
    weights = path_weights(prepared, [1.0, 1.0 + math.log(2.0), 1.0, 1.0], [], 1.0)
    assert weights.operators == pytest.approx([1 / 3, 2 / 3, 1.0, 3.0])


def test_alternatives_and_streams_have_no_weights() -> None:
    rows = tuple(operator(name, (0, 1.0, 0.0)) for name in "ab")
    edge = Edge(0, 1, "place", 1.0, 1.0, {("p", "p"): Transfer(0.0, 0.0)}, items=4.0)
    streamed = problem(rows, chain(OpNode(0), OpNode(1)), pools=(pool("p"),), edges=(edge,))
    assert not weighs(prepare(streamed))
    assert weighs(prepare(problem(rows, parallel(OpNode(0), OpNode(1)), pools=(pool("p"),))))
    branch = BranchNode("if", (0.5, 0.5), (chain(OpNode(0)), chain(OpNode(1))))
    assert weighs(prepare(problem(rows, chain(branch), pools=(pool("p"),))))
