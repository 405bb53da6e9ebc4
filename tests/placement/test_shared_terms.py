"""Limits one by one: which there are, in words, and loosened."""

from __future__ import annotations

from dataclasses import replace

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_problem import Budget, FirstOutput, SharedProblem
from placement.shared_terms import Term, enough_shared, loosened, rates_of, terms_of
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared


def one(count: int = 1) -> SharedProblem:
    """2 runs/s of 0.9 s at a cap of 0.9: 2 of one slot."""
    levels = (level("slow", "gpu"),)
    row = agent(levels, chain(OpNode(0)), op("a", (0, 0.9, 0.0)), rate=2.0, sla=Sla("p95", 3.0), name="rag")
    row = replace(row, first_output=FirstOutput(Sla("mean", 1.5), ((0, 1.0),)))
    return shared(levels, row, counts=count, budget=Budget(usd_per_hour=4.0))


def test_the_limits_that_can_bind_in_words() -> None:
    words = ["1 gpu", "budget 4 $/h", "first output of rag mean 1.5 s", "SLA of rag p95 3 s"]
    assert [term.text for term in terms_of(one())] == words
    assert [term.text for term in terms_of(one(count=2))] == words[1:], "two devices are all that can be used"
    assert terms_of(one(count=2), useful=3)[0].text == "2 gpu"
    assert [term.text for term in rates_of(one())] == ["rate of rag 2/s"]
    assert enough_shared(one(), "gpu") == 2


def test_changes_in_words_allow_no_less_than_asked() -> None:
    devices, budget, first, sla = terms_of(one())
    (rate,) = rates_of(one())
    assert devices.change(3) == "+2 gpu"
    assert budget.change(5.5) == "budget 4 $/h -> 5.5 $/h"
    assert first.change(2.0) == "first output of rag mean 1.5 s -> 2 s"
    assert sla.change(3.14159) == "SLA of rag p95 3 s -> 3.142 s"
    assert rate.change(1.5) == "rate of rag 2/s -> 1.5/s"
    assert Term("rule", "a of rag is pinned to gpu", remedy="unpin a of rag").change(0.0) == "unpin a of rag"


def test_limits_are_loosened_and_left_out() -> None:
    problem = one()
    devices, budget, first, sla = terms_of(problem)
    (rate,) = rates_of(problem)
    assert loosened(problem, devices, 5).capacities[0].count == 5
    assert loosened(problem, devices, None).capacities[0].count == 2
    assert loosened(problem, budget, 9.0).budget.usd_per_hour == 9.0
    assert loosened(problem, budget, None).budget == Budget()
    assert loosened(problem, sla, 4.0).agents[0].problem.sla == Sla("p95", 4.0)
    assert loosened(problem, sla, None).agents[0].problem.sla is None
    loose = loosened(problem, first, 2.0).agents[0].first_output
    assert loose is not None
    assert loose.sla == Sla("mean", 2.0)
    assert loosened(problem, first, None).agents[0].first_output is None
    assert loosened(problem, rate, 1.0).agents[0].rate_per_s == 1.0


def test_a_soft_sla_is_no_limit() -> None:
    problem = one(count=2)
    (row,) = problem.agents
    soft = replace(problem, agents=(replace(row, problem=replace(row.problem, penalty_usd_per_s=1.0)),))
    assert [term.kind for term in terms_of(soft)] == ["usd_per_hour", "first_output"]
