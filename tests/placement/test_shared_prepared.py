import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.problem import BranchNode, FanoutNode, OpNode
from placement.shared_prepared import PreparedAgent, prepare_shared, with_options
from placement.shared_problem import SharedProblem
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared, small_shared

LEVELS = (level("a"),)


def nested(stat: str) -> PreparedAgent:
    """Two items, each of which has a branch and three items of its own."""
    root = chain(
        OpNode(0),
        FanoutNode(
            "outer",
            2.0,
            2,
            chain(
                FanoutNode("inner", 3.0, 3, chain(OpNode(1))),
                BranchNode("when", (0.5, 0.5), (chain(OpNode(2)), chain())),
            ),
        ),
    )
    rows = [op(name, (0, 1.0, 0.0)) for name in "opq"]
    one = agent(LEVELS, root, *rows, sla=Sla(stat, 9.0), groups=((0, 1), (1, 2)))  # type: ignore[arg-type]
    return prepare_shared(shared(LEVELS, one)).agents[0]


def test_batches_of_nested_fanouts_multiply_and_branches_thin_them() -> None:
    found = nested("mean")
    assert found.batches[0].position == (1.0,)
    assert found.batches[1].position == pytest.approx((1 / 6,) * 6)
    assert found.batch_calls[1] == pytest.approx(6.0)
    # None, one or two of the items with 1/4, 1/2, 1/4: a call is the first with 3/4 and the second with 1/4.
    assert found.batches[2].position == pytest.approx((0.75, 0.25))
    assert found.batch_calls[2] == pytest.approx(4 / 3)


def test_spreads_grow_with_the_items_at_once() -> None:
    assert nested("worst").spreads == pytest.approx((1.0, math.sqrt(2 * math.log(6)), math.sqrt(2 * math.log(2))))


def test_widths_follow_the_statistic() -> None:
    root = chain(FanoutNode("fan", 2.0, 8, chain(OpNode(0))))

    def spread(stat: str) -> float:
        one = agent(LEVELS, root, op("o", (0, 1.0, 0.0)), sla=Sla(stat, 9.0))  # type: ignore[arg-type]
        return prepare_shared(shared(LEVELS, one)).agents[0].spreads[0]

    # 1 + G, G with q of about 1/2 (q + .. + q^7 = 1): p50 is 1 or 2 items, p99 7 or 8.
    assert spread("mean") == pytest.approx(math.sqrt(2 * math.log(2.0)))
    assert spread("worst") == pytest.approx(math.sqrt(2 * math.log(8.0)))
    assert spread("p50") <= spread("mean") < spread("p95") < spread("p99") <= spread("worst")


def test_groups_that_share_a_member_are_one() -> None:
    assert nested("mean").group == (0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(small_shared())
def test_with_fewer_options_it_is_as_if_prepared_anew(problem: SharedProblem) -> None:
    fewer = replace(
        problem,
        agents=tuple(
            replace(
                one,
                services=tuple(services[:1] for services in one.services),
                problem=replace(
                    one.problem,
                    operators=tuple(replace(row, options=row.options[:1]) for row in one.problem.operators),
                ),
            )
            for one in problem.agents
        ),
    )
    assert with_options(prepare_shared(problem), fewer) == prepare_shared(fewer)
