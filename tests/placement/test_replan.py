"""Replanning: it keeps limits, moves only what it must, and is never worse than keeping everything."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ir.sla import Sla
from placement.brute_force import brute_force
from placement.check import ProblemError
from placement.evaluate import judge
from placement.infeasible import InfeasibleError
from placement.prepared import prepare
from placement.problem import DeviceCapacity, OpNode, Option, Placement, Problem
from placement.replan import MovePrice, Replan, replan
from placement.replan_change import change
from placement.replan_steps import Step
from placement.solve import solve
from tests.placement.problems import chain, operator, pool, problem, small_problems

PATIENT = {"time_limit_s": 60.0, "gap": 0.0}


def two(limit_s: float | None = None, count: int = 1) -> Problem:
    """Two operators after one another, each on `quick` (0.1 s) or `slow` (0.3 s), and a third pool for the first."""
    table = problem(
        (
            operator("first", (0, 0.1, 1.0), (1, 0.3, 2.0), (2, 0.2, 3.0)),
            operator("second", (1, 0.3, 1.0), (0, 0.1, 4.0)),
        ),
        chain(OpNode(0), OpNode(1)),
        pools=(pool("quick"), pool("slow"), pool("third")),
        sla=Sla("worst", limit_s) if limit_s else None,
    )
    return replace(table, capacities=tuple(DeviceCapacity(row.device, count) for row in table.capacities))


def without(table: Problem, device: str, count: int = 0) -> Problem:
    rows = (replace(row, count=count) if row.device == device else row for row in table.capacities)
    return replace(table, capacities=tuple(rows))


RUNNING = Placement((0, 0), ())


def test_only_the_operators_of_the_lost_device_move() -> None:
    # second stays on slow; first takes the cheaper of slow (2) and third (3): 2 + 1 = 3 dollars.
    found = replan(two(), RUNNING, without(two(), "quick"))
    assert found.placement == Placement((1, 0), ())
    assert (found.moved, found.forced, found.before.cost_usd, found.after.cost_usd) == ((0,), (), 2.0, 3.0)
    assert found.steps == (Step("stop", "quick", interrupts=True), Step("route", "slow", "first"))
    assert found.kept is not None
    assert not found.kept.feasible


def test_another_operator_moves_only_where_the_limit_would_break() -> None:
    # slow is lost and second needs quick: 0.1 + 0.1 s. With 0.25 s and quick lost, nothing is left.
    found = replan(two(0.4), RUNNING, without(two(0.4), "slow"))
    assert (found.placement, found.moved, found.forced) == (Placement((0, 1), ()), (1,), ())
    # The event makes second slower: 0.1 + 0.4 s breaks 0.45 s, and moving second itself suffices.
    slower = two(0.45)
    late = replace(slower.operators[1], options=(replace(slower.operators[1].options[0], latency_s=0.4),))
    only = replace(slower, operators=(slower.operators[0], late))
    with pytest.raises(InfeasibleError):
        replan(two(0.45), RUNNING, only)


def test_a_bystander_is_forced_to_move_where_no_other_plan_keeps_the_limit() -> None:
    # second becomes 0.05 s slower on its one pool: 0.3 + 0.25 > 0.5, so first, which nothing touched, must be faster.
    table = problem(
        (operator("first", (0, 0.3, 1.0), (1, 0.1, 2.0)), operator("second", (2, 0.2, 1.0))),
        chain(OpNode(0), OpNode(1)),
        pools=(pool("slow"), pool("quick"), pool("only")),
        sla=Sla("worst", 0.5),
    )
    late = replace(table, operators=(table.operators[0], operator("second", (2, 0.25, 1.0))))
    found = replan(table, Placement((0, 0), ()), late)
    assert (found.placement, found.moved, found.forced) == (Placement((1, 0), ()), (0,), (0,))
    assert found.steps == (
        Step("start", "quick"),
        Step("route", "quick", "first"),
        Step("drain", "slow"),
        Step("stop", "slow"),
    )


@pytest.mark.parametrize(("runs", "moved"), [(3, ()), (20, (0,))])
def test_a_move_must_pay_for_itself_over_the_runs_it_is_given(runs: int, moved: tuple[int, ...]) -> None:
    # quick becomes 1.5 dearer than slow for first, so a move saves 0.5 a run; it costs 5 once: it pays from 10 runs on.
    dearer = replace(two().operators[0], options=(Option(0, 0.1, 2.5), *two().operators[0].options[1:]))
    after = replace(two(), operators=(dearer, two().operators[1]))
    found = replan(two(), RUNNING, after, MovePrice(5.0, runs))
    assert found.moved == moved
    assert found.change_usd == 5.0 * len(moved)


def test_an_event_that_concerns_nobody_moves_nothing() -> None:
    found = replan(two(count=2), RUNNING, without(two(), "third", count=1))
    assert (found.placement, found.moved, found.steps) == (RUNNING, (), ())


def test_another_agent_is_refused() -> None:
    other = problem((operator("else", (0, 0.1, 1.0)),), chain(OpNode(0)), pools=(pool("quick"),))
    with pytest.raises(ProblemError, match="different operators"):
        replan(two(), RUNNING, other)


@st.composite
def events(draw: st.DrawFn) -> tuple[Problem, Placement, Problem]:
    """A problem, its best placement, and the problem after an event."""
    table = draw(small_problems())
    best = brute_force(table).best
    assume(best is not None)
    assert best is not None
    kind = draw(st.sampled_from(["lost", "price", "sla", "row"]))
    after = table
    if kind == "lost":
        device = draw(st.sampled_from([row.device for row in table.capacities]))
        after = without(table, device, draw(st.integers(0, 2)))
    elif kind == "sla":
        after = replace(table, sla=Sla("worst", draw(st.integers(1, 30)) * 0.01))
    else:
        changed = draw(st.integers(0, len(table.pools) - 1))
        factor = draw(st.sampled_from([0.0, 0.5, 2.0]))
        after = replace(table, operators=tuple(_changed(row, changed, factor, kind) for row in table.operators))
    return table, best[0], after


def _changed(row, at: int, factor: float, kind: str):
    field = "cost_usd" if kind == "price" else "latency_s"
    options = (replace(o, **{field: getattr(o, field) * factor}) if o.pool == at else o for o in row.options)
    return replace(row, options=tuple(options))


def answer(before: Problem, running: Placement, after: Problem, price: MovePrice) -> Replan | None:
    try:
        return replan(before, running, after, price, **PATIENT)
    except InfeasibleError:
        return None


@given(events(), st.sampled_from([0.0, 1.0, 100.0]))
def test_the_judge_accepts_it_and_only_what_may_move_moves(event, usd: float) -> None:
    before, running, after = event
    found = answer(before, running, after, MovePrice(usd))
    assert (found is None) == (brute_force(after).best is None)
    if found is None:
        return
    assert judge(prepare(after), found.placement).feasible
    concerned = change(before, running, after).concerned
    assert set(found.forced) == set(found.moved) - concerned
    if found.forced:
        assert found.kept is None or not found.kept.feasible
    if found.kept is not None and found.kept.feasible:
        total = found.after.objective_usd + found.change_usd
        assert total <= found.kept.objective_usd * (1 + 1e-6) + 1e-12


@given(events())
def test_bystanders_move_only_where_all_in_place_leaves_no_plan(event) -> None:
    before, running, after = event
    found = answer(before, running, after, MovePrice())
    if found is None or not found.forced:
        return
    kept = change(before, running, after)
    stay = {index for index, option in enumerate(kept.kept) if option is not None and index not in kept.concerned}
    rows = (
        replace(row, options=(row.options[kept.kept[index] or 0],)) if index in stay else row
        for index, row in enumerate(after.operators)
    )
    fixed = brute_force(replace(after, operators=tuple(rows))).best
    # Either nothing keeps the limits, or only with another alternative, in which a bystander would not run any more.
    assert fixed is None or any(fixed[0].option[index] is None for index in stay)


@given(events(), st.sampled_from([0.0, 1.0]))
def test_the_bound_is_below_the_cost_and_the_gap_is_closed(event, usd: float) -> None:
    found = answer(*event, MovePrice(usd))
    if found is not None:
        total = found.after.objective_usd + found.change_usd
        assert found.bound_usd <= total
        assert total - found.bound_usd <= 1e-5 * max(total, 1e-9) or found.gap < 1e-5


def test_free_moves_of_everything_find_the_cheapest_plan() -> None:
    # A new SLA concerns every operator, so that with free moves the answer is the best there is.
    table = two(0.6)
    tight = replace(table, sla=Sla("worst", 0.25))
    found = replan(table, solve(table).placement, tight, **PATIENT)
    assert found.after.cost_usd == pytest.approx(solve(tight).evaluation.cost_usd)
