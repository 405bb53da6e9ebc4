import math
from dataclasses import replace

import pytest

from ir.sla import Sla
from placement.check import ProblemError, check_problem
from placement.problem import (
    Block,
    BranchNode,
    ChooseNode,
    DeviceCapacity,
    Edge,
    FanoutNode,
    LoopNode,
    OpNode,
    Problem,
    Transfer,
)
from tests.placement.problems import chain, operator, pool, problem

EMPTY = Block((), ())


def sound() -> Problem:
    return problem((operator("a", (0, 1.0, 1.0)),), chain(OpNode(0)), pools=(pool("p"),))


def with_node(node: BranchNode | LoopNode | FanoutNode | ChooseNode) -> Problem:
    return replace(sound(), root=chain(OpNode(0), node))


def test_a_sound_problem_passes() -> None:
    check_problem(sound())


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (replace(sound(), pools=(pool("p", tp=0),)), "pool p takes 0 devices"),
        (replace(sound(), capacities=()), "pool p is of device class p, which has no capacity row"),
        (replace(sound(), capacities=(DeviceCapacity("p", 1), DeviceCapacity("p", 2))), "two capacity rows"),
        (replace(sound(), capacities=(DeviceCapacity("p", -1),)), "class p has -1 devices"),
        (replace(sound(), operators=(operator("a", (1, 1.0, 1.0)),)), "operator a names pool 1 of 1"),
        (replace(sound(), operators=(operator("a", (0, -1.0, 1.0)),)), "operator a has latency_s -1.0"),
        (replace(sound(), operators=(operator("a", (0, 1.0, math.nan)),)), "operator a has cost_usd nan"),
        (replace(sound(), operators=(operator("a", visits=math.inf),)), "operator a has inf visits"),
        (replace(sound(), edges=(Edge(0, 1, "place", 1.0, 1.0, {}),)), "edge 0 -> 1: no operator"),
        (replace(sound(), edges=(Edge(0, 0, "place", 1.0, -1.0, {}),)), "edge a -> a has -1.0 visits"),
        (
            replace(sound(), edges=(Edge(0, 0, "place", 1.0, 1.0, {("p", "p"): Transfer(-1.0, 0.0)}),)),
            r"edge a -> a, places \('p', 'p'\)",
        ),
        (replace(sound(), groups=((0, 3),)), r"group \(0, 3\) names operator 3"),
        (replace(sound(), penalty_usd_per_s=-1.0), "penalty_usd_per_s is -1.0"),
        (replace(sound(), sla=Sla("worst", 0.0)), "its limit must be positive"),
        (replace(sound(), root=EMPTY), "operator a is run by 0 nodes"),
        (replace(sound(), root=chain(OpNode(0), OpNode(0))), "operator a is run by 2 nodes"),
        (replace(sound(), root=chain(OpNode(0), OpNode(1))), "a node runs operator 1, which is absent"),
        (replace(sound(), root=Block((OpNode(0),), ((0,),))), r"node 0 waits for \(0,\)"),
        (replace(sound(), root=Block((OpNode(0),), ())), "one waits_for row for each of its nodes"),
        (with_node(BranchNode("b", (0.5, 0.4), (EMPTY, EMPTY))), "branch b: probabilities sum to 0.9"),
        (with_node(BranchNode("b", (1.0,), (EMPTY, EMPTY))), "branch b: one probability for each block"),
        (with_node(LoopNode("l", 4.0, 3, EMPTY)), "expect 4.0 <= max_iters 3 fails"),
        (with_node(LoopNode("l", 1.0, 3, EMPTY, minimum=2)), "minimum 2 <= expect 1.0"),
        (with_node(FanoutNode("f", 4.0, 3, EMPTY)), "expect 4.0 <= max_width 3 fails"),
        (with_node(ChooseNode(0, (EMPTY,))), "choice 0, which is absent"),
        (replace(with_node(ChooseNode(0, (EMPTY,))), choices=(("x", "y"),)), "one block for each alternative"),
        (
            replace(sound(), root=chain(OpNode(0), LoopNode("l", 1.0, 1, EMPTY), FanoutNode("l", 1.0, 1, EMPTY))),
            "two nodes have the id 'l'",
        ),
    ],
)
def test_a_problem_that_contradicts_itself_is_refused_by_name(broken: Problem, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        check_problem(broken)
