import pytest
from hypothesis import assume, given, settings

from ir.sla import Sla
from placement.brute_force import brute_force
from placement.evaluate import evaluate
from placement.explain import explain
from placement.moves import moved
from placement.problem import ChooseNode, Edge, OpNode, Placement, Problem
from tests.placement.problems import FREE, chain, operator, parallel, pool, problem, small_problems, worked_example

TWO = (pool("p"), pool("q"))


def test_the_worked_example() -> None:
    # Prefill at HP, decode at CO: 0.120 s, 0.095 $.
    prefill, decode = explain(worked_example(0.120), Placement((0, 1), ()))
    assert prefill is not None
    assert decode is not None
    assert (prefill.operator, prefill.pool, prefill.critical, prefill.slack_s) == ("prefill", "HP", True, 0.0)
    # Prefill at CO: 0.160 s, 0.06 $: 0.035 $ less, 0.040 s over.
    assert prefill.runner_up is not None
    assert (prefill.runner_up.pool, prefill.runner_up.option) == ("CO", 1)
    assert prefill.runner_up.reason == "$0.035 cheaper, misses the SLA by 40 ms"
    assert [one.kind for one in prefill.runner_up.violations] == ["sla"]
    # Decode at HP: 0.11 $: 0.015 $ more.
    assert decode.runner_up is not None
    assert decode.runner_up.reason == "$0.015 dearer"
    assert decode.runner_up.more_usd == pytest.approx(0.015)


def test_capacity_and_links_are_reasons() -> None:
    pools = (pool("p", "gpu"), pool("q", "gpu"))
    operators = (operator("a", (0, 1.0, 2.0), (1, 1.0, 1.0)), operator("b", (0, 1.0, 2.0)))
    table = problem(operators, parallel(OpNode(0), OpNode(1)), pools=pools, counts=1)
    first, second = explain(table, Placement((0, 0), ()))
    assert first is not None
    assert first.runner_up is not None
    assert first.runner_up.reason == "$1 cheaper, needs 2 gpu of 1"
    assert second is not None
    assert second.runner_up is None
    _, decode = explain(worked_example(1.0), Placement((1, 1), ()))
    assert decode is not None
    assert decode.runner_up is not None
    assert decode.runner_up.reason == "$0.02 dearer, no link for prefill at CO -> decode at HP"


def test_an_option_that_no_link_reaches_comes_last() -> None:
    # b at q would be cheapest, but p cannot reach q; r is dearer than p and can be reached.
    pools = (pool("p"), pool("q"), pool("r"))
    operators = (operator("a", (0, 1.0, 1.0)), operator("b", (0, 1.0, 2.0), (1, 1.0, 1.0), (2, 1.0, 3.0)))
    table = {("p", "p"): FREE, ("p", "r"): FREE}
    edges = (Edge(0, 1, "place", 1.0, 1.0, table),)
    _, found = explain(problem(operators, chain(OpNode(0), OpNode(1)), pools=pools, edges=edges), Placement((0, 0), ()))
    assert found is not None
    assert found.runner_up is not None
    assert (found.runner_up.pool, found.runner_up.reason) == ("r", "$1 dearer")


def test_a_group_moves_as_one() -> None:
    operators = tuple(operator(name, (0, 1.0, 1.0), (1, 1.0, 1.0)) for name in "ab")
    table = problem(operators, parallel(OpNode(0), OpNode(1)), pools=TWO, groups=((0, 1),), sla=Sla("p95", 3.0))
    first, second = explain(table, Placement((0, 0), ()))
    assert first is not None
    assert second is not None
    assert (first.moves_with, second.moves_with) == (("b",), ("a",))
    assert first.runner_up is not None
    assert first.runner_up.reason == "as cheap"
    # 3 s limit, 1 s taken.
    assert first.slack_s == 2.0


def test_operators_that_do_not_run_have_no_explanation() -> None:
    operators = (operator("a", (0, 1.0, 1.0)), operator("b", (0, 1.0, 1.0)))
    root = chain(ChooseNode(0, (chain(OpNode(0)), chain(OpNode(1)))))
    found = explain(problem(operators, root, pools=TWO, choices=(("one", "two"),)), Placement((None, 0), (1,)))
    assert found[0] is None
    assert found[1] is not None


@settings(max_examples=50, deadline=None)
@given(small_problems(most_operators=4))
def test_no_runner_up_of_an_optimal_plan_is_both_allowed_and_cheaper(problem: Problem) -> None:
    best = brute_force(problem).best
    assume(best is not None)
    assert best is not None
    for operator_index, found in enumerate(explain(problem, best[0])):
        if found is None or found.runner_up is None or found.moves_with:
            continue
        then = evaluate(problem, moved(best[0], (operator_index,), (found.runner_up.option,)))
        assert then.violations == found.runner_up.violations
        assert then.objective_usd == pytest.approx(best[1].objective_usd + found.runner_up.more_usd)
        assert then.violations or found.runner_up.more_usd >= -1e-9 * best[1].objective_usd
