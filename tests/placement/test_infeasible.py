from dataclasses import replace

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.brute_force import brute_force
from placement.evaluate import evaluate
from placement.highs import Limits
from placement.infeasible import InfeasibleError, UndecidedError, diagnose
from placement.problem import ChooseNode, DeviceCapacity, Edge, OpNode, Problem
from placement.solve import solve
from tests.placement.problems import FREE, chain, operator, parallel, pool, problem, small_problems, worked_example

TWO = (pool("p"), pool("q"))
EXACT = Limits(gap=0.0)


@settings(max_examples=80, deadline=None)
@given(small_problems(sla=True))
def test_the_best_achievable_latency_is_that_of_brute_force(problem: Problem) -> None:
    problem = replace(problem, penalty_usd_per_s=None)
    found = brute_force(problem)
    if found.best is not None:
        with pytest.raises(UndecidedError, match="no limit stands in the way"):
            diagnose(problem, EXACT)
        return
    report = diagnose(problem, EXACT)
    assert (report.kind == "sla") == (found.fastest is not None)
    if found.fastest is None or report.placement is None or problem.sla is None:
        return
    assert report.value == pytest.approx(found.fastest[1].latency_s, rel=1e-9)
    # The smallest fix works, at the cost of the placement that comes with it.
    fixed = brute_force(replace(problem, sla=Sla(problem.sla.stat, report.value))).best
    assert fixed is not None
    assert evaluate(problem, report.placement).cost_usd == pytest.approx(fixed[1].cost_usd, rel=1e-6)
    if report.missing_devices:
        more = tuple(
            replace(row, count=row.count + report.missing_devices.get(row.device, 0)) for row in problem.capacities
        )
        assert brute_force(replace(problem, capacities=more)).best is not None


def test_the_sla_binds() -> None:
    report = diagnose(worked_example(0.100), EXACT)
    assert (report.kind, report.what, report.limit, report.proven) == ("sla", ("worst",), 0.100, True)
    assert report.value == pytest.approx(0.105)
    assert report.text == (
        "SLA worst 100 ms cannot be kept: the best achievable is 105 ms; smallest fix: SLA worst 100 ms -> 105 ms"
    )
    assert report.evaluation is not None
    assert report.evaluation.cost_usd == pytest.approx(0.11)


@pytest.mark.parametrize("limit_s", [1e-6, 1e-12, 1e-300])
def test_a_limit_far_below_every_time_is_diagnosed_too(limit_s: float) -> None:
    with pytest.raises(InfeasibleError, match="the best achievable is 105 ms"):
        solve(worked_example(limit_s))
    # Soft: all on HP costs 0.11 + 0.105 = 0.215, all on CO 0.06 + 0.16, split 0.095 + 0.12 = 0.215 too.
    soft = solve(replace(worked_example(limit_s), penalty_usd_per_s=1.0))
    assert soft.evaluation.objective_usd == pytest.approx(0.215 - limit_s, rel=1e-9)
    assert soft.gap == pytest.approx(0.0, abs=1e-6)


def test_the_limit_in_the_text_can_be_kept() -> None:
    # The best is 0.123456 s, which rounds to 123.5 ms and not 123.4.
    table = problem((operator("a", (0, 0.123412, 1.0)),), chain(OpNode(0)), pools=TWO, sla=Sla("worst", 0.1))
    assert diagnose(table, EXACT).text.endswith("100 ms -> 123.5 ms")


def test_more_devices_can_be_the_smaller_fix() -> None:
    # Fast pools of one class with one device: a and b need one each to make 1 s + 1 s; with one it is 1 s + 3 s.
    pools = (pool("fast_a", "gpu"), pool("fast_b", "gpu"), pool("slow", "cpu"))
    operators = (operator("a", (0, 1.0, 5.0), (2, 3.0, 1.0)), operator("b", (1, 1.0, 5.0), (2, 3.0, 1.0)))
    table = problem(operators, chain(OpNode(0), OpNode(1)), pools=pools, counts=1, sla=Sla("worst", 2.0))
    report = diagnose(table, EXACT)
    assert report.value == 4.0
    assert report.missing_devices == {"gpu": 1}
    assert report.text.endswith("smallest fix: SLA worst 2 s -> 4 s, or gpu 1 -> 2")


def test_an_operator_without_options_is_named() -> None:
    operators = (operator("a", (0, 1.0, 1.0)), operator("lonely"))
    with pytest.raises(InfeasibleError, match="no device can run lonely") as error:
        solve(problem(operators, chain(OpNode(0), OpNode(1)), pools=TWO))
    assert (error.value.report.kind, error.value.report.what) == ("option", ("lonely",))


def test_an_alternative_without_options_is_no_obstacle() -> None:
    operators = (operator("a", (0, 1.0, 1.0)), operator("lonely"))
    root = chain(ChooseNode(0, (chain(OpNode(1)), chain(OpNode(0)))))
    solution = solve(problem(operators, root, pools=TWO, choices=(("one", "two"),)))
    assert solution.placement.alternative == (1,)


def test_a_fleet_that_is_too_small_is_told_by_how_much() -> None:
    pools = (pool("big", "gpu", tp=4), pool("small", "gpu", tp=2))
    operators = (operator("a", (0, 1.0, 1.0)), operator("b", (0, 1.0, 1.0), (1, 1.0, 1.0)))
    table = problem(operators, parallel(OpNode(0), OpNode(1)), pools=pools, counts=1)
    report = diagnose(table, EXACT)
    assert (report.kind, report.what, report.value, report.limit) == ("capacity", ("gpu",), 4.0, 1.0)
    assert report.missing_devices == {"gpu": 3}
    assert report.text == "the fleet is too small; the smallest fix is gpu 1 -> 4"


def test_only_the_missing_class_is_named() -> None:
    operators = (operator("a", (0, 1.0, 1.0)), operator("b", (1, 1.0, 1.0)))
    table = Problem(
        "t", operators, TWO, (DeviceCapacity("p", 1), DeviceCapacity("q", 0)), (), chain(OpNode(0), OpNode(1))
    )
    assert diagnose(table, EXACT).missing_devices == {"q": 1}


def test_a_forbidden_transfer_is_named() -> None:
    operators = (operator("a", (0, 1.0, 1.0)), operator("b", (1, 1.0, 1.0)), operator("c", (0, 1.0, 1.0)))
    edges = tuple(Edge(src, dst, "place", 1.0, 1.0, {("p", "p"): FREE}) for src, dst in ((0, 1), (0, 2)))
    report = diagnose(problem(operators, chain(*map(OpNode, range(3))), pools=TWO, edges=edges), EXACT)
    assert (report.kind, report.what) == ("link", ("a at p -> b at q",))
    assert report.text == (
        "no placement can connect: add a link or profile row for a at p -> b at q, or options that need none"
    )


def test_a_group_without_a_common_pool_is_named() -> None:
    operators = (operator("a", (0, 1.0, 1.0)), operator("b", (1, 1.0, 1.0)))
    report = diagnose(problem(operators, parallel(OpNode(0), OpNode(1)), pools=TWO, groups=((0, 1),)), EXACT)
    assert (report.kind, report.what) == ("link", ("a, b",))
    assert report.text == "no placement can connect: give a, b a pool that can run them all"
