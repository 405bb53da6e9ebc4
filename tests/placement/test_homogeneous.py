"""One accelerator class and the CPU cores: the hand sums of the worked example, and never cheaper than the mixture."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from placement.homogeneous import homogeneous
from placement.infeasible import InfeasibleError, UndecidedError
from placement.problem import OpNode, Problem
from placement.restrict import restrict, with_counts
from placement.solve import solve
from tests.placement.problems import chain, operator, pool, problem, small_problems, worked_example


def test_the_worked_example_on_one_class() -> None:
    # HP: 0.08 + 0.03 = 0.11 in 80 + 25 = 105 ms; CO: 130 + 30 = 160 ms, 40 over the limit.
    hp, co = homogeneous(worked_example(0.120), ())
    assert (hp.device, hp.devices, hp.why, hp.is_proven) == ("HP", 1, "", True)
    assert (hp.cost_usd, hp.latency_s) == (pytest.approx(0.11), pytest.approx(0.105))
    assert (co.device, co.cost_usd, co.latency_s) == ("CO", None, None)
    assert co.why == "misses the SLA: at best 160 ms, 40 ms over"


def test_the_cpu_cores_of_the_fleet_are_there_in_any_case() -> None:
    pools = (pool("cpu"), pool("a"), pool("b"))
    operators = (operator("tool", (0, 1.0, 1.0)), operator("llm", (1, 1.0, 2.0), (2, 1.0, 3.0)))
    table = problem(operators, chain(OpNode(0), OpNode(1)), pools=pools)
    assert [(row.device, row.cost_usd) for row in homogeneous(table, {"cpu"})] == [("a", 3.0), ("b", 4.0)]


def test_a_class_that_lacks_an_operator_says_which() -> None:
    operators = (operator("one", (0, 1.0, 1.0)), operator("two", (1, 1.0, 1.0)))
    table = problem(operators, chain(OpNode(0), OpNode(1)), pools=(pool("a"), pool("b")))
    assert [row.why for row in homogeneous(table, ())] == ["cannot run two", "cannot run one"]


def test_a_class_may_have_as_many_devices_as_it_takes() -> None:
    pools = (pool("x", "a"), pool("y", "a"), pool("b"))
    operators = (operator("one", (0, 1.0, 1.0), (2, 1.0, 5.0)), operator("two", (1, 1.0, 1.0)))
    table = problem(operators, chain(OpNode(0), OpNode(1)), pools=pools, counts=1)
    assert homogeneous(table, ())[0].devices == 2


def test_no_time_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(table: Problem, **_: object) -> None:
        raise UndecidedError(table.name)

    monkeypatch.setattr("placement.homogeneous.solve", late)
    row = homogeneous(worked_example(0.120), ())[0]
    assert (row.cost_usd, row.why, row.is_proven) == (None, "not decided in the time for comparisons", False)


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_no_class_alone_beats_the_mixture(table: Problem) -> None:
    roomy = with_counts(table, {row.device: 100 for row in table.capacities})
    rows = [row for row in homogeneous(roomy, ()) if row.cost_usd is not None]
    if not rows:
        return
    best = solve(roomy).evaluation.objective_usd
    assert all(row.cost_usd is not None and row.cost_usd >= best * (1 - 1e-6) for row in rows)


def test_a_restricted_problem_restores_placements() -> None:
    table = worked_example(None)
    reduced = restrict(table, lambda _, option: table.pools[option.pool].device == "CO")
    assert reduced.restore(solve(reduced.problem).placement).option == (1, 1)
    with pytest.raises(InfeasibleError):
        solve(restrict(table, lambda *_: False).problem)
