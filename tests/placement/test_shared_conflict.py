"""Conflicts of shared problems: by hand, and none of their limits can be spared."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings

from ir.sla import Sla
from placement.problem import OpNode
from placement.shared_conflict import conflict, without
from placement.shared_feasible import feasibility
from placement.shared_problem import Budget, SharedProblem
from placement.shared_solve import SharedUndecidedError
from placement.shared_terms import Term, loosened, terms_of
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared, small_shared


def words(problem: SharedProblem) -> list[str]:
    found = conflict(lambda _: problem, terms_of(problem), time.monotonic() + 30.0)
    assert found.is_irreducible
    return [term.text for term in found.limits]


def two_agents(sla_s: float, usd: float, count: int = 9) -> SharedProblem:
    """Slow 1 s for 1 $/h, fast 0.1 s for 5 $/h; each agent asks 0.1 runs/s."""
    levels = (level("slow", "cpu", usd=1.0), level("fast", "gpu", usd=5.0))
    hurried = agent(
        levels, chain(OpNode(0)), op("a", (0, 1.0, 0.0), (1, 0.1, 0.0)), rate=0.1, sla=Sla("mean", sla_s), name="rag"
    )
    patient = agent(levels, chain(OpNode(0)), op("a", (0, 1.0, 0.0)), rate=0.1, sla=Sla("mean", 9.0), name="batch")
    return shared(levels, hurried, patient, counts=count, budget=Budget(usd_per_hour=usd))


def test_an_sla_alone() -> None:
    assert words(two_agents(0.05, 9.0)) == ["SLA of rag mean 50 ms"]


def test_an_sla_and_a_budget_together_and_nothing_of_the_patient_agent() -> None:
    # Within 0.5 s rag needs the fast level: 5 $/h, and batch 1 $/h more.
    assert words(two_agents(0.5, 5.5)) == ["budget 5.5 $/h", "SLA of rag mean 500 ms"]


def test_devices_alone() -> None:
    problem = two_agents(0.5, 9.0)
    cpu, gpu = problem.capacities
    assert words(replace(problem, capacities=(replace(cpu, count=0), gpu))) == ["0 cpu"], "batch runs on cpu only"


def test_a_rule_that_makes_another_table() -> None:
    rule = Term("rule", "a of rag is pinned to cpu", remedy="unpin a of rag")
    free = two_agents(0.5, 9.0)
    rag = free.agents[0]
    (operator,) = rag.problem.operators
    pinned = replace(rag.problem, operators=(replace(operator, options=operator.options[:1]),))
    tied = replace(free, agents=(replace(rag, problem=pinned, services=(rag.services[0][:1],)), free.agents[1]))
    found = conflict(
        lambda dropped: free if rule in dropped else tied, (rule, *terms_of(free)), time.monotonic() + 30.0
    )
    assert [term.text for term in found.limits] == ["a of rag is pinned to cpu", "SLA of rag mean 500 ms"]


def test_what_no_limit_causes_has_no_conflict() -> None:
    levels = (level("slow"),)
    problem = shared(levels, agent(levels, chain(OpNode(0)), op("lonely"), sla=Sla("mean", 1.0)))
    assert words(problem) == []


def test_without_time_the_set_may_hold_more_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = two_agents(0.5, 5.5)
    found = conflict(lambda _: problem, terms_of(problem), time.monotonic())
    assert not found.is_irreducible
    assert found.limits == terms_of(problem)


@settings(max_examples=25, deadline=None)
@given(small_shared())
def test_no_limit_of_a_conflict_can_be_spared(problem: SharedProblem) -> None:
    end = time.monotonic() + 60.0
    assume(all(row.options for each in problem.agents for row in each.problem.operators))
    try:
        if feasibility(problem, end).plan is not None:
            return
        terms = terms_of(problem)
        found = conflict(lambda _: problem, terms, end)
    except SharedUndecidedError:
        return
    if not found.limits or not found.is_irreducible:
        return
    others = [term for term in terms if term not in found.limits]
    rest = without(lambda _: problem, others)
    assert feasibility(rest, end).plan is None
    for term in found.limits:
        assert feasibility(loosened(rest, term, None), end).plan is not None
