"""A run's report as text: the answer, promised against measured times, the SLA verdict, and what was simulated."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ir.duration import format_duration
from orchestrator.commands.text import table
from orchestrator.graph import Json
from runtime.trace import OperatorReport, RunReport

HEADER = ("operator", "kind", "device", "promised", "measured", "calls", "remarks")
NUMBERS = ("promised", "measured", "calls")


def run_text(report: RunReport) -> str:
    """The whole report, without the failure of a failed run."""
    return "\n".join(_lines(report))


def failure_text(report: RunReport) -> str:
    """Why a run did not succeed: the user's traceback where there is one, then the message on a line of its own."""
    error = report.error
    if error is None:
        questions = "; ".join(f"{instance}: {_value(question)}" for instance, question in report.questions.items())
        reason = f"the run waits for an answer: {questions}" if questions else f"the run ended as {report.status}"
        return f"error: {reason}"
    where = f"{error.instance}: " if error.instance else ""
    return f"{error.traceback.rstrip()}\nerror: {where}{error.type}: {error.message}".lstrip("\n")


def _lines(report: RunReport) -> Iterator[str]:
    yield f"{report.agent}: {report.status}"
    if report.status == "success":
        yield f"answer{' (simulated devices took part)' if report.simulated else ''}:"
        yield _value(report.value)
    yield ""
    yield table(HEADER, [row for operator in report.operators for row in _rows(operator)], NUMBERS)
    yield ""
    yield from _totals(report)
    for mark in report.marks:
        yield f"{mark.kind}: {mark.instance} at {format_duration(mark.at_s)}: {_value(mark.value)}"
    for note in (*report.notes, *_simulation_notes(report)):
        yield f"note: {note}"


def _simulation_notes(report: RunReport) -> Iterator[str]:
    """What the simulated driver takes for granted, where it took part."""
    if not report.simulated:
        return
    yield f"simulated: {', '.join(report.simulated_operators)}"
    yield "the measured time of a simulated operator is the plan's prediction, not a measurement"
    yield "its output comes from the function's simulate=, or is a labelled placeholder; no model was asked"
    if report.time_scale != 1:
        yield f"simulated operators really took {report.time_scale:g} of their time; all times here are unscaled"


def _totals(report: RunReport) -> Iterator[str]:
    stat = report.sla_stat or "worst"
    promised = f"{format_duration(report.promised_latency_s)} ({stat})"
    if stat != "mean":
        promised += f", {format_duration(report.promised_latency_mean_s)} (mean)"
    wall = "" if report.time_scale == 1 else f" at time scale {report.time_scale:g}"
    yield f"latency: promised {promised}; measured {format_duration(report.latency_s)}"
    overheads = [attempt.overhead_s for attempt in report.attempts]
    if overheads:
        mean = format_duration(sum(overheads) / len(overheads))
        yield f"of it orchestration: {mean} a call on average over {len(overheads)} calls"
    yield f"the run took {format_duration(report.wall_s)} on the clock{wall}"
    if report.limit_s is not None:
        limit = f"{stat} <= {format_duration(report.limit_s)}"
        verdicts = {"met": "met", "missed": "missed", "none": f"no verdict on a run that ended as {report.status}"}
        yield f"SLA {limit}: {verdicts[report.verdict]}"
    else:
        yield "SLA: none"


def _rows(operator: OperatorReport) -> Iterator[tuple[str, ...]]:
    """An operator, and below it the functions that were fused to it."""
    yield _row(operator)
    for part in operator.parts:
        measured = "-" if part.measured_s is None else format_duration(part.measured_s)
        yield f"  {part.id}", part.op, "", format_duration(part.promised_s), measured, "", "fused"


def _row(operator: OperatorReport) -> tuple[str, ...]:
    measured = "-" if operator.measured_s is None else format_duration(operator.measured_s)
    marks = ["simulated"] if operator.simulated else []
    if operator.reads_stream:
        marks.append("with waits for items")
    if operator.mean_first_item_s is not None:
        marks.append(f"first item after {format_duration(operator.mean_first_item_s)}")
    if operator.failures:
        marks.append(f"{operator.failures} failed")
    return (
        operator.id,
        operator.op,
        operator.device,
        format_duration(operator.promised_s),
        measured,
        str(operator.count),
        ", ".join(marks),
    )


def _value(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
