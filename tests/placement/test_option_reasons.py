"""The verdict on each option: hand sums, and against brute force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings

from placement.brute_force import brute_force
from placement.infeasible import InfeasibleError
from placement.option_reasons import OptionReason, option_reasons
from placement.problem import OpNode, Problem
from placement.restrict import restrict
from placement.solve import solve
from tests.placement.problems import chain, operator, pool, problem, small_problems, worked_example


def reasons(table: Problem, index: int) -> tuple[OptionReason, ...]:
    return option_reasons(table, solve(table), index)


def test_over_the_sla_by_how_much() -> None:
    # Prefill on CO takes 130 ms, with decode there 160 ms: 40 over 120; CO has no link to HP.
    hp, co = reasons(worked_example(0.120), 0)
    assert hp.verdict == "taken"
    assert (co.verdict, co.over_s) == ("sla", pytest.approx(0.040))


def test_dearer_by_how_much() -> None:
    # Decode on HP: 0.08 + 0.03 = 0.11, against 0.095.
    hp, co = reasons(worked_example(0.120), 1)
    assert (hp.verdict, hp.more_usd, co.verdict) == ("dearer", pytest.approx(0.015), "taken")
    assert hp.reduced_cost_usd is not None
    assert hp.reduced_cost_usd <= 0.015 + 1e-9


def test_dominated_by_which() -> None:
    table = problem(
        (operator("a", (0, 1.0, 1.0), (1, 2.0, 2.0), (2, 1.0, 1.0)),), chain(OpNode(0)), pools=tuple(map(pool, "xyz"))
    )
    assert [(each.verdict, each.better) for each in reasons(table, 0)] == [
        ("taken", None),
        ("dominated", 0),
        ("dominated", 0),
    ]


def test_a_link_that_is_missing() -> None:
    # From CO, where prefill would be, no KV goes to HP; only decode on CO remains, and there is none of it here.
    table = worked_example(1.0)
    prefill, decode = table.operators
    table = replace(table, operators=(prefill, replace(decode, options=decode.options[:1])))
    assert [each.verdict for each in reasons(table, 0)] == ["taken", "links"]


def test_a_pool_that_does_not_fit_exceeds_the_capacity() -> None:
    table = problem(
        (operator("a", (0, 2.0, 2.0), (1, 1.0, 3.0)),),
        chain(OpNode(0)),
        pools=(pool("x"), pool("big", "y", tp=4)),
        counts=2,
    )
    assert [each.verdict for each in reasons(table, 0)] == ["taken", "capacity"]


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_the_verdict_is_that_of_brute_force(table: Problem) -> None:
    assume(not table.choices)  # elsewhere a restricted operator may not run at all
    try:
        solution = solve(table)
    except InfeasibleError:
        return
    best = solution.evaluation.objective_usd
    for index, each in enumerate(table.operators):
        for option, reason in enumerate(option_reasons(table, solution, index)):
            row = each.options[option]
            with_it = restrict(table, lambda at, other, row=row, index=index: at != index or other is row).problem
            found = brute_force(with_it).best
            if reason.verdict in ("dearer", "equal"):
                assert found is not None
                assert reason.more_usd is not None
                assert found[1].objective_usd == pytest.approx(best + reason.more_usd, rel=1e-5, abs=1e-9)
            if reason.verdict in ("sla", "capacity", "links"):
                assert found is None
