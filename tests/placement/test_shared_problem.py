from dataclasses import replace

import pytest

from placement.check import ProblemError
from placement.problem import OpNode
from placement.shared_evaluate import judge_shared
from placement.shared_problem import Service, SharedProblem
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, at, level, op, shared


def waiting_outside(service: Service, latency_s: float) -> SharedProblem:
    levels = (level("core"),)
    operator, _ = op("tool", (0, latency_s, 0.0))
    return shared(levels, agent(levels, chain(OpNode(0)), (operator, (service,)), rate=0.5))


def test_time_outside_counts_in_latency_and_not_in_load() -> None:
    service = Service(slot_s=1.0, sd_s=4.0, outside_s=3.0)
    # of 4 s a visit holds the core for one, and of its deviation a quarter: 1 s, so that this is M/M/1 at 0.5 x 1 s
    assert (service.visit_s, service.slot_sd_s) == (4.0, 1.0)
    found = judge_shared(waiting_outside(service, 4.0), at(0, replicas=(1,)))
    assert found.levels[0].busy_slots == 0.5
    assert found.levels[0].waiting_s == pytest.approx(1.0)
    assert found.agents[0].latency_mean_s == pytest.approx(1.0 + 4.0)


def test_sampled_runs_take_the_time_outside_too() -> None:
    problem = waiting_outside(Service(slot_s=0.001, sd_s=0.0, outside_s=2.0), 2.001)
    found = judge_shared(problem, at(0, replicas=(1,)), samples=100)
    assert found.agents[0].latency_mean_s == pytest.approx(2.001, rel=1e-3)
    assert found.agents[0].sampled is not None
    assert found.agents[0].sampled.p50_s == pytest.approx(2.001, rel=1e-3)


def test_an_option_that_leaves_it_out_is_refused() -> None:
    problem = waiting_outside(Service(1.0, 0.0, 3.0), 1.0)
    with pytest.raises(ProblemError, match=r"latency_s 1\.0 of the option is not slot_s \+ outside_s"):
        judge_shared(problem, at(0, replicas=(1,)))


def test_a_visit_of_no_time_does_not_deviate() -> None:
    assert replace(Service(0.0, 0.0)).slot_sd_s == 0.0
