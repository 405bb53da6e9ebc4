import math
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from placement.brute_force import brute_force
from placement.evaluate import evaluate
from placement.problem import Placement, Problem
from tests.placement.problems import small_problems


def slower(problem: Problem, placement: Placement, operator: int, seconds: float) -> Problem:
    """The problem with the operator's chosen option longer by `seconds`."""
    row = problem.operators[operator]
    options = list(row.options)
    chosen = placement.option[operator]
    assert chosen is not None
    options[chosen] = replace(options[chosen], latency_s=options[chosen].latency_s + seconds)
    operators = list(problem.operators)
    operators[operator] = replace(row, options=tuple(options))
    return replace(problem, operators=tuple(operators))


@settings(max_examples=80, deadline=None)
@given(small_problems(most_operators=4, sla=True), st.data())
def test_slack_is_exactly_what_one_visit_may_take_longer(problem: Problem, data: st.DataObject) -> None:
    fastest = brute_force(replace(problem, penalty_usd_per_s=None)).fastest
    assume(fastest is not None)
    assert fastest is not None
    assert problem.sla is not None
    placement = fastest[0]
    chosen = [operator for operator, option in enumerate(placement.option) if option is not None]
    assume(chosen)
    operator = data.draw(st.sampled_from(chosen))
    before = evaluate(problem, placement)
    slack_s = before.slack_s[operator]
    assert slack_s is not None
    if math.isinf(slack_s):
        assert evaluate(slower(problem, placement, operator, 1e3), placement).latency_s == before.latency_s
        return
    assume(before.latency_s <= problem.sla.limit_s)
    at_limit = evaluate(slower(problem, placement, operator, slack_s), placement)
    assert at_limit.latency_s == pytest.approx(problem.sla.limit_s)
    assert evaluate(slower(problem, placement, operator, slack_s + 1e-3), placement).latency_s > problem.sla.limit_s


@settings(max_examples=80, deadline=None)
@given(small_problems(most_operators=4, sla=True))
def test_the_run_takes_longer_when_any_operator_of_the_critical_path_does(problem: Problem) -> None:
    fastest = brute_force(problem).fastest
    assume(fastest is not None)
    assert fastest is not None
    found = evaluate(problem, fastest[0])
    for operator in found.critical_path:
        assert evaluate(slower(problem, fastest[0], operator, 0.01), fastest[0]).latency_s > found.latency_s
    if found.latency_s > 0.0 and not problem.edges:
        assert found.critical_path
