"""Replanning shared pools: replicas follow the load, operators stay where no event concerns them."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.check import ProblemError
from placement.problem import DeviceCapacity, OpNode, Placement
from placement.replan import MovePrice
from placement.replan_shared import SharedReplan, replan_shared
from placement.replan_steps import Step
from placement.shared_change import label
from placement.shared_evaluate import judge_shared
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError, solve_shared
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, at, level, op, shared, small_shared

QUICK = Effort(time_limit_s=5.0, samples=500)
CHEAP, DEAR = level("cheap", usd=1.0), level("dear", usd=3.0)


def pair(rate: float = 1.0, **counts: int) -> SharedProblem:
    """Two operators of 0.5 s on either level: at one run a second each keeps half a replica busy, of the cap of 0.9."""
    levels = (CHEAP, DEAR)
    rows = op("first", (0, 0.5, 0.0), (1, 0.5, 0.0)), op("second", (1, 0.5, 0.0), (0, 0.5, 0.0))
    table = shared(levels, agent(levels, chain(OpNode(0), OpNode(1)), *rows, rate=rate, sla=Sla("mean", 30.0)))
    return replace(
        table, capacities=tuple(DeviceCapacity(row.device, counts.get(row.device, 9)) for row in table.capacities)
    )


RUNNING = at(0, 0, replicas=(1, 1))  # first on cheap, second on dear


def test_a_lost_device_moves_its_operators_only() -> None:
    # cheap is gone: dear takes 2 x 0.5 s x 1/s = 1 busy replica, over 0.9, so it has 2.
    found = replan_shared(pair(), RUNNING, pair(cheap=0), effort=QUICK)
    assert found.placement == at(1, 0, replicas=(0, 2))
    assert (found.moved, found.forced, found.before.usd_per_hour, found.after.usd_per_hour) == (((0, 0),), (), 4.0, 6.0)
    assert found.steps == (
        Step("stop", label(CHEAP), interrupts=True),
        Step("start", label(DEAR)),
        Step("route", label(DEAR), "agent.first"),
    )


def test_more_load_starts_replicas_before_it_moves_what_a_move_would_cost_too_much() -> None:
    # Three times the load: 1.5 busy replicas of each level, so 2 each. All on cheap would cost 4 instead of 8 an hour.
    found = replan_shared(pair(), RUNNING, pair(rate=3.0), MovePrice(100.0), QUICK)
    assert (found.placement, found.moved) == (at(0, 0, replicas=(2, 2)), ())
    assert found.steps == (Step("start", label(CHEAP)), Step("start", label(DEAR)))
    free = replan_shared(pair(), RUNNING, pair(rate=3.0), MovePrice(0.0), QUICK)
    assert (free.placement, free.moved, free.after.usd_per_hour) == (at(0, 1, replicas=(4, 0)), ((0, 1),), 4.0)


def test_where_no_plan_is_left_that_is_said() -> None:
    # Both together are one busy replica, over the cap of 0.9 of the one device that is left.
    with pytest.raises((SharedInfeasibleError, SharedUndecidedError)):
        replan_shared(pair(), RUNNING, pair(cheap=0, dear=1), effort=QUICK)


def test_a_plan_with_routes_and_other_agents_are_refused() -> None:
    routed = SharedPlacement(RUNNING.agents, (1, 1), {(0, 0): {0: 0.5, 1: 0.5}})
    with pytest.raises(ProblemError, match="routes"):
        replan_shared(pair(), routed, pair(), effort=QUICK)
    other = replace(pair(), agents=())
    with pytest.raises(ProblemError, match="different agents"):
        replan_shared(pair(), RUNNING, other, effort=QUICK)


@given(
    small_shared(),
    st.sampled_from(["lost", "load", "price"]),
    st.integers(0, 1),
    st.sampled_from([0.0, 1.0]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_judge_accepts_it_and_it_is_never_worse_than_keeping_all(
    before: SharedProblem, kind: str, which: int, usd: float, hurries: bool
) -> None:
    try:
        running = solve_shared(before, effort=QUICK).placement
    except (SharedInfeasibleError, SharedUndecidedError):
        assume(False)
        raise
    after = _event(before, kind, which)
    found = _answer(before, running, after, usd, replace(QUICK, enough_s=0.06) if hurries else QUICK)
    if found is None:
        return
    assert found.after.feasible
    if found.kept is not None and found.kept.feasible:
        total = found.after.objective_usd_per_hour + found.change_usd
        assert total <= found.kept.objective_usd_per_hour * (1 + 1e-9)
        assert not found.forced
    assert set(found.moved) - set(found.forced) <= _touched(before, running, kind, which)
    if kind == "load":
        agents = {agent for agent, _ in found.moved}
        assert found.forced or agents <= {which % len(before.agents)}


def _touched(before: SharedProblem, running: SharedPlacement, kind: str, which: int) -> set[tuple[int, int]]:
    """What may move: all of an agent with more load; else what runs on the class or level of the event, and groups."""
    found: set[tuple[int, int]] = set()
    for agent_at, (load, placement) in enumerate(zip(before.agents, running.agents, strict=True)):
        rows = load.problem.operators
        if kind == "load":
            found |= {(agent_at, index) for index in range(len(rows)) if agent_at == which % len(before.agents)}
            continue
        on = [None if option is None else rows[i].options[option].pool for i, option in enumerate(placement.option)]
        hit = {i for i, place in enumerate(on) if place is None or _hit(before, place, kind, which)}
        for group in load.problem.groups * len(load.problem.groups):
            hit |= set(group) if hit & set(group) else set()
        found |= {(agent_at, index) for index in hit}
    return found


def _hit(before: SharedProblem, place: int, kind: str, which: int) -> bool:
    if kind == "price":
        return place == which % len(before.levels)
    return which >= len(before.capacities) or before.levels[place].pool.device == before.capacities[which].device


def _event(before: SharedProblem, kind: str, which: int) -> SharedProblem:
    if kind == "lost":
        rows = before.capacities
        lost = (replace(row, count=max(0, row.count - 1)) if at == which else row for at, row in enumerate(rows))
        return replace(before, capacities=tuple(lost))
    if kind == "load":
        chosen = which % len(before.agents)
        more = (
            replace(one, rate_per_s=2.0 * one.rate_per_s) if at == chosen else one
            for at, one in enumerate(before.agents)
        )
        return replace(before, agents=tuple(more))
    chosen = which % len(before.levels)
    dearer = (
        replace(one, usd_per_hour=3.0 * one.usd_per_hour) if at == chosen else one
        for at, one in enumerate(before.levels)
    )
    return replace(before, levels=tuple(dearer))


def _answer(
    before: SharedProblem, running: SharedPlacement, after: SharedProblem, usd: float, effort: Effort
) -> SharedReplan | None:
    try:
        return replan_shared(before, running, after, MovePrice(usd), effort)
    except (SharedInfeasibleError, SharedUndecidedError):
        return None


def test_nothing_moves_where_nothing_changed() -> None:
    best = solve_shared(pair(), effort=QUICK).placement
    found = replan_shared(pair(), best, pair(), effort=QUICK)
    assert (found.placement.agents, found.moved, found.steps) == (best.agents, (), ())
    assert found.placement.agents == (Placement((0, 1), ()),)


def test_keeping_all_is_judged_as_if_it_were_drawn_anew() -> None:
    # Only the counts of devices change, so that its samples are those of the plan that runs.
    after = pair(cheap=0)
    found = replan_shared(pair(), RUNNING, after, effort=QUICK)
    assert found.kept is not None
    again = judge_shared(after, RUNNING, samples=QUICK.samples, seed=QUICK.seed)
    assert (found.kept.samples, found.kept.violations) == (again.samples, again.violations)
    assert found.kept.agents[0].latency_s == again.agents[0].latency_s
