"""The log of runs: every event and command as a record with names, written before the command is carried out.

A log that lasts is handed in by whoever owns a store; the one here keeps records in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

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


@dataclass(frozen=True, slots=True)
class Record:
    """Something that happened in a run. `number` counts from zero in each run; `at_s` is virtual seconds since its
    begin."""

    run: str
    number: int
    kind: str
    at_s: float | None
    instance: str | None
    data: dict[str, Json]

    def to_json(self) -> dict[str, Any]:
        """A mapping of the fields."""
        return asdict(self)


class EventLog(Protocol):
    """Where records go. What `append` has returned from is committed; a dispatch waits for that."""

    async def append(self, records: Sequence[Record]) -> None:
        """Commit records of one run, in their order."""
        ...


@dataclass(slots=True)
class MemoryEventLog:
    """Keeps every record in a list."""

    records: list[Record] = field(default_factory=list[Record])

    async def append(self, records: Sequence[Record]) -> None:
        """Keep the records."""
        self.records.extend(records)


def record_of(run: str, number: int, entry: Event | Command) -> Record:
    """The record of an event or a command."""
    at_s: float | None = getattr(entry, "at", None)
    instance: str | None = getattr(entry, "instance", None)
    kind, data = _told(entry)
    if isinstance(entry, Dispatch):
        at_s = entry.ready_at
    return Record(run, number, kind, at_s, instance, data)


def _told(entry: Event | Command) -> tuple[str, dict[str, Json]]:
    match entry:
        case Submitted():
            return "submitted", {"inputs": entry.inputs}
        case Dispatch():
            return "dispatched", {"attempt": entry.attempt, "operator": entry.operator}
        case Started():
            return "started", {"attempt": entry.attempt}
        case FirstItem():
            return "first_item", {"attempt": entry.attempt}
        case Supply():
            return "supplied", {"attempt": entry.attempt}
        case Succeeded():
            return "succeeded", {"attempt": entry.attempt, "value": entry.value}
        case Failed():
            return "failed", {"attempt": entry.attempt, "failure": entry.failure.to_json()}
        case Log():
            return entry.kind, {"value": entry.value}
        case Ask():
            return "asked", {"question": entry.question}
        case Answered():
            return "answered", {"value": entry.value}
        case _:
            return _told_end(entry)


def _told_end(entry: Cancel | Cancelled | DeadlinePassed | Finish) -> tuple[str, dict[str, Json]]:
    match entry:
        case Cancel():
            return "stopped", {"attempt": entry.attempt}
        case Cancelled():
            return "cancelled", {}
        case DeadlinePassed():
            return "deadline_passed", {}
        case Finish():
            failure = None if entry.failure is None else entry.failure.to_json()
            return "finished", {"status": entry.status, "value": entry.value, "failure": failure}
