from dataclasses import replace

import numpy as np
import pytest

from ir.sla import Sla
from placement.evaluate import PlacementError
from placement.problem import Edge, OpNode, Transfer
from placement.shared_evaluate import judge_shared
from placement.shared_problem import Routes, SharedProblem
from tests.placement.problems import FREE, chain
from tests.placement.shared_problems import agent, at, level, op, shared

LEVELS = (level("a", slots=100), level("b", slots=100))
TABLE = {("a", "a"): FREE, ("b", "b"): FREE, ("a", "b"): Transfer(0.5, 0.1), ("b", "a"): Transfer(0.25, 0.2)}


def two_steps(stat: str = "mean", groups: tuple[tuple[int, ...], ...] = (), table=TABLE) -> SharedProblem:  # type: ignore[no-untyped-def,type-arg]
    rows = op("o", (0, 1.0, 0.0), (1, 2.0, 0.0)), op("p", (0, 1.0, 0.0), (1, 2.0, 0.0))
    edges = (Edge(0, 1, "place", 1.0, 1.0, table),)
    one = agent(
        LEVELS,
        chain(OpNode(0), OpNode(1)),
        *rows,
        edges=edges,
        groups=groups,
        sla=Sla(stat, 99.0),  # type: ignore[arg-type]
    )
    return shared(LEVELS, one)


def judged(problem: SharedProblem, routes: Routes, samples: int = 0):  # type: ignore[no-untyped-def]
    return judge_shared(problem, replace(at(0, 0, replicas=(1, 1)), routes=routes), samples=samples)


def test_a_route_splits_load_and_cost() -> None:
    found = judged(two_steps(), {(0, 0): {0: 0.75, 1: 0.25}})
    # o: 0.75 * 1 at a and 0.25 * 2 at b; p: 1 at a.
    assert [load.busy_slots for load in found.levels] == [1.75, 0.5]
    # Mean: 0.75 * 1 + 0.25 * 2 + 0.25 * 0.25 (b -> a) + 1; fees 0.25 * 0.2.
    assert found.agents[0].latency_mean_s == pytest.approx(2.3125)
    assert found.agents[0].fees_usd_per_run == pytest.approx(0.05)
    # The worst case takes the slowest route and the slowest transfer: 2 + 0.25 + 1.
    assert found.agents[0].latency_worst_s == pytest.approx(3.25)


def test_two_routes_are_apart_from_each_other_and_a_groups_are_one() -> None:
    routes = {(0, 0): {0: 0.75, 1: 0.25}, (0, 1): {1: 0.25, 0: 0.75}}
    apart = judged(two_steps(), routes)
    # 0.75 * 0.25 * 0.5 (a -> b) + 0.25 * 0.75 * 0.25 (b -> a), and 2 * 1.25.
    assert apart.agents[0].latency_mean_s == pytest.approx(2.5 + 0.09375 + 0.046875)
    together = judged(two_steps(groups=((0, 1),)), routes)
    assert together.feasible
    assert together.agents[0].latency_mean_s == pytest.approx(2.5)
    assert together.agents[0].fees_usd_per_run == 0.0
    # A pair of places that cannot exchange data matters only where some run needs it.
    within = {key: move for key, move in TABLE.items() if key[0] == key[1]}
    assert {each.kind for each in judged(two_steps(table=within), routes).violations} == {"transfer"}
    assert judged(two_steps(groups=((0, 1),), table=within), routes).feasible


def test_a_group_with_different_routes_is_broken() -> None:
    routes = {(0, 0): {0: 0.75, 1: 0.25}, (0, 1): {0: 0.5, 1: 0.5}}
    found = judged(two_steps(groups=((0, 1),)), routes)
    assert [each.kind for each in found.violations] == ["group"]


def test_sampled_runs_keep_their_routes() -> None:
    routes = {(0, 0): {0: 0.75, 1: 0.25}, (0, 1): {0: 0.75, 1: 0.25}}
    found = judged(two_steps(groups=((0, 1),)), routes, samples=4000).agents[0].sampled
    assert {round(float(one), 9) for one in np.unique(found.run_s)} == {2.0, 4.0}
    assert float((found.run_s > 3.0).mean()) == pytest.approx(0.25, abs=0.03)
    found = judged(two_steps(), routes, samples=4000).agents[0].sampled
    # a a: 2; b a: 2 + 0.25 + 1; a b: 1 + 0.5 + 2; b b: 4.
    assert {round(float(one), 9) for one in np.unique(found.run_s)} == {2.0, 3.25, 3.5, 4.0}
    assert found.mean_s == pytest.approx(2.640625, abs=0.05)


def test_a_split_queue_waits_less_than_a_full_one() -> None:
    levels = (level("a"), level("b"))
    one = agent(levels, chain(OpNode(0)), op("o", (0, 1.0, 1.0), (1, 1.0, 1.0)), rate=0.8)
    placement = at(0, replicas=(1, 1))
    full = judge_shared(shared(levels, one), placement)
    split = judge_shared(shared(levels, one), replace(placement, routes={(0, 0): {0: 0.5, 1: 0.5}}))
    # M/M/1 at 0.8 waits 4 s, at 0.4 (a random half of Poisson calls is Poisson) 0.4 / 0.6 s.
    assert full.agents[0].waiting_s == (pytest.approx(4.0),)
    assert split.agents[0].waiting_s == (pytest.approx(2 / 3),)


@pytest.mark.parametrize(
    "routes",
    [
        {(0, 0): {0: 0.75}},
        {(0, 0): {0: 1.5, 1: -0.5}},
        {(0, 0): {1: 1.0}},
        {(0, 0): {0: 0.5, 7: 0.5}},
        {(0, 9): {0: 1.0}},
        {(3, 0): {0: 1.0}},
    ],
)
def test_a_route_that_does_not_fit_is_refused(routes: Routes) -> None:
    with pytest.raises(PlacementError):
        judged(two_steps(), routes)
