"""The program by itself: no heuristic, no presolve, no starting solution."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from placement import optimise as module
from placement.brute_force import brute_force
from placement.evaluate import judge
from placement.highs import Limits, Outcome
from placement.milp_columns import Form
from placement.optimise import DisagreementError, optimise
from placement.prepared import prepare
from placement.problem import Placement, Problem
from tests.placement.problems import small_problems, worked_example

EXACT = Limits(gap=0.0)


def seconds(problem: Problem) -> float:
    return problem.sla.limit_s / 1000 if problem.sla else 1e-3


@settings(max_examples=80, deadline=None)
@given(small_problems())
def test_the_cheapest_placement_is_that_of_brute_force(problem: Problem) -> None:
    best = brute_force(problem).best
    usd = max((option.cost_usd for row in problem.operators for option in row.options), default=1.0) / 1000 or 1.0
    found = optimise(prepare(problem), Form("cost", usd=usd, seconds=seconds(problem)), EXACT)
    assert (found.status == "optimal") == (best is not None)
    if best is not None:
        assert found.objective == pytest.approx(best[1].objective_usd, rel=1e-7, abs=1e-7 * usd)
        assert found.bound == pytest.approx(best[1].objective_usd, rel=1e-7, abs=1e-7 * usd)


@settings(max_examples=80, deadline=None)
@given(small_problems())
def test_the_fastest_placement_is_that_of_brute_force(problem: Problem) -> None:
    fastest = brute_force(problem).fastest
    found = optimise(prepare(problem), Form("latency", keep_sla=False, seconds=1e-3), EXACT)
    assert (found.status == "optimal") == (fastest is not None)
    if fastest is not None:
        assert found.objective == pytest.approx(fastest[1].latency_s, rel=1e-9, abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(small_problems(most_operators=4))
def test_the_fewest_missing_devices_are_those_that_make_room(problem: Problem) -> None:
    prepared = prepare(problem)
    found = optimise(prepared, Form("devices", keep_sla=False), EXACT)
    if found.placement is None:
        return
    used = judge(prepared, found.placement).devices_used
    counts = {row.device: row.count for row in problem.capacities}
    missing = {device: max(0, used[device] - count) for device, count in counts.items()}
    assert sum(missing.values()) == pytest.approx(found.objective)
    more = tuple(replace(row, count=row.count + missing[row.device]) for row in problem.capacities)
    assert brute_force(replace(problem, capacities=more)).fastest is not None
    for row in more:
        fewer = tuple(replace(one, count=one.count - (one is row)) for one in more)
        if missing[row.device]:
            assert brute_force(replace(problem, capacities=fewer)).fastest is None


def test_a_claim_that_the_judge_does_not_share_ends_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    def liar(*_: object) -> Outcome:
        # Columns: prefill at HP and CO, decode at HP and CO; all HP costs 0.11 $ and not 0.01 $.
        return Outcome("optimal", (1.0, 0.0, 1.0, 0.0), 0.01, 0.01)

    monkeypatch.setattr(module, "minimise", liar)
    with pytest.raises(DisagreementError, match=r"claims 0\.01 with bound 0\.01, the judge says 0\.11"):
        optimise(prepare(worked_example(1.0)), Form("cost"), EXACT)


def test_a_placement_far_over_the_sla_ends_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    def liar(*_: object) -> Outcome:
        return Outcome("optimal", (0.0, 1.0, 0.0, 1.0), 0.06, 0.06)

    monkeypatch.setattr(module, "minimise", liar)
    with pytest.raises(DisagreementError, match=r"is 0.04\d* s over the SLA"):
        optimise(prepare(worked_example(0.120)), Form("cost"), EXACT)


def test_a_placement_that_slips_over_the_sla_by_rounding_is_cut_off() -> None:
    # HP then CO takes 0.120 s, which is 1e-8 of itself over this limit: too much for the judge.
    problem = worked_example(0.120 * (1.0 - 1e-8))
    found = optimise(prepare(problem), Form("cost", usd=1e-4, seconds=1.2), EXACT)
    assert found.placement == Placement((0, 0), ())
