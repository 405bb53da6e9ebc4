"""Today's placement: hand sums, rules that fit nothing, and that the judge of the plan judges it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from placement.evaluate import evaluate
from placement.infeasible import InfeasibleError
from placement.problem import OpNode, Problem
from placement.solve import solve
from placement.today import Agreed, Rule, Today, TodayError, today_of, unused
from tests.placement.problems import chain, operator, pool, problem, small_problems, worked_example


def today(**rules: str) -> Today:
    return Today("today", tuple(Rule(name, place, None, "f:1") for name, place in rules.items()), {})


def agreed(table: Problem, written: Today) -> Agreed:
    return today_of(table, written, [each.id for each in table.operators], 10.0)


def test_all_on_the_fast_device() -> None:
    # 80 + 25 = 105 ms; 0.08 + 0.03 = 0.11 USD.
    found = agreed(worked_example(0.120), today(prefill="HP", decode="HP"))
    assert found.evaluation.cost_usd == pytest.approx(0.11)
    assert found.evaluation.latency_s == pytest.approx(0.105)
    assert found.unsaid == ()


def test_a_placement_that_misses_the_sla_is_judged_all_the_same() -> None:
    # All on CO: 160 ms for 0.06 USD, 40 ms over.
    found = agreed(worked_example(0.120), today(prefill="CO", decode="CO"))
    (violation,) = found.evaluation.violations
    assert (violation.kind, violation.value) == ("sla", pytest.approx(0.160))
    assert found.evaluation.cost_usd == pytest.approx(0.06)


def test_what_is_not_said_is_placed_as_is_best() -> None:
    found = agreed(worked_example(0.120), today(prefill="HP"))
    assert found.evaluation.cost_usd == pytest.approx(0.095)
    assert found.unsaid == ("decode",)


def test_more_devices_than_the_fleet_has_are_a_broken_limit() -> None:
    operators = (operator("a", (0, 1.0, 1.0), (2, 1.0, 3.0)), operator("b", (1, 1.0, 1.0), (2, 1.0, 3.0)))
    pools = (pool("x", "gpu"), pool("y", "gpu"), pool("slow", "cpu"))
    table = problem(operators, chain(OpNode(0), OpNode(1)), pools=pools, counts=1)
    found = agreed(table, today(a="x", b="y"))
    assert [(each.kind, each.what, each.value) for each in found.evaluation.violations] == [("capacity", "gpu", 2)]


def test_an_agents_rule_comes_first_and_a_pattern_may_have_stars() -> None:
    table = worked_example(0.200)
    own = {table.name: (Rule("dec*", "C?", None, "f:1"),)}
    found = agreed(table, Today("today", (Rule("*", "HP", None, "f:2"),), own))
    assert found.evaluation.cost_usd == pytest.approx(0.095)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            Today("t", (), {"test": (Rule("nobody", "HP", None, "f:1"),)}),
            "f:1: test has no operator 'nobody'; use one of",
        ),
        (today(decode="H100"), "f:1: 'decode' of test cannot run on 'H100'; use HP, CO"),
        (today(prefill="CO", decode="HP"), "the rules leave no placement"),
    ],
)
def test_rules_that_fit_nothing_name_the_remedy(written: Today, told: str) -> None:
    with pytest.raises(TodayError, match=told.replace("?", r"\?")):
        agreed(worked_example(0.120), written)


def test_agents_and_operators_that_are_nowhere() -> None:
    written = Today("t", (Rule("nobody", "HP", None, "f:1"),), {"other": ()})
    assert list(unused(written, {"test": ["a", "b"]})) == [
        "there is no agent 'other'; use one of test",
        "f:1: there is no operator 'nobody'; use one of a, b",
    ]


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_no_rules_are_our_plan_and_its_own_places_cost_no_less(table: Problem) -> None:
    try:
        best = solve(table)
    except InfeasibleError:
        return
    free = agreed(table, Today("t", (), {}))
    assert free.evaluation.objective_usd == pytest.approx(best.evaluation.objective_usd, rel=1e-5, abs=1e-9)
    rows = zip(table.operators, best.placement.option, strict=True)
    taken = {each.id: table.pools[each.options[option].pool].id for each, option in rows if option is not None}
    found = agreed(table, today(**taken))
    assert found.evaluation == evaluate(table, found.placement)
    assert found.evaluation.objective_usd == pytest.approx(best.evaluation.objective_usd, rel=1e-5, abs=1e-9)
