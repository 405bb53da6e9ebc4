"""What a run promised against what happened: one record for each attempt, one for each operator, one for the run.

All times are virtual seconds, unscaled. The latency of a run is the end of its last operator on that clock: the sum
along its critical path of measured work on real devices, predicted work on simulated ones, transfers, waits and the
overhead of the orchestrator, which is measured for each call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from placement.plan import Plan, PlanOperator
from runtime.drivers.driver import PartTime
from runtime.events import Dispatch, Finish, Json, Log, Status
from runtime.failure import Failure

Verdict = Literal["met", "missed", "none"]

ROUNDING = 1e-9
"""Relative error that sums of times may have: a path of 45 + 60 + 15 ms meets a limit of 120 ms."""


@dataclass(frozen=True, slots=True)
class Served:
    """Who did a call, and when: `queued_s` between the arrival of its data and its start.

    `overhead_s` is what the orchestrator itself took: messages to and from the replica, a process that had to be
    started. It is real time at any time scale. `first_s` is from the start to the first item of a stream.
    """

    pool: str
    replica: str
    device: str
    driver: str
    simulated: bool
    queued_s: float
    duration_s: float
    failure: Failure | None
    value: Json
    overhead_s: float = 0.0
    parts: tuple[PartTime, ...] = ()
    first_s: float | None = None


@dataclass(frozen=True, slots=True)
class AttemptTrace:
    """One attempt of an operator instance. `queued_at_s` is when its data had arrived, of a stream the first item.

    `parts` is what each function took that was fused to it, where the attempt succeeded. `first_item_at_s` is when the
    first item of its value was out; None where others read it as a whole. One that `reads_stream` started at the first
    item of what it reads, so that its time has waits for further items in it.
    """

    instance: str
    operator: str
    attempt: int
    pool: str
    replica: str
    device: str
    driver: str
    simulated: bool
    transfer_s: float
    queued_at_s: float
    started_at_s: float
    finished_at_s: float
    overhead_s: float
    error: str | None
    parts: tuple[PartTime, ...] = ()
    first_item_at_s: float | None = None
    reads_stream: bool = False


@dataclass(frozen=True, slots=True)
class PartReport:
    """Promise against measurement of a function that was fused to an operator; `id` names its value."""

    id: str
    name: str
    op: str
    promised_s: float
    measured_s: float | None


@dataclass(frozen=True, slots=True)
class OperatorReport:
    """Promise against measurement. `measured_s` is the mean over `count` successful attempts; None where there was
    none. `parts` are the functions that were fused to it, in order."""

    id: str
    name: str
    op: str
    device: str
    pool: str
    model: str | None
    simulated: bool
    promised_s: float
    measured_s: float | None
    mean_queued_s: float | None
    mean_overhead_s: float | None
    count: int
    promised_visits: float
    failures: int
    parts: tuple[PartReport, ...] = ()
    mean_first_item_s: float | None = None
    reads_stream: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that the run wants to be known: an observed value, a cap that was reached, dropped items, a retry."""

    kind: str
    instance: str
    value: Json
    at_s: float


@dataclass(frozen=True, slots=True)
class RunReport:
    """What became of a run. `results` holds the value of every operator instance that finished, whatever the status."""

    run_id: str
    agent: str
    status: Status
    value: Json
    error: Failure | None
    operators: tuple[OperatorReport, ...]
    attempts: tuple[AttemptTrace, ...]
    latency_s: float
    promised_latency_s: float
    promised_latency_mean_s: float
    promised_latency_worst_s: float
    sla_stat: str | None
    limit_s: float | None
    verdict: Verdict
    loop_capped: bool
    marks: tuple[Mark, ...]
    simulated: bool
    simulated_operators: tuple[str, ...]
    questions: Mapping[str, Json]
    results: Mapping[str, Json]
    wall_s: float
    time_scale: float
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A mapping of the fields, nested records as mappings and tuples as lists."""
        return _plain(asdict(self))


@dataclass(slots=True)
class Trace:
    """What was seen of a run while it went on."""

    attempts: list[AttemptTrace]
    marks: list[Mark]

    def add(self, dispatch: Dispatch, operator: str, served: Served) -> None:
        """Note what became of an attempt."""
        arrived_at = dispatch.arrived_at()
        started_at = arrived_at + served.queued_s
        error = None if served.failure is None else f"{served.failure.type}: {served.failure.message}"
        self.attempts.append(
            AttemptTrace(
                instance=dispatch.instance,
                operator=operator,
                attempt=dispatch.attempt,
                pool=served.pool,
                replica=served.replica,
                device=served.device,
                driver=served.driver,
                simulated=served.simulated,
                transfer_s=arrived_at - dispatch.ready_at,
                queued_at_s=arrived_at,
                started_at_s=started_at,
                finished_at_s=started_at + served.duration_s,
                overhead_s=served.overhead_s,
                error=error,
                parts=served.parts,
                first_item_at_s=None if served.first_s is None else started_at + served.first_s,
                reads_stream=bool(dispatch.streams),
            )
        )

    def mark(self, log: Log) -> None:
        """Note a mark."""
        self.marks.append(Mark(log.kind, log.instance, log.value, log.at))


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a report needs beside the plan and the trace."""

    run_id: str
    limit_s: float | None
    questions: Mapping[str, Json]
    results: Mapping[str, Json]
    wall_s: float
    time_scale: float
    notes: tuple[str, ...]


def report(plan: Plan, trace: Trace, finish: Finish | None, facts: RunFacts) -> RunReport:
    """The report of a run that has ended, or that waits for an answer (`finish` is None)."""
    attempts = tuple(sorted(trace.attempts, key=lambda attempt: (attempt.started_at_s, attempt.instance)))
    latency_s = finish.at if finish is not None else max((a.finished_at_s for a in attempts), default=0.0)
    status: Status = "interrupted" if finish is None else finish.status
    simulated = tuple(dict.fromkeys(attempt.operator for attempt in attempts if attempt.simulated))
    return RunReport(
        run_id=facts.run_id,
        agent=plan.agent,
        status=status,
        value=None if finish is None else finish.value,
        error=None if finish is None else finish.failure,
        operators=tuple(_operators(plan, attempts)),
        attempts=attempts,
        latency_s=latency_s,
        promised_latency_s=plan.promised.latency_s,
        promised_latency_mean_s=plan.promised.latency_mean_s,
        promised_latency_worst_s=plan.promised.latency_worst_s,
        sla_stat=None if plan.sla is None else plan.sla.stat,
        limit_s=facts.limit_s,
        verdict=verdict(status, latency_s, facts.limit_s),
        loop_capped=any(mark.kind in ("loop_capped", "react_capped") for mark in trace.marks),
        marks=tuple(trace.marks),
        simulated=bool(simulated),
        simulated_operators=simulated,
        questions=dict(facts.questions),
        results=dict(facts.results),
        wall_s=facts.wall_s,
        time_scale=facts.time_scale,
        notes=facts.notes,
    )


def verdict(status: Status, latency_s: float, limit_s: float | None) -> Verdict:
    """`met` or `missed` for a run that succeeded; a timeout missed; nothing can be said of any other end."""
    if limit_s is None or status not in ("success", "timeout"):
        return "none"
    return "met" if status == "success" and latency_s <= limit_s * (1 + ROUNDING) else "missed"


def _operators(plan: Plan, attempts: Sequence[AttemptTrace]) -> Iterable[OperatorReport]:
    pools = {pool.id: pool for pool in plan.pools}
    for operator in plan.operators:
        tried = [attempt for attempt in attempts if attempt.operator == operator.id]
        done = [attempt for attempt in tried if attempt.error is None]
        took_s = [attempt.finished_at_s - attempt.started_at_s for attempt in done]
        waited_s = [attempt.started_at_s - attempt.queued_at_s for attempt in done]
        first_s = [each.first_item_at_s - each.started_at_s for each in done if each.first_item_at_s is not None]
        pool = pools[operator.routes[0].pool]
        yield OperatorReport(
            id=operator.id,
            name=operator.name,
            op=operator.op,
            device=pool.device,
            pool=pool.id,
            model=operator.model,
            simulated=any(attempt.simulated for attempt in tried),
            promised_s=operator.promised.mean_s,
            measured_s=sum(took_s) / len(took_s) if took_s else None,
            mean_queued_s=sum(waited_s) / len(waited_s) if waited_s else None,
            mean_overhead_s=sum(attempt.overhead_s for attempt in done) / len(done) if done else None,
            count=len(done),
            promised_visits=operator.visits,
            failures=len(tried) - len(done),
            mean_first_item_s=sum(first_s) / len(first_s) if first_s else None,
            reads_stream=any(attempt.reads_stream for attempt in tried),
            parts=tuple(_parts(operator, done)),
        )


def _parts(operator: PlanOperator, done: Sequence[AttemptTrace]) -> Iterable[PartReport]:
    took_s: dict[str, list[float]] = {}
    for part in (part for attempt in done for part in attempt.parts):
        took_s.setdefault(part.id, []).append(part.duration_s)
    for part in operator.parts:
        if part.call is not None:
            measured = took_s.get(part.call.id)
            mean_s = sum(measured) / len(measured) if measured else None
            yield PartReport(part.call.id, part.call.name, part.op, part.latency_s, mean_s)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType]  # JSON
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value
