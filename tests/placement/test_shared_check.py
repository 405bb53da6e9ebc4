from dataclasses import replace
from typing import Any

import pytest

from ir.sla import Sla
from placement.check import ProblemError
from placement.problem import DeviceCapacity, OpNode
from placement.shared_check import check_shared
from placement.shared_problem import Budget, CallLimit, FirstOutput, Service, SharedProblem
from tests.placement.problems import chain
from tests.placement.shared_problems import agent, level, op, shared

LEVELS = (level("a"), level("b"))
AGENT = agent(LEVELS, chain(OpNode(0)), op("o", (0, 1.0, 0.5), (1, 2.0, 0.5)))


def with_level(**changes: Any) -> SharedProblem:
    levels = (replace(LEVELS[0], **changes), LEVELS[1])
    return shared(levels, replace(AGENT, problem=replace(AGENT.problem, pools=tuple(one.pool for one in levels))))


def with_agent(**changes: Any) -> SharedProblem:
    return shared(LEVELS, replace(AGENT, **changes))


def test_a_sound_problem_passes() -> None:
    check_shared(shared(LEVELS, AGENT, budget=Budget(1.0, 2.0, 3.0), margin=1.25))


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (with_level(slots=0), "level a has 0 slots"),
        (with_level(cap=0.0), "level a has cap 0.0"),
        (with_level(cap=1.1), "level a has cap 1.1"),
        (with_level(usd_per_hour=-1.0), "level a has usd_per_hour -1.0"),
        (with_level(watts=float("nan")), "level a has watts nan"),
        (with_level(gco2e_per_hour=float("inf")), "level a has gco2e_per_hour inf"),
        (shared(LEVELS, AGENT, margin=0.8), "margin is 0.8"),
        (shared(LEVELS, AGENT, budget=Budget(watts=-5.0)), "the budget's watts is -5.0"),
        (shared(LEVELS, AGENT, AGENT), "two agents have one name"),
        (with_agent(rate_per_s=-1.0), "agent agent has rate_per_s -1.0"),
        (with_agent(arrival_cv2=float("nan")), "agent agent has arrival_cv2 nan"),
        (with_agent(services=((Service(1.0, 0.5),),)), "services need one row for each option"),
        (with_agent(services=((Service(1.5, 0.5), Service(2.0, 0.5)),)), "operator o, level a: latency_s 1.0"),
        (with_agent(services=((Service(1.0, -0.5), Service(2.0, 0.5)),)), "operator o, level a: Service"),
        (
            with_agent(problem=replace(AGENT.problem, capacities=(DeviceCapacity("a", 1),))),
            "capacities of its own",
        ),
        (with_agent(problem=replace(AGENT.problem, pools=AGENT.problem.pools[::-1])), "are not those of the levels"),
        (with_agent(problem=replace(AGENT.problem, sla=Sla("mean", -1.0))), "its limit must be positive"),
        (replace(shared(LEVELS, AGENT), capacities=()), "which has no capacity row"),
        (with_agent(first_output=FirstOutput(Sla("p95", 1.0), ())), "names no operator that gives it"),
        (with_agent(first_output=FirstOutput(Sla("p95", 1.0), ((4, 2.0),))), "names operator 4 of 1"),
        (with_agent(first_output=FirstOutput(Sla("p95", 1.0), ((0, 0.5),))), "0.5 items of first output"),
        (with_agent(first_output=FirstOutput(Sla("p95", 0.0), ((0, 2.0),))), "first output: the limit"),
        (with_agent(calls=(CallLimit(0, 7, 10.0),)), "names operator 7 of 1"),
        (with_agent(calls=(CallLimit(0, 0, 0.0),)), "call of o: 0.0 tokens"),
        (with_agent(calls=(CallLimit(0, 0, 9.0, Sla("p95", 0.0)),)), "call of o, ttft: the limit"),
        (with_agent(calls=(CallLimit(0, 0, 9.0, None, 0.0),)), "call of o: token_time_s is 0.0"),
    ],
)
def test_a_contradiction_is_named(problem: SharedProblem, message: str) -> None:
    with pytest.raises(ProblemError, match=message.replace("(", r"\(").replace(".", r"\.")):
        check_shared(problem)


def test_a_visit_of_no_time_cannot_deviate() -> None:
    one = agent(LEVELS, chain(OpNode(0)), op("o", (0, 0.0, 0.1)))
    with pytest.raises(ProblemError, match=r"deviates by 0\.1 s"):
        check_shared(shared(LEVELS, one))
