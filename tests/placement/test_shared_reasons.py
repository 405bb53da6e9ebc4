"""The verdict on each option of a shared plan: hand sums."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ir.sla import Sla
from placement.problem import ChooseNode, OpNode
from placement.shared_again import Held, again
from placement.shared_problem import Budget, SharedProblem
from placement.shared_reasons import Place, SharedReason, shared_option_reasons
from placement.shared_solve import SharedSolution, solve_shared
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, at, level, op, shared

SLOW, FAST, DEAR, WIDE = 0, 1, 2, 3


def table(limit_s: float, **rest: object) -> SharedProblem:
    """0.2 runs a second of one call: 1 s for $1 an hour, or 0.2 s for $3; a slow level at $4, and a wide one."""
    levels = (
        level("slow", usd=1.0, cap=0.5),
        level("fast", usd=3.0, cap=0.5),
        level("dear", usd=4.0, cap=0.5),
        level("wide", usd=2.5, cap=0.5, tp=200),
    )
    row = op("a", (SLOW, 1.0, 0.0), (FAST, 0.2, 0.0), (DEAR, 1.0, 0.0), (WIDE, 0.15, 0.0))
    one = agent(levels, chain(OpNode(0)), row, rate=0.2, sla=Sla("mean", limit_s))
    return shared(levels, one, **rest)


def reasons(problem: SharedProblem) -> tuple[SharedReason, ...]:
    found = solve_shared(problem)
    taken = found.placement.agents[0].option[0]
    assert taken is not None
    held = Held(found.evaluation.usd_per_hour, found.gap, found.kappas)
    return shared_option_reasons(problem, held, Place(0, 0, frozenset([taken])), 30.0)


def test_dearer_dominated_and_out_of_devices() -> None:
    slow, fast, dear, wide = reasons(table(5.0))
    # One replica is enough of each: 0.2 calls of 1 s keep 20% of it busy.
    assert slow.verdict == "taken"
    assert (fast.verdict, fast.more_usd) == ("dearer", pytest.approx(2.0))
    assert (dear.verdict, dear.better) == ("dominated", SLOW)
    assert wide.verdict == "capacity"
    # The relaxation pays for the 0.08 of a replica that the fast level needs, and 0.4 of a slow one: less than 2.
    assert fast.reduced_cost_usd is not None
    assert fast.reduced_cost_usd <= 2.0 + 1e-9


def test_over_the_sla_by_how_much() -> None:
    slow, fast, *_ = reasons(table(0.5))
    # M/D/1 at 20%: 0.2 / (2 x 0.8) x 1 s = 0.125 s of waiting; 1.125 s is 0.625 over. Sampled, so within 0.02.
    assert fast.verdict == "taken"
    assert (slow.verdict, slow.over_s) == ("sla", pytest.approx(0.625, abs=0.02))


def test_over_a_budget() -> None:
    _, fast, *_ = reasons(table(5.0, budget=Budget(usd_per_hour=2.0)))
    assert fast.verdict == "budget"


def test_without_kappas_no_relaxation_is_solved() -> None:
    problem = table(5.0)
    found = shared_option_reasons(problem, Held(1.0, 0.0, ()), Place(0, 0, frozenset([SLOW])), 30.0)
    assert [each.reduced_cost_usd for each in found] == [None] * 4
    assert found[DEAR] == SharedReason("dearer", more_usd=pytest.approx(3.0))


def test_an_operator_of_another_alternative_is_judged_as_if_taken() -> None:
    problem = table(5.0)
    load = problem.agents[0]
    one, two = op("a", (SLOW, 1.0, 0.0)), op("b", (FAST, 0.2, 0.0))
    root = chain(ChooseNode(0, (chain(OpNode(0)), chain(OpNode(1)))))
    both = agent(problem.levels, root, one, two, rate=0.2, sla=load.problem.sla, choices=(("one", "two"),))
    problem = replace(problem, agents=(both,))
    (reason,) = shared_option_reasons(problem, Held(1.0, 0.0, ()), Place(0, 1, frozenset()), 30.0)
    assert (reason.verdict, reason.more_usd) == ("dearer", pytest.approx(2.0))


def test_a_plan_that_only_the_soft_search_finds_is_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[SharedProblem] = []

    def late(problem: SharedProblem, time_s: float, **how: Any) -> SharedSolution | str:
        asked.append(problem)
        return "undecided" if len(asked) == 1 else again(problem, time_s, **how)

    monkeypatch.setattr("placement.shared_reasons.again", late)
    _, fast, *_ = shared_option_reasons(table(5.0), Held(1.0, 0.0, ()), Place(0, 0, frozenset([SLOW])), 30.0)
    # The soft SLA is kept, so the level at $3 is 2 dollars dearer, and misses nothing.
    assert (fast.verdict, fast.more_usd) == ("dearer", pytest.approx(2.0))


def two_agents() -> SharedProblem:
    """The call of `table` for two agents, of which the second must take 0.5 s; each level is one pool for both."""
    problem = table(5.0)
    load = problem.agents[0]
    tight = replace(load, problem=replace(load.problem, name="tight", sla=Sla("mean", 0.5)))
    return replace(problem, agents=(load, tight))


def test_what_an_agent_cannot_have_even_alone_takes_no_plan_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def noted(problem: SharedProblem, time_s: float, **how: Any) -> SharedSolution | str:
        asked.append(len(problem.agents[1].problem.operators[0].options))
        return again(problem, time_s, **how)

    monkeypatch.setattr("placement.shared_reasons.again", noted)
    told: list[tuple[int, SharedReason]] = []
    found = shared_option_reasons(
        two_agents(), Held(3.0, 0.0, ()), Place(1, 0, frozenset([FAST])), 30.0, lambda *one: told.append(one)
    )
    # `slow` and `dear` take 1 s of 0.5; `wide` keeps the SLA, and the fleet has not its devices.
    assert [each.verdict for each in found] == ["sla", "taken", "sla", "capacity"]
    assert found[SLOW].over_s == pytest.approx(0.625, abs=0.02)
    assert asked == []
    assert sorted(told) == sorted(enumerate(found), key=lambda one: one[0])


def test_without_time_for_a_search_the_plan_with_the_operator_moved_bounds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placement.shared_reasons.again", lambda *_, **__: "undecided")
    monkeypatch.setattr("placement.shared_reasons.any_plan", lambda *_, **__: "undecided")
    problem = table(5.0)
    best = solve_shared(problem).placement
    held = Held(1.0, 0.0, (), start=best)
    found = shared_option_reasons(problem, held, Place(0, 0, frozenset([SLOW])), 30.0)
    # One replica at $3 or $4 in place of the one at $1; 200 devices of `wide` are not there.
    assert [(each.verdict, each.more_usd) for each in found] == [
        ("taken", None),
        ("most", pytest.approx(2.0)),
        ("most", pytest.approx(3.0)),
        ("unknown", None),
    ]


def test_a_level_that_serves_a_part_has_the_verdict_on_all_runs_there() -> None:
    # One big replica does 0.8 of one call a second, a small one the 0.2 left; all on big are two: 20 $ instead of 13,
    # and all on small three, of which there are two.
    levels = (level("big", cap=0.8, usd=10.0), level("small", cap=0.8, usd=3.0))
    one = agent(levels, chain(OpNode(0)), op("o", (0, 1.0, 0.0), (1, 2.0, 0.0)), rate=1.0)
    problem = shared(levels, one, counts=2)
    plan = at(0, replicas=(1, 1))
    held = Held(13.0, 0.0, (), True, replace(plan, routes={(0, 0): {0: 0.7, 1: 0.3}}))
    big, small = shared_option_reasons(problem, held, Place(0, 0, frozenset([0, 1])), 30.0)
    assert (big.verdict, small.verdict) == ("taken", "taken")
    assert big.whole is not None
    assert (big.whole.verdict, big.whole.more_usd) == ("dearer", pytest.approx(7.0))
    assert small.whole is not None
    assert small.whole.verdict == "capacity"
