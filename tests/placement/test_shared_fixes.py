"""Single changes of shared problems: hand sums, and every one is shown to have a plan."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_brute_force import brute_force_shared
from placement.shared_conflict import SharedConflict, conflict
from placement.shared_feasible import feasibility
from placement.shared_fixes import SharedFix, SharedFixes, single_fixes
from placement.shared_problem import Budget, SharedProblem
from placement.shared_terms import loosened, terms_of
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared, small_shared
from tests.placement.test_shared_conflict import two_agents


def fixes(problem: SharedProblem, time_s: float = 30.0) -> SharedFixes:
    def table(_: object) -> SharedProblem:
        return problem

    standing = conflict(table, terms_of(problem), time.monotonic() + time_s)
    return single_fixes(table, standing, time.monotonic() + time_s)


def test_a_budget_and_an_sla_each_by_itself() -> None:
    # 5 + 1 = 6 $/h with the fast level; both on the slow one cost 1 $/h: 0.2 busy slots, 1 s and waiting of
    # 0.2 / 0.8 * 1 / 2 = 0.125 s, on more replicas of it less, at 1 $/h each. A lower rate of rag frees nothing: its
    # level is paid whole.
    found = fixes(two_agents(0.5, 5.5))
    texts = [fix.text for fix in found.found]
    assert "budget 5.5 $/h -> 6 $/h" in texts
    (longer,) = (fix for fix in found.found if fix.term.kind == "sla")
    assert 1.0 < longer.after < 1.02 * 1.125
    assert longer.usd_per_hour in (1.0, 2.0, 3.0, 4.0, 5.0)
    assert found.open == ()


def test_more_devices_or_fewer_runs() -> None:
    # 4 runs/s of 0.5 s are 2 busy slots; one device at 0.9 serves 1.8 runs/s, three serve 5.4.
    levels = (level("slow", "gpu", usd=2.0),)
    row = agent(levels, chain(OpNode(0)), op("a", (0, 0.5, 0.0)), rate=4.0, sla=Sla("mean", 60.0), name="rag")
    found = fixes(shared(levels, row, counts=1))
    by_kind = {fix.term.kind: fix for fix in found.found}
    assert set(by_kind) == {"devices", "rate"}
    assert by_kind["devices"].text == "+2 gpu"
    assert by_kind["devices"].usd_per_hour == 6.0
    assert 1.7 < by_kind["rate"].after <= 1.8
    assert by_kind["rate"].usd_per_hour == 2.0
    assert found.found[0] is by_kind["rate"], "the cheapest first"


def test_watts_and_carbon() -> None:
    levels = (level("slow", usd=1.0, watts=300.0, gco2e_per_hour=70.0),)
    row = agent(levels, chain(OpNode(0)), op("a", (0, 0.5, 0.0)), rate=0.1, sla=Sla("mean", 60.0))
    assert [fix.text for fix in fixes(shared(levels, row, budget=Budget(watts=200.0))).found] == [
        "budget 200 W -> 300 W"
    ]
    assert [fix.text for fix in fixes(shared(levels, row, budget=Budget(gco2e_per_hour=7.0))).found] == [
        "budget 7 gCO2e/h -> 70 gCO2e/h"
    ]


def test_without_time_every_limit_stays_open() -> None:
    problem = two_agents(0.5, 5.5)
    terms = terms_of(problem)
    found = single_fixes(lambda _: problem, SharedConflict(terms[-2:], True, True), time.monotonic())
    assert found.found == ()
    assert [term.kind for term in found.open][:2] == ["sla", "sla"]


def test_a_change_grows_until_the_search_for_a_plan_finds_one() -> None:
    problem = two_agents(0.05, 9.0)
    asked: list[float] = []

    def verify(_: object, value: float, time_s: float) -> tuple[float, float] | None:
        asked.append(value)
        return (7.0, 0.0) if len(asked) == 3 else None

    standing = conflict(lambda _: problem, terms_of(problem), time.monotonic() + 30.0)
    (fix,) = single_fixes(lambda _: problem, standing, time.monotonic() + 30.0, verify).found
    assert fix == SharedFix(standing.limits[0], asked[2], 7.0, 0.0)
    assert asked[1] == pytest.approx(1.01 * asked[0], rel=1e-3)
    assert asked[2] == pytest.approx(1.03 * asked[0], rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(small_shared())
def test_every_change_has_a_plan_and_none_costs_less_than_the_best(problem: SharedProblem) -> None:
    end = time.monotonic() + 60.0
    if feasibility(problem, end).plan is not None:
        return
    for fix in fixes(problem).found:
        changed = loosened(problem, fix.term, fix.after)
        assert feasibility(changed, end).plan is not None or fix.gap is not None
        if all(each.problem.sla is None or each.problem.sla.stat == "worst" for each in changed.agents):
            best = brute_force_shared(changed).best
            assert best is not None
            assert fix.usd_per_hour >= best[1].usd_per_hour - 1e-9
