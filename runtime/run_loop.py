"""Carries out the commands of one run and feeds the results back: the thin, asynchronous shell around `RunState`.

It knows neither Ray nor drivers: whoever calls it hands in a `Fleet` that serves calls, so tests run it without either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from runtime.drivers.driver import Call
from runtime.event_log import EventLog, Record, record_of
from runtime.events import (
    Answered,
    Ask,
    Cancel,
    Cancelled,
    Command,
    DeadlinePassed,
    Dispatch,
    Event,
    Failed,
    Finish,
    FirstItem,
    Json,
    Log,
    Started,
    Submitted,
    Succeeded,
    Supply,
)
from runtime.failure import Failure
from runtime.flow import Flow, Whole
from runtime.program import Program
from runtime.run_options import RunOptions
from runtime.run_state import RunState
from runtime.trace import RunFacts, RunReport, Served, Trace, report

OnEvent = Callable[[Record], None]


class Fleet(Protocol):
    """Whoever serves calls."""

    async def serve(self, operator: int, call: Call, flow: Flow) -> Served:
        """Have some replica do a call of an operator (an index of the program); failures are values.

        `flow` is told the virtual seconds from the arrival of the call's data to its first item, where it gives items,
        and has the inputs that it reads item by item once these are there.
        """
        ...

    def stop(self, key: str) -> None:
        """Stop a call that nobody waits for any more."""
        ...


@dataclass(frozen=True, slots=True)
class RunSetup:
    """One run: its name, when it began on the executor's virtual clock, and where its records go."""

    run_id: str
    origin_s: float
    options: RunOptions
    log: EventLog
    on_event: OnEvent | None
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Question:
    asked_at: float
    wall_s: float


class RunLoop:
    """One run under way."""

    def __init__(self, program: Program, fleet: Fleet, setup: RunSetup) -> None:
        self._program = program
        self._fleet = fleet
        self._setup = setup
        self._state = RunState(program)
        self._trace = Trace([], [])
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._flows: dict[str, Flow] = {}
        self._asked: dict[str, _Question] = {}
        self._numbers = 0
        self._latest = 0.0
        self._finish: Finish | None = None

    @property
    def limit_s(self) -> float | None:
        """The run's limit in virtual seconds: the options' deadline, else the plan's SLA."""
        sla = self._program.plan.sla
        given = self._setup.options.deadline_s
        return given if given is not None or sla is None else sla.limit_s

    async def run(self, inputs: Mapping[str, Json]) -> RunReport:
        """Run to the end, or to a question that nobody answers. Raises `InputError` for inputs that do not fit."""
        begun = perf_counter()
        try:
            await self._take(Submitted(dict(inputs), 0.0))
            while self._finish is None:
                event = await self._next()
                if event is None:
                    break
                await self._take(event)
        finally:
            self._stop_all()
        setup = self._setup
        facts = RunFacts(
            run_id=setup.run_id,
            limit_s=self.limit_s,
            questions=self._state.questions,
            results=self._state.results,
            wall_s=perf_counter() - begun,
            time_scale=setup.options.time_scale,
            notes=setup.notes,
        )
        return report(self._program.plan, self._trace, self._finish, facts)

    def answer(self, instance: str, value: Json) -> None:
        """Answer a question; its waiting time counts. Raises `KeyError` when it is not asked."""
        asked = self._asked[instance]
        self._events.put_nowait(Answered(instance, value, asked.asked_at + perf_counter() - asked.wall_s))

    def cancel(self) -> None:
        """End the run as `cancelled`."""
        self._events.put_nowait(Cancelled(self._latest))

    async def _next(self) -> Event | None:
        """The next event; None when the run waits for a person and should end instead."""
        if self._calls or not self._events.empty() or self._state.status != "interrupted":
            return await self._events.get()
        if self._setup.options.on_question == "end":
            return None
        limit_s = self.limit_s
        if self._setup.options.on_miss == "continue" or limit_s is None:
            return await self._events.get()
        left_s = min(limit_s - asked.asked_at + asked.wall_s for asked in self._asked.values()) - perf_counter()
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                return await self._events.get()
        except TimeoutError:
            return DeadlinePassed(limit_s)

    async def _take(self, event: Event) -> None:
        """Step, have everything written down, and only then carry the commands out."""
        commands = self._state.step(event)
        records = [self._record(entry) for entry in (event, *commands)]
        await self._setup.log.append(records)
        if self._setup.on_event is not None:
            for record in records:
                self._setup.on_event(record)
        for command in commands:
            self._carry_out(command)

    def _record(self, entry: Event | Command) -> Record:
        record = record_of(self._setup.run_id, self._numbers, entry)
        self._numbers += 1
        self._latest = max(self._latest, record.at_s or 0.0)
        return record

    def _carry_out(self, command: Command) -> None:
        match command:
            case Dispatch():
                self._dispatch(command)
            case Supply(instance, attempt, arguments, at):
                self._flows[f"{instance}#{attempt}"].give_whole(Whole(arguments, at))
            case Cancel(instance, attempt):
                self._stop(instance, attempt)
            case Log():
                self._trace.mark(command)
            case Ask():
                self._ask(command)
            case Finish():
                self._finish = command

    def _ask(self, ask: Ask) -> None:
        answers = self._setup.options.answers
        self._asked[ask.instance] = _Question(ask.at, perf_counter())
        for name in (ask.instance, ask.instance.rpartition("/")[2]):
            if name in answers:
                self._events.put_nowait(Answered(ask.instance, answers[name], ask.at))
                return

    def _dispatch(self, dispatch: Dispatch) -> None:
        key = f"{dispatch.instance}#{dispatch.attempt}"
        flow = self._flows[key] = Flow(on_first=lambda after_s: self._first_item(dispatch, after_s))
        self._calls[key] = asyncio.create_task(self._serve(dispatch, flow))

    def _first_item(self, dispatch: Dispatch, after_s: float) -> None:
        at = dispatch.arrived_at() + after_s
        self._events.put_nowait(FirstItem(dispatch.instance, dispatch.attempt, at))

    async def _serve(self, dispatch: Dispatch, flow: Flow) -> None:
        arrived_at, limit_s = dispatch.arrived_at(), self.limit_s
        cancels = self._setup.options.on_miss == "cancel" and limit_s is not None
        remaining_s = limit_s - arrived_at if cancels and limit_s is not None else None
        if remaining_s is not None and remaining_s <= 0:
            self._report(dispatch, DeadlinePassed(limit_s or 0.0))
            return
        operator = self._program.operators[dispatch.operator].id
        call = Call(
            run=self._setup.run_id,
            instance=dispatch.instance,
            attempt=dispatch.attempt,
            operator=operator,
            arguments=dispatch.arguments,
            rest=dispatch.rest,
            in_turn=dispatch.in_turn,
            origin_s=self._setup.origin_s,
            arrived_at=arrived_at,
            transfer_s=arrived_at - dispatch.ready_at,
            remaining_s=remaining_s,
            streams=dict(dispatch.streams),
            items=dispatch.items,
        )
        try:
            served = await self._fleet.serve(dispatch.operator, call, flow)
        except Exception as error:  # a defect of the fleet must end the run, not leave it waiting
            failure = Failure("refused", type(error).__name__, str(error))
            self._report(dispatch, Failed(dispatch.instance, dispatch.attempt, failure, arrived_at))
            return
        self._trace.add(dispatch, operator, served)
        started_at = arrived_at + served.queued_s
        self._events.put_nowait(Started(dispatch.instance, dispatch.attempt, started_at))
        ended_at = started_at + served.duration_s + served.overhead_s
        self._report(dispatch, _event(dispatch, served, ended_at, limit_s))

    def _report(self, dispatch: Dispatch, event: Event) -> None:
        key = f"{dispatch.instance}#{dispatch.attempt}"
        self._calls.pop(key, None)
        self._flows.pop(key, None)
        self._events.put_nowait(event)

    def _stop(self, instance: str, attempt: int) -> None:
        self._flows.pop(f"{instance}#{attempt}", None)
        task = self._calls.pop(f"{instance}#{attempt}", None)
        if task is not None:
            task.cancel()
            self._fleet.stop(f"{self._setup.run_id}/{instance}#{attempt}")

    def _stop_all(self) -> None:
        """Only an exception leaves calls behind; a run that ends has cancelled them."""
        for key in list(self._calls):
            instance, _, attempt = key.rpartition("#")
            self._stop(instance, int(attempt))


def _event(dispatch: Dispatch, served: Served, at: float, limit_s: float | None) -> Event:
    if served.failure is None:
        return Succeeded(dispatch.instance, dispatch.attempt, served.value, at)
    if served.failure.kind == "deadline":
        return DeadlinePassed(at if limit_s is None else limit_s)
    return Failed(dispatch.instance, dispatch.attempt, served.failure, at)
