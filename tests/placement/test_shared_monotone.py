"""What must hold of every shared placement: more replicas never hurt a run, more load or margin never helps one."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from placement.shared_evaluate import SharedEvaluation, judge_shared
from placement.shared_problem import SharedPlacement, SharedProblem
from tests.placement.shared_problems import placed, small_shared

TIMES = {"sla", "first_output", "ttft", "token_time", "load", "replicas"}


def no_slower(one: SharedEvaluation, other: SharedEvaluation) -> None:
    """Run by run, which common random numbers make comparable, and in each formula."""
    for found, than in zip(one.agents, other.agents, strict=True):
        assert found.sampled is not None
        assert than.sampled is not None
        assert (found.sampled.run_s <= than.sampled.run_s * (1 + 1e-9) + 1e-12).all()
        assert np.all(np.array(found.waiting_s) <= np.array(than.waiting_s) * (1 + 1e-9) + 1e-12)
        assert found.latency_mean_s <= than.latency_mean_s * (1 + 1e-9) + 1e-12
        assert found.latency_worst_s <= than.latency_worst_s * (1 + 1e-9) + 1e-12


@settings(max_examples=60, deadline=None)
@given(small_shared(), st.data(), st.integers(1, 3))
def test_more_replicas_never_hurt_a_run(problem: SharedProblem, data: st.DataObject, more: int) -> None:
    placement = placed(problem, data)
    if placement is None:
        return
    before = judge_shared(problem, placement, samples=200)
    wider = SharedPlacement(placement.agents, tuple(count + more for count in placement.replicas))
    after = judge_shared(problem, wider, samples=200)
    no_slower(after, before)
    assert after.usd_per_hour > before.usd_per_hour
    assert {each.kind for each in after.violations} & TIMES <= {each.kind for each in before.violations}


@settings(max_examples=60, deadline=None)
@given(small_shared(), st.data(), st.floats(1.01, 3.0))
def test_more_load_and_more_margin_never_help_a_run(problem: SharedProblem, data: st.DataObject, factor: float) -> None:
    placement = placed(problem, data)
    if placement is None:
        return
    before = judge_shared(problem, placement, samples=200)
    busier = tuple(replace(one, rate_per_s=one.rate_per_s * factor) for one in problem.agents)
    no_slower(before, judge_shared(replace(problem, agents=busier), placement, samples=200))
    no_slower(before, judge_shared(replace(problem, margin=problem.margin * factor), placement, samples=200))
    # All agents together are no faster than the first alone.
    alone = replace(problem, agents=problem.agents[:1])
    first = judge_shared(alone, SharedPlacement(placement.agents[:1], placement.replicas), samples=200)
    assert first.usd_per_hour <= before.usd_per_hour
    for found, than in zip(first.levels, before.levels, strict=True):
        assert found.busy_slots <= than.busy_slots
