import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.brute_force import TooManyPlacementsError
from placement.problem import OpNode
from placement.shared_brute_force import brute_force_shared
from placement.shared_evaluate import judge_shared
from placement.shared_problem import SharedProblem
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, placed, shared, small_shared


def two_levels(rate: float, limit_s: float, counts: int = 3) -> SharedProblem:
    """A slow cheap level and a fast dear one."""
    levels = (level("slow", usd=1.0), level("fast", usd=2.5))
    return shared(
        levels,
        agent(levels, chain(OpNode(0)), op("o", (0, 1.0, 1.0), (1, 0.4, 0.4)), rate=rate, sla=Sla("mean", limit_s)),
        counts=counts,
    )


@pytest.mark.parametrize(
    ("rate", "limit_s", "option", "replicas", "usd"),
    [
        # Half a call a second: one slow replica takes 1 / (1 - 0.5) = 2 s; a limit of 1.5 s needs two slow ones
        # (C = 0.1, wait 0.1 / 1.5 = 0.067 s: 2 $) rather than a fast one (0.4 / 0.8 = 0.5 s: 2.5 $).
        (0.5, 2.5, 0, (1, 0), 1.0),
        (0.5, 1.5, 0, (2, 0), 2.0),
        (0.5, 0.9, 1, (0, 1), 2.5),
        # 1.8 calls a second are 1.8 of 3 slow slots (3 $, waits 0.3 s) or 0.72 of a fast one (0.4 / 0.28 = 1.43 s).
        (1.8, 1.5, 1, (0, 1), 2.5),
        (1.8, 1.35, 0, (3, 0), 3.0),
    ],
)
def test_the_cheapest_is_found_by_hand(
    rate: float, limit_s: float, option: int, replicas: tuple[int, int], usd: float
) -> None:
    best = brute_force_shared(two_levels(rate, limit_s)).best
    assert best is not None
    assert (best[0].agents[0].option, best[0].replicas, best[1].usd_per_hour) == ((option,), replicas, usd)


def test_nothing_is_feasible_and_the_oracle_says_so() -> None:
    assert brute_force_shared(two_levels(0.5, 0.3)).best is None


def test_another_objective() -> None:
    best = brute_force_shared(two_levels(0.5, 2.5), objective=lambda found: found.agents[0].latency_s).best
    assert best is not None
    assert best[0].replicas == (0, 3)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(TooManyPlacementsError):
        brute_force_shared(two_levels(0.5, 2.5, counts=1000), most=100)


def test_agents_share_a_replica_where_that_is_cheaper() -> None:
    levels = (level("a", slots=4, usd=1.0), level("b", slots=4, usd=1.0))
    agents = [agent(levels, chain(OpNode(0)), op("o", (0, 1.0, 0.0), (1, 1.0, 0.0)), name=name) for name in "xy"]
    best = brute_force_shared(shared(levels, *agents, counts=2)).best
    assert best is not None
    assert best[1].usd_per_hour == 1.0
    assert sorted(best[0].replicas) == [0, 1]


@settings(max_examples=60, deadline=None)
@given(small_shared(), st.data())
def test_no_feasible_placement_is_cheaper_than_the_oracles(problem: SharedProblem, data: st.DataObject) -> None:
    try:
        best = brute_force_shared(problem, most=1500).best
    except TooManyPlacementsError:
        return
    placement = placed(problem, data)
    other = None if placement is None else judge_shared(problem, placement)
    if best is None:
        assert other is None or not other.feasible
        return
    assert judge_shared(problem, best[0]).feasible
    assert other is None or not other.feasible or other.usd_per_hour >= best[1].usd_per_hour


def test_a_placement_of_two_agents_is_a_product() -> None:
    levels = (level("a", slots=4), level("b", slots=4))
    agents = [
        agent(levels, chain(OpNode(0)), op("o", (0, 0.1, 0.0), (1, 0.1, 0.0)), name=name, rate=0.1) for name in "xy"
    ]
    # Both at one level: 2 placements x 2 counts; apart: 2 placements x 2 x 2 counts.
    assert brute_force_shared(shared(levels, *agents, counts=2)).count == 2 * 2 + 2 * 2 * 2
