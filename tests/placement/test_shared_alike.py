from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ir.sla import Sla
from placement.highs import Limits, minimise
from placement.problem import Edge, OpNode, Transfer
from placement.shared_alike import formulate_counted, kinds_of, read_counted, start_counted
from placement.shared_fixed import solve_fixed
from placement.shared_problem import AgentLoad, Budget, FirstOutput, SharedProblem
from placement.shared_score import score_shared
from placement.shared_surrogate import Aim, surrogate
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared
from tests.placement.test_shared_fixed import best_of

LEVELS = (level("small", usd=1.0, watts=100.0), level("large", usd=2.5, watts=300.0, slots=3, cap=0.8))


def alike(busy: tuple[float, float], members: int, *, fee: float = 0.0) -> SharedProblem:
    """So many agents of one call each, which keeps that many slots of a level busy."""
    rows = op("a", *((at, seconds, 0.0) for at, seconds in enumerate(busy)), fee=fee)
    return shared(LEVELS, *(agent(LEVELS, chain(OpNode(0)), rows, name=f"agent{k}") for k in range(members)))


def test_operators_with_the_same_shares_and_fees_are_one_kind() -> None:
    # 0.45 s at 1 run/s over 0.9 of a slot is 0.5 of a replica; 0.6 over 0.8 of 3 slots 0.25; the fee is per hour.
    (kind,) = kinds_of(surrogate(alike((0.45, 0.6), 3, fee=0.001), [-1.0] * 3, Aim())) or ()
    assert kind.members == ((0, 0), (1, 0), (2, 0))
    assert kind.options == tuple(
        (at, pytest.approx(share), pytest.approx(3.6), pytest.approx(3.6)) for at, share in enumerate((0.5, 0.25))
    )


def test_six_alike_are_counted_over_two_levels() -> None:
    # Shares of 0.5 and 0.25: six on the small level take 3 replicas, $3; four on the large one and two on the small
    # one 1 + 1, $3.5; six on the large one 2, $5. Two columns for the six, and one for each level's replicas.
    table = surrogate(alike((0.45, 0.6), 6), [-1.0] * 6, Aim())
    kinds = kinds_of(table)
    assert kinds is not None
    program = formulate_counted(table, kinds, 1.0)
    assert len(program.model.cost) == 2 + 2
    outcome = minimise(program.model, Limits())
    assert outcome.values is not None
    placements = read_counted(table, program, outcome.values)
    assert [one.option for one in placements] == [(0,)] * 6
    assert score_shared(table, placements).objective == outcome.objective == pytest.approx(3.0)
    start = start_counted(table, program, placements)
    assert [start[column] for column in (*program.counts[0], *program.replicas) if column is not None] == [6, 0, 3, 0]


def test_what_else_ties_operators_together_is_told_apart() -> None:
    problem = alike((0.45, 0.6), 4)
    first, *others = problem.agents
    tied = (
        replace(first, problem=replace(first.problem, sla=Sla("p95", 1.0))),
        replace(first, first_output=FirstOutput(Sla("p95", 1.0), ((0, 1.0),))),
        replace(first, problem=replace(first.problem, groups=((0,),))),
    )
    for one in tied:
        assert kinds_of(surrogate(replace(problem, agents=(one, *others)), [-1.0] * 4, Aim())) is None
    assert kinds_of(surrogate(problem, [-1.0] * 4, Aim(latency=1.0))) is None
    two = [op(name, (0, 0.1, 0.0)) for name in "ab"]
    sent = Edge(0, 1, "place", 1.0, 1.0, {("site", "site"): Transfer(0.0, 0.1)})
    sends = [agent(LEVELS, chain(*map(OpNode, range(2))), *two, edges=(sent,), name=f"agent{k}") for k in range(3)]
    assert kinds_of(surrogate(shared(LEVELS, *sends), [-1.0] * 3, Aim())) is None


def test_operators_that_are_not_alike_are_told_apart() -> None:
    rows = [op("a", (0, 0.1 + 0.1 * k, 0.0)) for k in range(3)]
    unlike = [agent(LEVELS, chain(OpNode(0)), row, name=f"agent{k}") for k, row in enumerate(rows)]
    assert kinds_of(surrogate(shared(LEVELS, *unlike), [-1.0] * 3, Aim())) is None


@st.composite
def problems(draw: st.DrawFn) -> SharedProblem:
    """One or two kinds of calls with two to four members each, some under tenants, budgets and few devices."""
    levels = tuple(
        level(
            f"level{index}",
            slots=draw(st.integers(1, 3)),
            usd=draw(st.sampled_from([1.0, 1.6, 3.7])),
            watts=draw(st.sampled_from([100.0, 250.0])),
            tenant=draw(st.sampled_from([None, None, "blue"])),
        )
        for index in range(draw(st.integers(1, 3)))
    )
    agents: list[AgentLoad] = []
    for kind in range(draw(st.integers(1, 2))):
        fee, tenant = draw(st.sampled_from([0.0, 0.0001])), draw(st.sampled_from([None, "blue"]))
        rows = op("a", *((index, draw(st.integers(1, 15)) * 0.1, 0.0) for index in range(len(levels))), fee=fee)
        for member in range(draw(st.integers(2, 4))):
            one = agent(levels, chain(OpNode(0)), rows, name=f"agent{kind}.{member}", tenant=tenant)
            agents.append(one)
    budget = Budget(usd_per_hour=draw(st.sampled_from([None, 5.0])), watts=draw(st.sampled_from([None, 600.0])))
    return shared(levels, *agents, counts=draw(st.integers(1, 4)), budget=budget)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(problems(), st.sampled_from([Aim(), Aim(usd=0.0, watts=1.0), Aim(usd=1.0, gco2e=0.01)]))
def test_counting_finds_what_enumeration_finds(problem: SharedProblem, aim: Aim) -> None:
    table = surrogate(problem, [-1.0] * len(problem.agents), aim)
    assume(kinds_of(table) is not None)
    best = best_of(table)
    found = solve_fixed(table, Limits(30.0, 0.0))
    assert (found.score is None) == (best is None)
    if best is not None and found.score is not None:
        assert found.status == "optimal"
        assert found.score.objective == pytest.approx(best.objective, rel=1e-6, abs=1e-9)
        assert found.bound == pytest.approx(best.objective, rel=1e-6, abs=1e-9)
