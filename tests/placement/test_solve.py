import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ir.sla import STATS, Sla
from placement.brute_force import brute_force
from placement.evaluate import evaluate
from placement.infeasible import InfeasibleError
from placement.problem import Block, OpNode, Problem
from placement.solve import solve
from tests.placement.problems import chain, operator, pool, problem, small_problems, worked_example


@settings(max_examples=150, deadline=None)
@given(small_problems())
def test_solve_finds_what_brute_force_finds(problem: Problem) -> None:
    best = brute_force(problem).best
    if best is None:
        with pytest.raises(InfeasibleError):
            solve(problem, gap=0.0)
        return
    solution = solve(problem, gap=0.0)
    assert solution.evaluation == evaluate(problem, solution.placement)
    assert solution.evaluation.feasible
    assert solution.evaluation.objective_usd == pytest.approx(best[1].objective_usd, rel=1e-7)
    assert solution.bound_usd <= solution.evaluation.objective_usd
    assert 0.0 <= solution.gap <= 1e-6
    assert solution.status == "optimal"


@settings(max_examples=60, deadline=None)
@given(small_problems(sla=False), st.sampled_from(STATS))
def test_cost_never_falls_as_the_sla_tightens(problem: Problem, stat: str) -> None:
    problem = replace(problem, penalty_usd_per_s=None)
    slowest = brute_force(replace(problem, sla=Sla(stat, 1e9))).best  # type: ignore[arg-type]
    assume(slowest is not None)
    assert slowest is not None
    cost = 0.0
    for share in (1.0, 0.8, 0.6, 0.4, 0.2):
        limit_s = max(1e-3, share * slowest[1].latency_s)
        tighter = replace(problem, sla=Sla(stat, limit_s))  # type: ignore[arg-type]
        if brute_force(tighter).best is None:
            with pytest.raises(InfeasibleError):
                solve(tighter)
            return
        solution = solve(tighter)
        assert solution.evaluation.cost_usd >= cost * (1.0 - 1e-6)
        cost = solution.evaluation.cost_usd


@pytest.mark.parametrize(
    ("limit_s", "options", "latency_s", "cost_usd"),
    [
        (0.120, (0, 1), 0.120, 0.095),
        (0.110, (0, 0), 0.105, 0.11),
        (1.0, (1, 1), 0.160, 0.06),
        (None, (1, 1), 0.16, 0.06),
    ],
)
def test_the_worked_example(limit_s: float | None, options: tuple[int, int], latency_s: float, cost_usd: float) -> None:
    solution = solve(worked_example(limit_s))
    assert solution.placement.option == options
    assert solution.evaluation.latency_s == pytest.approx(latency_s, rel=1e-12)
    assert solution.evaluation.cost_usd == pytest.approx(cost_usd, rel=1e-12)
    assert solution.bound_usd == pytest.approx(cost_usd, rel=1e-6)
    assert solution.bound_scope == "metered MILP at operator means (exact)"
    assert solution.solver.startswith("HiGHS 1.")


def test_the_worked_example_cannot_be_faster_than_105_ms() -> None:
    with pytest.raises(
        InfeasibleError, match="best achievable is 105 ms; smallest fix: SLA worst 100 ms -> 105 ms"
    ) as got:
        solve(worked_example(0.100))
    assert got.value.report.value == pytest.approx(0.105)


@pytest.mark.parametrize("usd", [1e-12, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize("seconds", [1e-6, 1.0, 1e4])
def test_the_size_of_dollars_and_seconds_does_not_matter(usd: float, seconds: float) -> None:
    # The cheapest take 4 + 4 + 4 = 12 s for 3 + 2 + 1 = 6; 3 s must be saved. a saves 2 s for 2, b 2 s for 1, c 1 s
    # for 3: a and b at 6 + 2 + 1 = 9, since b and c would cost 6 + 1 + 3 = 10.
    operators = (
        operator("a", (0, 4 * seconds, 3 * usd), (1, 2 * seconds, 5 * usd)),
        operator("b", (0, 4 * seconds, 2 * usd), (1, 2 * seconds, 3 * usd)),
        operator("c", (0, 4 * seconds, 1 * usd), (1, 3 * seconds, 4 * usd)),
    )
    table = problem(
        operators, chain(OpNode(0), OpNode(1), OpNode(2)), pools=(pool("p"), pool("q")), sla=Sla("worst", 9 * seconds)
    )
    solution = solve(table)
    assert solution.placement.option == (1, 1, 0)
    assert solution.evaluation.cost_usd == pytest.approx(9 * usd, rel=1e-12)
    assert solution.bound_usd == pytest.approx(9 * usd, rel=1e-6)


def test_cheap_operators_count_beside_one_that_is_a_million_times_dearer() -> None:
    # The dear operator has no alternative; the cheap one's 2e-6 $ instead of 1e-6 $ must still be found and bounded.
    operators = (operator("dear", (0, 1.0, 1.0)), operator("cheap", (0, 1.0, 2e-6), (1, 1.0, 1e-6)))
    solution = solve(problem(operators, chain(OpNode(0), OpNode(1)), pools=(pool("p"), pool("q"))), gap=0.0)
    assert solution.placement.option == (0, 1)


def test_options_far_dearer_than_the_answer_do_not_blur_it() -> None:
    # Without capacity for the dear pool, the heuristic's first price scale is dollars; the answer is 3 micro-dollars.
    operators = tuple(operator(name, (0, 1.0, 1e-6), (1, 0.5, 1e3)) for name in "abc")
    table = problem(operators, chain(*map(OpNode, range(3))), pools=(pool("p"), pool("q")), sla=Sla("worst", 3.0))
    assert solve(table).bound_usd == pytest.approx(3e-6, rel=1e-6)


def test_a_soft_sla_is_weighed_against_its_penalty() -> None:
    # All CO: 0.06 $ + 0.04 s over. At 0.8 $/s that is 0.092 < 0.095; at 0.9 $/s 0.096 > 0.095.
    cheap = solve(replace(worked_example(0.120), penalty_usd_per_s=0.8))
    assert cheap.placement.option == (1, 1)
    assert cheap.evaluation.objective_usd == pytest.approx(0.092)
    assert cheap.bound_scope == "metered MILP at operator means (exact), cost plus SLA penalty"
    dear = solve(replace(worked_example(0.120), penalty_usd_per_s=0.9))
    assert dear.placement.option == (0, 1)
    assert dear.evaluation.penalty_usd == 0.0


def test_a_free_plan_has_no_gap() -> None:
    table = problem((operator("a", (0, 1.0, 0.0)),), chain(OpNode(0)), pools=(pool("p"),))
    solution = solve(table)
    assert (solution.evaluation.cost_usd, solution.bound_usd, solution.gap) == (0.0, 0.0, 0.0)


def test_a_problem_without_operators_has_an_empty_plan() -> None:
    assert solve(problem((), Block((), ()), pools=(), sla=Sla("p95", 1.0))).placement.option == ()


def test_only_the_solver_loads_highs(project: Path) -> None:
    light = "import sys, placement.problem, placement.plan, placement.evaluate, placement.brute_force, placement.greedy"
    code = f"{light}; sys.exit('highspy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=project, check=False).returncode == 0
