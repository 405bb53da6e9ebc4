"""Conflicts and single fixes: hand sums, and against brute force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from ir.sla import Sla
from placement.brute_force import brute_force
from placement.infeasible import UndecidedError
from placement.problem import DeviceCapacity, OpNode, Problem
from placement.relaxations import conflict, single_fixes
from placement.restrict import with_counts
from tests.placement.problems import chain, operator, parallel, pool, problem, small_problems, worked_example


def test_an_sla_below_every_plan_is_the_whole_conflict() -> None:
    # The fastest is 80 + 25 = 105 ms, for 0.11.
    table = worked_example(0.100)
    assert conflict(table).limits == ("SLA worst 100 ms",)
    (fix,) = single_fixes(table)
    assert fix.text == "SLA worst 100 ms -> 105 ms"
    assert fix.cost_usd == pytest.approx(0.11)


def two_fast_pools() -> Problem:
    """Fast pools of one class with one device: a and b need one each to make 1 s + 1 s; with one it is 1 s + 3 s."""
    pools = (pool("fast_a", "gpu"), pool("fast_b", "gpu"), pool("slow", "cpu"))
    operators = (operator("a", (0, 1.0, 5.0), (2, 3.0, 1.0)), operator("b", (1, 1.0, 5.0), (2, 3.0, 1.0)))
    return problem(operators, chain(OpNode(0), OpNode(1)), pools=pools, counts=1, sla=Sla("worst", 2.0))


def test_an_sla_and_a_capacity_conflict_together() -> None:
    table = two_fast_pools()
    assert conflict(table).limits == ("SLA worst 2 s", "1 gpu")
    # With 4 s: one on gpu, 5 + 1 = 6; with two gpu: 5 + 5 = 10.
    fixes = single_fixes(table)
    assert [(fix.text, fix.cost_usd) for fix in fixes] == [("SLA worst 2 s -> 4 s", 6.0), ("+1 gpu", 10.0)]


def test_a_fleet_that_is_too_small() -> None:
    pools = (pool("big", "gpu", tp=4), pool("small", "gpu", tp=2))
    operators = (operator("a", (0, 1.0, 1.0)), operator("b", (0, 1.0, 1.0), (1, 1.0, 1.0)))
    table = problem(operators, parallel(OpNode(0), OpNode(1)), pools=pools, counts=1, sla=Sla("worst", 5.0))
    assert conflict(table).limits == ("1 gpu",)
    assert [fix.text for fix in single_fixes(table)] == ["+3 gpu"]


def test_two_classes_that_both_lack_have_no_single_fix() -> None:
    operators = (operator("a", (0, 1.0, 1.0)), operator("b", (1, 1.0, 1.0)))
    capacities = (DeviceCapacity("p", 0), DeviceCapacity("q", 0))
    table = Problem("t", operators, (pool("p"), pool("q")), capacities, (), chain(OpNode(0), OpNode(1)))
    assert single_fixes(table) == ()
    assert len(conflict(table).limits) == 1


def test_what_no_limit_causes_has_no_conflict_of_limits() -> None:
    table = problem((operator("lonely"),), chain(OpNode(0)), pools=(pool("p"),), sla=Sla("worst", 1.0))
    assert conflict(table).limits == ()
    assert single_fixes(table) == ()


def test_without_time_the_limits_are_no_irreducible_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(table: Problem, end: float) -> float:
        raise UndecidedError(table.name)

    monkeypatch.setattr("placement.relaxations._fastest_s", late)
    found = conflict(two_fast_pools())
    assert (found.limits, found.is_irreducible) == (("SLA worst 2 s", "1 gpu"), False)
    assert single_fixes(two_fast_pools()) == ()


@settings(max_examples=60, deadline=None)
@given(small_problems(sla=True))
def test_every_fix_helps_and_no_smaller_one_does(table: Problem) -> None:
    table = replace(table, penalty_usd_per_s=None)
    if brute_force(table).best is not None:
        return
    for fix in single_fixes(table):
        if fix.kind == "sla":
            assert table.sla is not None
            fixed = brute_force(replace(table, sla=Sla(fix.what, fix.after * (1 + 1e-9)))).best  # type: ignore[arg-type]
        else:
            fixed = brute_force(with_counts(table, {fix.what: int(fix.after)})).best
            assert brute_force(with_counts(table, {fix.what: int(fix.after) - 1})).best is None
        assert fixed is not None
        assert fixed[1].cost_usd == pytest.approx(fix.cost_usd, rel=1e-6, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(small_problems(sla=True))
def test_leaving_any_limit_of_a_conflict_out_makes_the_rest_possible(table: Problem) -> None:
    table = replace(table, penalty_usd_per_s=None)
    if brute_force(table).best is not None:
        return
    found = conflict(table)
    assert found.is_irreducible
    assert table.sla is not None
    words = {f"{row.count} {row.device}": row.device for row in table.capacities}
    classes = {words[each] for each in found.limits if each in words}
    counts = {row.device: row.count if row.device in classes else 100 for row in table.capacities}
    limited = with_counts(replace(table, sla=table.sla if len(classes) < len(found.limits) else None), counts)
    if not found.limits:
        assert (
            brute_force(replace(with_counts(table, {row.device: 100 for row in table.capacities}), sla=None)).best
            is None
        )
        return
    assert brute_force(limited).best is None
    for device in classes:
        assert brute_force(with_counts(limited, {device: 100})).best is not None
    if len(classes) < len(found.limits):
        assert brute_force(replace(limited, sla=None)).best is not None
