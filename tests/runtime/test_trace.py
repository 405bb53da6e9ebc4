"""Reports: means over instances, marks, verdicts, and a JSON form."""

import json
from dataclasses import replace
from typing import Any

import pytest

from placement.plan import Function, OperatorPart, PartCall, PlanSla
from runtime.drivers.driver import PartTime
from runtime.events import Dispatch, Finish, Log
from runtime.failure import Failure
from runtime.trace import PartReport, RunFacts, Served, Trace, report, verdict


def served(duration_s: float, queued_s: float = 0.0, failure: Failure | None = None, simulated: bool = False) -> Served:
    return Served("cpu", "cpu/0", "cpu_core", "cpu", simulated, queued_s, duration_s, failure, None)


def dispatch(instance: str, attempt: int = 1, ready_at: float = 0.0) -> Dispatch:
    return Dispatch(instance, 0, {}, None, attempt, ready_at, (), False)


FACTS = RunFacts("r1", 5.0, {}, {"a": 1}, 0.5, 1.0, ("note",))


def test_a_report_holds_promise_and_measurement(plans: Any) -> None:
    plan = plans.plan([plans.op("a")], "a", sla=PlanSla(stat="p95", limit_s=5.0))
    trace = Trace([], [])
    trace.add(dispatch("fan[1]/a"), "a", served(3.0, queued_s=1.0))
    trace.add(dispatch("fan[0]/a"), "a", served(2.0))
    trace.add(dispatch("fan[0]/a", 2, 2.0), "a", served(9.0, failure=Failure("raised", "E", "bad")))
    trace.mark(Log("loop_capped", "loop", 3, 4.0))
    told = report(plan, trace, Finish("success", 7, None, 4.0), FACTS)
    assert (told.status, told.value, told.latency_s, told.verdict) == ("success", 7, 4.0, "met")
    assert (told.loop_capped, told.simulated, told.sla_stat) == (True, False, "p95")
    (a,) = told.operators
    assert (a.promised_s, a.measured_s, a.count, a.failures) == (1.0, 2.5, 2, 1)  # (3 + 2) / 2
    assert a.mean_queued_s == 0.5  # (1 + 0) / 2
    assert [(t.instance, t.attempt, t.started_at_s, t.finished_at_s, t.error) for t in told.attempts] == [
        ("fan[0]/a", 1, 0.0, 2.0, None),
        ("fan[1]/a", 1, 1.0, 4.0, None),
        ("fan[0]/a", 2, 2.0, 11.0, "E: bad"),
    ]


def test_simulated_operators_are_named(plans: Any) -> None:
    plan = plans.plan([plans.op("a"), plans.op("b")], "b")
    trace = Trace([], [])
    trace.add(dispatch("a"), "a", served(1.0, simulated=True))
    trace.add(dispatch("b"), "b", served(1.0))
    told = report(plan, trace, Finish("success", None, None, 2.0), FACTS)
    assert (told.simulated, told.simulated_operators) == (True, ("a",))
    assert [operator.simulated for operator in told.operators] == [True, False]


def test_a_run_that_waits_for_a_person_is_interrupted(plans: Any) -> None:
    told = report(plans.plan([], "1"), Trace([], []), None, FACTS)
    assert (told.status, told.verdict, told.value) == ("interrupted", "none", None)


def test_a_report_is_json(plans: Any) -> None:
    trace = Trace([], [])
    trace.add(dispatch("a"), "a", served(1.0))
    failure = Failure("raised", "E", "bad", "Traceback", "a")
    told = report(plans.plan([plans.op("a")], "a"), trace, Finish("error", None, failure, 1.0), FACTS)
    document = json.loads(json.dumps(told.to_json()))
    assert document["error"] == failure.to_json()
    assert document["operators"][0]["id"] == "a"
    assert document["notes"] == ["note"]
    assert document["results"] == {"a": 1}


@pytest.mark.parametrize(
    ("status", "latency_s", "limit_s", "expected"),
    [
        ("success", 4.0, 5.0, "met"),
        ("success", 5.1, 5.0, "missed"),
        ("success", 0.1 + 0.2, 0.3, "met"),  # 0.30000000000000004: the sum's rounding is no miss
        ("success", 4.0, None, "none"),
        ("timeout", 5.0, 5.0, "missed"),
        ("error", 1.0, 5.0, "none"),
        ("cancelled", 1.0, 5.0, "none"),
    ],
)
def test_verdicts(status: Any, latency_s: float, limit_s: float | None, expected: str) -> None:
    assert verdict(status, latency_s, limit_s) == expected


def test_fused_functions_are_told_beside_their_promises(plans: Any) -> None:
    function = Function(source="a.py", qualname="f", sha256="00")
    calls = [PartCall(id=id, name="f", function=function, inputs={}) for id in ("one", "two")]
    parts = [OperatorPart(op="agent.compute", latency_s=0.5, call=call) for call in calls]
    fused = plans.operator("two_fused", op="agent.fused", parts=parts)
    plan = plans.plan([plans.op("two", operator="two_fused")], "two", operators=[fused])
    trace = Trace([], [])
    for took_s in (1.0, 2.0):
        times = (PartTime("one", took_s), PartTime("two", 0.25))
        trace.add(dispatch("two_fused"), "two_fused", replace(served(took_s + 0.25), parts=times))
    trace.add(dispatch("two_fused"), "two_fused", served(9.0, failure=Failure("raised", "E", "bad")))
    (told,) = report(plan, trace, Finish("success", None, None, 3.25), FACTS).operators
    # the mean of the attempts that succeeded: (1 + 2) / 2
    assert told.parts == (
        PartReport("one", "f", "agent.compute", 0.5, 1.5),
        PartReport("two", "f", "agent.compute", 0.5, 0.25),
    )
    (nothing,) = report(plan, Trace([], []), None, FACTS).operators
    assert [part.measured_s for part in nothing.parts] == [None, None]
