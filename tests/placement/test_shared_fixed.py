from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ir.sla import STATS, Sla
from placement.brute_force import every_placement, placements
from placement.highs import Limits
from placement.problem import OpNode
from placement.shared_fixed import solve_fixed
from placement.shared_greedy import shared_greedy
from placement.shared_presolve import presolve_shared
from placement.shared_problem import FirstOutput, SharedProblem
from placement.shared_score import SharedScore, score_shared
from placement.shared_surrogate import Aim, Surrogate, allowed, surrogate
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared, small_shared

AIMS = (Aim(), Aim(usd=0.0, watts=1.0), Aim(usd=1.0, latency=50.0), Aim(usd=0.5, gco2e=0.01))


def best_of(table: Surrogate) -> SharedScore | None:
    """The best score of any placements, each judged by the surrogate's own tables."""
    counts = [placements(prepared) for prepared in table.agents]
    total = 1
    for count in counts:
        total *= count
    assume(total <= 3000)
    best: SharedScore | None = None
    for agents in product(*(list(every_placement(prepared)) for prepared in table.agents)):
        used = (
            (index, prepared.problem.operators[operator].options[option].pool)
            for index, (prepared, placed) in enumerate(zip(table.agents, agents, strict=True))
            for operator, option in enumerate(placed.option)
            if option is not None
        )
        if not all(allowed(table.problem, index, at) for index, at in used):
            continue
        found = score_shared(table, agents)
        if found.feasible and (best is None or found.objective < best.objective):
            best = found
    return best


@st.composite
def with_first_outputs(draw: st.DrawFn) -> SharedProblem:
    """Problems whose agents have limits on first outputs, some of which bind."""
    problem = draw(small_shared())
    agents = [
        each
        if not each.problem.operators
        else replace(
            each,
            first_output=FirstOutput(
                Sla(draw(st.sampled_from(STATS)), draw(st.integers(1, 40)) * 0.01),
                tuple(
                    (operator, draw(st.sampled_from([1.0, 4.0])))
                    for operator in sorted(draw(st.sets(st.integers(0, len(each.problem.operators) - 1), min_size=1)))
                ),
            ),
        )
        for each in problem.agents
    ]
    return replace(problem, agents=tuple(agents))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.one_of(small_shared(), with_first_outputs()), st.sampled_from([-1.0, -0.4, 0.0, 1.5]), st.sampled_from(AIMS))
def test_the_program_finds_what_enumeration_finds(problem: SharedProblem, kappa: float, aim: Aim) -> None:
    table = surrogate(problem, [kappa] * len(problem.agents), aim)
    best = best_of(table)
    found = solve_fixed(table, Limits(30.0, 0.0))
    assert (found.score is None) == (best is None)
    if best is None or found.score is None:
        assert found.status == "infeasible"
        return
    assert found.status == "optimal"
    assert found.score.objective == pytest.approx(best.objective, rel=1e-6, abs=1e-9)
    assert found.bound <= best.objective * (1.0 + 1e-6) + 1e-9


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(small_shared(), st.sampled_from(AIMS))
def test_the_heuristic_is_feasible_or_says_so_and_never_beats_the_optimum(problem: SharedProblem, aim: Aim) -> None:
    table = surrogate(problem, [0.0] * len(problem.agents), aim)
    best = best_of(table)
    answer = shared_greedy(table)
    if answer is None or not answer.score.feasible:
        return
    assert best is not None
    assert answer.score.objective >= best.objective * (1.0 - 1e-9)
    assert answer.score == score_shared(table, answer.placements)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.one_of(small_shared(), with_first_outputs()), st.sampled_from(AIMS))
def test_presolve_keeps_an_optimum(problem: SharedProblem, aim: Aim) -> None:
    table = surrogate(problem, [0.0] * len(problem.agents), aim)
    best, smaller = best_of(table), best_of(presolve_shared(table).table)
    assert (best is None) == (smaller is None)
    if best and smaller:
        assert smaller.objective == pytest.approx(best.objective, rel=1e-9)


def test_presolve_drops_a_level_that_is_dearer_and_slower_for_all() -> None:
    levels = (level("good", usd=1.0), level("bad", usd=2.0))
    one = agent(levels, chain(OpNode(0)), op("a", (0, 0.1, 0.0), (1, 0.2, 0.0)))
    reduced = presolve_shared(surrogate(shared(levels, one), [0.0], Aim()))
    assert reduced.kept == (((0,),),)
    assert reduced.levels == 1
    # With one device of the good level's class nothing proves that all replicas fit, so both stay.
    scarce = presolve_shared(surrogate(shared(levels, one, counts=1), [0.0], Aim()))
    assert scarce.kept == (((0, 1),),)


def test_two_agents_share_a_replica_and_load_rounds_up() -> None:
    # Each agent keeps 0.4 of a slot busy; the cap is 0.9: both fit one replica of 1 $/h. At 3 runs/s each 1.2 slots are
    # busy, 2.4 together over 0.9 = 2.67, so 3 replicas; apart they would be 2 + 2.
    levels = (level("l", cap=0.9),)

    def both(rate: float) -> SharedProblem:
        row = op("a", (0, 0.4, 0.0))
        agents = [agent(levels, chain(OpNode(0)), row, rate=rate, name=name) for name in ("one", "two")]
        return shared(levels, *agents)

    for rate, replicas in ((1.0, 1), (3.0, 3)):
        found = solve_fixed(surrogate(both(rate), [0.0, 0.0], Aim()), Limits())
        assert found.score is not None
        assert found.score.replicas == (replicas,)
        assert found.score.objective == pytest.approx(float(replicas))
        assert found.gap <= 1e-9


def test_a_slow_level_near_saturation_is_refused() -> None:
    # 0.8 slots are busy, the cap is 0.9: there a slot waits 0.9 / 0.1 * 0.8 / 2 = 3.6 s (M/D/1), and 1 s is allowed.
    # The fast level takes 0.05 s and costs ten times as much.
    levels = (level("slow", usd=1.0), level("fast", usd=10.0))
    one = agent(levels, chain(OpNode(0)), op("a", (0, 0.8, 0.0), (1, 0.05, 0.0)), sla=Sla("mean", 1.0))
    found = solve_fixed(surrogate(shared(levels, one), [0.0], Aim()), Limits())
    assert found.score is not None
    assert found.score.replicas == (0, 1)
