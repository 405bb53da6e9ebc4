"""Replanning a plan that splits traffic: unaffected routes stay to the last share, and the judge accepts the answer."""

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.carried_routes import carried
from placement.check import ProblemError
from placement.problem import DeviceCapacity, OpNode, Placement
from placement.ran import levels_of
from placement.replan import MovePrice
from placement.replan_routes import replan_routed
from placement.replan_shared import SharedReplan, replan_shared
from placement.replan_steps import Step
from placement.shared_change import label
from placement.shared_evaluate import judge_shared
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_routes import solve_routed
from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, busy_problems, level, op, shared

QUICK = Effort(time_limit_s=20.0, samples=500)
BIG, SMALL = level("big", cap=0.8, usd=10.0), level("small", cap=0.8, usd=3.0)
PAIR = (BIG, SMALL)


def flow(rate: float = 1.0, big: int = 9, small: int = 2) -> SharedProblem:
    """One operator of 1 s on `big` and 2 s on `small`, and another agent's of 1 s that is on `big` alone."""
    row, other = op("o", (0, 1.0, 0.0), (1, 2.0, 0.0)), op("p", (0, 1.0, 0.0))
    one = agent(PAIR, chain(OpNode(0)), row, rate=rate, name="one", sla=Sla("p95", 60.0))
    two = agent(PAIR, chain(OpNode(0)), other, rate=0.4, name="two")
    table = shared(PAIR, one, two)
    return replace(table, capacities=(DeviceCapacity("big", big), DeviceCapacity("small", small)))


BOTH = (Placement((0,), ()), Placement((0,), ()))
RUNNING = SharedPlacement(BOTH, (2, 1), {(0, 0): {0: 0.7, 1: 0.3}})
"""0.7 + 0.4 busy slots of two big ones, 0.6 of a small one's 0.8: 23 $ an hour."""


def test_where_nothing_changed_all_shares_stay() -> None:
    best = solve_routed(flow(), effort=QUICK).placement
    assert best.routes
    found = replan_routed(flow(), best, flow(), effort=QUICK)
    assert (found.placement, found.moved, found.steps) == (best, (), ())
    assert found.kept is not None
    assert found.kept.feasible


def test_a_plan_without_routes_is_replanned_as_before() -> None:
    running = SharedPlacement(BOTH, (2, 0))
    found, known = (each(flow(), running, flow(1.1), effort=QUICK) for each in (replan_routed, replan_shared))
    assert (found.placement, found.moved) == (known.placement, known.moved)


def test_a_plan_without_routes_gets_one_where_no_other_is_left() -> None:
    # 1.5 + 0.4 busy slots take three big ones of 0.8, and there are two; 3 of small ones take four, and there is one.
    running, after = SharedPlacement(BOTH, (2, 0)), flow(1.5, big=2, small=1)
    with pytest.raises((SharedInfeasibleError, SharedUndecidedError)):
        replan_shared(flow(), running, after, effort=QUICK)
    found = replan_routed(flow(), running, after, effort=QUICK)
    assert (found.placement.replicas, found.moved) == ((2, 1), ((0, 0),))
    assert found.after.feasible


def test_more_load_moves_a_part_where_devices_are_left() -> None:
    # 1.2 + 0.4 = 1.6 busy slots fill two big ones to their cap of 0.8. At 1.5 runs a second 0.3 more keep 0.6 of a
    # small one busy, of 0.8. There are two big ones, so 0.3 / 1.5 = 0.2 of the runs at least go there.
    found = replan_routed(flow(), RUNNING, flow(1.5, big=2), effort=QUICK)
    assert found.placement.replicas == (2, 1)
    assert (found.moved, found.forced) == (((0, 0),), ())
    small = found.placement.routes[0, 0][1]
    assert 0.2 - 1e-9 <= small <= 0.4 / 1.5 + 1e-9
    assert found.steps == (
        Step("route", label(BIG), "one.o", share=pytest.approx(1.0 - small)),
        Step("route", label(SMALL), "one.o", share=pytest.approx(small)),
    )


def test_where_a_move_costs_too_much_replicas_are_added_and_the_shares_stay() -> None:
    # At 1.3 runs a second 0.91 + 0.4 = 1.31 of two big ones' 1.6, and 0.78 of a small one's 0.8: everything stays. At
    # 1.5: 1.45 and 0.9, so a second small one starts; moving a part would save its 3 $.
    kept = replan_routed(flow(), RUNNING, flow(1.3), MovePrice(100.0), QUICK)
    assert (kept.placement, kept.steps) == (RUNNING, ())
    more = replan_routed(flow(), RUNNING, flow(1.5), MovePrice(100.0), QUICK)
    assert (more.placement.routes, more.placement.replicas, more.moved) == (RUNNING.routes, (2, 2), ())
    assert more.steps == (Step("start", label(SMALL)),)
    free = replan_routed(flow(), RUNNING, flow(1.5), effort=QUICK)
    assert (free.moved, free.after.usd_per_hour) == (((0, 0),), 23.0)


def test_a_lost_class_takes_its_part_of_the_traffic_elsewhere() -> None:
    # 1.4 busy slots fill two big ones up to 0.7.
    found = replan_routed(flow(), RUNNING, flow(small=0), effort=QUICK)
    assert (found.placement.routes, found.placement.replicas) == ({}, (2, 0))
    assert (found.moved, found.forced) == (((0, 0),), ())
    assert found.steps == (Step("stop", label(SMALL), interrupts=True), Step("route", label(BIG), "one.o"))


def test_an_agent_that_no_event_concerns_keeps_its_route_when_another_moves() -> None:
    # Another agent's operator on `spare`, which is lost, must go to `big`; the route of the first stays as it is.
    levels = (BIG, SMALL, level("spare", usd=1.0))
    rows = op("o", (0, 1.0, 0.0), (1, 2.0, 0.0)), op("q", (0, 1.0, 0.0), (2, 1.0, 0.0))
    agents = [
        agent(levels, chain(OpNode(0)), row, rate=r, name=n) for row, r, n in zip(rows, (1.0, 0.4), "ab", strict=True)
    ]
    before = shared(levels, *agents)
    running = SharedPlacement((Placement((0,), ()), Placement((1,), ())), (1, 1, 1), {(0, 0): {0: 0.7, 1: 0.3}})
    counts = tuple(replace(row, count=0) if row.device == "spare" else row for row in before.capacities)
    found = replan_routed(before, running, replace(before, capacities=counts), effort=QUICK)
    assert found.placement.routes == running.routes
    assert (found.placement.agents[1], found.moved, found.forced) == (Placement((0,), ()), ((1, 0),), ())
    assert found.placement.replicas == (2, 1, 0)  # 0.7 + 0.4 busy slots of `big`


def test_where_no_plan_is_left_that_is_said_and_other_agents_are_refused() -> None:
    with pytest.raises((SharedInfeasibleError, SharedUndecidedError)):
        replan_routed(flow(), RUNNING, flow(small=0, big=1), effort=QUICK)
    with pytest.raises(ProblemError, match="different agents"):
        replan_routed(flow(), RUNNING, replace(flow(), agents=()), effort=QUICK)


def test_routes_that_stay_load_their_levels_as_before() -> None:
    # The part on each level is an agent of its own: 0.7 and 0.3 runs a second of 1 and 2 s.
    problem, parts = carried(flow(), RUNNING, [(0, 0)])
    table = replace(problem, agents=(*problem.agents, *parts))
    whole = SharedPlacement((*BOTH, Placement((0,), ()), Placement((0,), ())), (2, 1))
    loads = [judge_shared(table, whole).levels, judge_shared(flow(), RUNNING).levels]
    assert [each.busy_slots for each in loads[0]] == pytest.approx([0.7 + 0.4, 0.6])
    assert [each.waiting_s for each in loads[0]] == pytest.approx([each.waiting_s for each in loads[1]])
    one = judge_shared(table, whole).agents[0]
    assert one.formula_s == pytest.approx(2.0 + one.waiting_s[0])  # the slowest route, with the waiting of the first


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(busy_problems(), st.sampled_from(["lost", "load", "price"]), st.integers(0, 2), st.sampled_from([0.0, 1.0]))
def test_the_judge_accepts_it_and_what_the_event_does_not_concern_stays(
    before: SharedProblem, kind: str, which: int, usd: float
) -> None:
    try:
        running = solve_routed(before, effort=QUICK).placement
    except (SharedInfeasibleError, SharedUndecidedError):
        assume(False)
        raise
    assume(running.routes)
    after = _event(before, kind, which)
    found = _answer(before, running, after, usd)
    if found is None:
        return
    verdict = judge_shared(after, found.placement, samples=QUICK.samples, seed=QUICK.seed)
    assert verdict.feasible
    assert verdict.usd_per_hour == found.after.usd_per_hour
    assert 0.0 <= found.gap <= 1.0
    if found.kept is not None and found.kept.feasible:
        assert verdict.objective_usd_per_hour + found.change_usd <= found.kept.objective_usd_per_hour * (1 + 1e-9)
        assert not found.forced
    may_move = _touched(before, running, kind, which)
    assert set(found.moved) - set(found.forced) <= may_move
    for place in {(a, o) for a, one in enumerate(before.agents) for o in range(len(one.problem.operators))}:
        was, now = levels_of(before, running, place), levels_of(after, found.placement, place)
        assert (was == now) == (place not in found.moved)
        assert math.fsum(now.values()) == pytest.approx(1.0)


def _touched(before: SharedProblem, running: SharedPlacement, kind: str, which: int) -> set[tuple[int, int]]:
    """What may move: all of an agent with more load; else what runs on the level of the event, in part or wholly."""
    found: set[tuple[int, int]] = set()
    name = label(before.levels[which % len(before.levels)])
    for index, load in enumerate(before.agents):
        places = {(index, operator) for operator in range(len(load.problem.operators))}
        if kind == "load":
            found |= places if index == which % len(before.agents) else set()
        else:
            found |= {place for place in places if name in levels_of(before, running, place)}
    return found


def _event(before: SharedProblem, kind: str, which: int) -> SharedProblem:
    if kind == "lost":
        at_row = which % len(before.levels)
        rows = enumerate(before.capacities)
        lost = (replace(row, count=max(0, row.count - 1)) if at == at_row else row for at, row in rows)
        return replace(before, capacities=tuple(lost))
    if kind == "load":
        chosen = which % len(before.agents)
        pairs = enumerate(before.agents)
        more = (replace(one, rate_per_s=1.2 * one.rate_per_s) if at == chosen else one for at, one in pairs)
        return replace(before, agents=tuple(more))
    chosen = which % len(before.levels)
    pairs = enumerate(before.levels)
    dearer = (replace(one, usd_per_hour=3.0 * one.usd_per_hour) if at == chosen else one for at, one in pairs)
    return replace(before, levels=tuple(dearer))


def _answer(before: SharedProblem, running: SharedPlacement, after: SharedProblem, usd: float) -> SharedReplan | None:
    try:
        return replan_routed(before, running, after, MovePrice(usd), QUICK)
    except (SharedInfeasibleError, SharedUndecidedError):
        return None
