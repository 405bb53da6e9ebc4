"""The asynchronous shell of a run with a fleet that is a table: order of logging, deadlines, questions, cancelling."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from placement.plan import InterruptNode, PlanSla
from runtime.drivers.driver import Call
from runtime.errors import InputError
from runtime.event_log import MemoryEventLog, Record
from runtime.failure import Failure
from runtime.flow import Flow
from runtime.program import compile
from runtime.run_loop import RunLoop, RunSetup
from runtime.run_options import RunOptions
from runtime.trace import Served


class TableFleet:
    """Every call takes one second and gives what a function says; a call without a function is never answered."""

    def __init__(self, answers: dict[str, Callable[..., Any]]) -> None:
        self.answers = answers
        self.calls: list[Call] = []
        self.stopped: list[str] = []
        self.overhead_s = 0.0

    async def serve(self, operator: int, call: Call, flow: Flow) -> Served:
        self.calls.append(call)
        if call.operator not in self.answers:
            await asyncio.Event().wait()
        value = self.answers[call.operator](**call.arguments)
        failure = value if isinstance(value, Failure) else None
        return Served("cpu", "cpu/0", "cpu_core", "cpu", False, 0.5, 1.0, failure, value, self.overhead_s)

    def stop(self, key: str) -> None:
        self.stopped.append(key)


@pytest.fixture
def loop_of(tmp_path: Any) -> Callable[..., RunLoop]:
    def make(plan: Any, fleet: TableFleet, log: Any = None, on_event: Any = None, **options: Any) -> RunLoop:
        chosen = replace(RunOptions(root=tmp_path), **options)
        setup = RunSetup("r", 3.0, chosen, log or MemoryEventLog(), on_event, ())
        return RunLoop(compile(plan), fleet, setup)

    return make


def chain(plans: Any, **changes: Any) -> Any:
    return plans.plan([plans.op("a", x="x"), plans.op("b", y="a")], "b", "x", **changes)


def test_calls_carry_times_and_the_report_adds_them_up(plans: Any, loop_of: Any) -> None:
    fleet = TableFleet({"a": lambda x: x + 1, "b": lambda y: y * 2})
    report = asyncio.run(loop_of(chain(plans), fleet).run({"x": 1}))
    # Each call waits 0.5 and takes 1: a ends at 1.5, b at 3.
    assert (report.status, report.value, report.latency_s) == ("success", 4, 3.0)
    assert [(call.operator, call.arrived_at, call.origin_s, call.remaining_s) for call in fleet.calls] == [
        ("a", 0.0, 3.0, None),
        ("b", 1.5, 3.0, None),
    ]
    assert [(attempt.queued_at_s, attempt.started_at_s, attempt.finished_at_s) for attempt in report.attempts] == [
        (0.0, 0.5, 1.5),
        (1.5, 2.0, 3.0),
    ]


def test_what_the_orchestrator_takes_counts_in_the_latency_but_not_in_the_operator(plans: Any, loop_of: Any) -> None:
    fleet = TableFleet({"a": lambda x: x, "b": lambda y: y})
    fleet.overhead_s = 0.25
    report = asyncio.run(loop_of(chain(plans), fleet).run({"x": 1}))
    # Two calls, each 0.5 in the queue, 1 of work and 0.25 on the way: 2 * 1.75
    assert report.latency_s == 3.5
    assert [(operator.measured_s, operator.mean_overhead_s) for operator in report.operators] == [(1.0, 0.25)] * 2


def test_what_is_dispatched_was_logged_before(plans: Any, loop_of: Any) -> None:
    fleet = TableFleet({"a": lambda x: x, "b": lambda y: y})
    seen: list[tuple[str, int]] = []

    class SlowLog:
        async def append(self, records: Sequence[Record]) -> None:
            await asyncio.sleep(0)
            seen.extend((record.kind, len(fleet.calls)) for record in records)

    asyncio.run(loop_of(chain(plans), fleet, SlowLog()).run({"x": 1}))
    assert [(kind, calls) for kind, calls in seen if kind == "dispatched"] == [("dispatched", 0), ("dispatched", 1)]


def test_events_are_told_after_they_were_logged(plans: Any, loop_of: Any) -> None:
    fleet, log, told = TableFleet({"a": lambda x: x, "b": lambda y: y}), MemoryEventLog(), []
    loop = loop_of(chain(plans), fleet, log, lambda record: told.append(record in log.records))
    asyncio.run(loop.run({"x": 1}))
    assert told == [True] * len(log.records)


def test_a_deadline_travels_as_the_time_that_is_left(plans: Any, loop_of: Any) -> None:
    fleet = TableFleet({"a": lambda x: x, "b": lambda y: Failure("deadline", "DeadlinePassed", "")})
    plan = chain(plans, sla=PlanSla(stat="worst", limit_s=2.0))
    report = asyncio.run(loop_of(plan, fleet, on_miss="cancel").run({"x": 1}))
    assert [call.remaining_s for call in fleet.calls] == [2.0, 0.5]
    assert (report.status, report.latency_s, report.verdict) == ("timeout", 2.0, "missed")
    assert report.results == {"a": 1}


def test_nothing_is_sent_once_the_time_is_up(plans: Any, loop_of: Any) -> None:
    fleet = TableFleet({"a": lambda x: x})
    report = asyncio.run(loop_of(chain(plans), fleet, on_miss="cancel", deadline_s=1.5).run({"x": 1}))
    assert [call.operator for call in fleet.calls] == ["a"]
    assert (report.status, report.latency_s) == ("timeout", 1.5)


def test_a_deadline_that_may_be_missed_limits_nothing(plans: Any, loop_of: Any) -> None:
    fleet = TableFleet({"a": lambda x: x, "b": lambda y: y})
    report = asyncio.run(loop_of(chain(plans), fleet, deadline_s=1.5).run({"x": 1}))
    assert [call.remaining_s for call in fleet.calls] == [None, None]
    assert (report.status, report.verdict) == ("success", "missed")


def test_a_failure_stops_what_runs(plans: Any, loop_of: Any) -> None:
    fleet = TableFleet({"b": lambda y: Failure("raised", "E", "bad", "Traceback")})
    plan = plans.plan([plans.op("a", x="x"), plans.op("b", y="x")], "b", "x")
    report = asyncio.run(loop_of(plan, fleet).run({"x": 1}))
    assert fleet.stopped == ["r/a#1"]
    assert (report.status, report.error.traceback, report.error.instance) == ("error", "Traceback", "b")


def test_a_defect_of_the_fleet_ends_the_run(plans: Any, loop_of: Any) -> None:
    def broken(x: Any) -> Any:
        raise OSError("no route")

    report = asyncio.run(loop_of(chain(plans), TableFleet({"a": broken})).run({"x": 1}))
    assert (report.status, report.error.kind, report.error.message) == ("error", "refused", "no route")


def test_wrong_inputs_are_refused(plans: Any, loop_of: Any) -> None:
    with pytest.raises(InputError):
        asyncio.run(loop_of(chain(plans), TableFleet({})).run({}))


def question(plans: Any) -> Any:
    return plans.plan([InterruptNode(id="sure", question="x"), plans.op("a", x="sure")], "a", "x")


@pytest.mark.parametrize("name", ["sure"])
def test_a_question_is_answered_from_the_options(plans: Any, loop_of: Any, name: str) -> None:
    loop = loop_of(question(plans), TableFleet({"a": lambda x: x}), answers={name: "yes"})
    report = asyncio.run(loop.run({"x": "?"}))
    assert (report.status, report.value, report.latency_s) == ("success", "yes", 1.5)


def test_a_question_that_nobody_answers_ends_the_run_as_interrupted(plans: Any, loop_of: Any) -> None:
    report = asyncio.run(loop_of(question(plans), TableFleet({})).run({"x": "?"}))
    assert (report.status, report.questions) == ("interrupted", {"sure": "?"})


def test_a_question_may_use_up_the_runs_time(plans: Any, loop_of: Any) -> None:
    loop = loop_of(question(plans), TableFleet({}), on_question="wait", on_miss="cancel", deadline_s=0.01)
    report = asyncio.run(loop.run({"x": "?"}))
    assert (report.status, report.latency_s) == ("timeout", 0.01)


def test_a_run_can_be_cancelled_and_so_can_its_task(plans: Any, loop_of: Any) -> None:
    async def ask_to_end(fleet: TableFleet) -> Any:
        loop = loop_of(chain(plans), fleet)
        task = asyncio.create_task(loop.run({"x": 1}))
        while not fleet.calls:
            await asyncio.sleep(0)
        loop.cancel()
        return await task

    fleet = TableFleet({})
    assert asyncio.run(ask_to_end(fleet)).status == "cancelled"
    assert fleet.stopped == ["r/a#1"]

    async def cancel_task(fleet: TableFleet) -> None:
        task = asyncio.create_task(loop_of(chain(plans), fleet).run({"x": 1}))
        while not fleet.calls:
            await asyncio.sleep(0)
        task.cancel()
        await task

    fleet = TableFleet({})
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_task(fleet))
    assert fleet.stopped == ["r/a#1"]
