"""What is kept of plans and runs, behind a small interface; here in memory only.

The store is a seam: one that outlives the process takes the place of `MemoryStore` without a change in the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar

from placement.plan import Plan
from runtime.events import Status

SlaStatus = Literal["on_track", "at_risk", "met", "missed"]


class StoreFullError(RuntimeError):
    """Nothing that may be forgotten is left to make room."""


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan that was asked for: `document` is what `plan --json` prints, `plan` what the runtime executes."""

    id: str
    created_at: datetime
    agent: str
    document: Mapping[str, Any]
    plan: Plan

    @property
    def forgettable(self) -> bool:
        """Every plan may be made again."""
        return True


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run: what was asked, how far it is, and in the end its report.

    `sla` is None for an agent without an SLA, and where an ended run tells nothing of it; `limit_s` is the SLA's.
    `error` and `traceback` tell why a run ended as `error` or `timeout`.
    """

    id: str
    agent: str
    plan: str
    status: Status
    created_at: datetime
    inputs: Mapping[str, Any]
    sla: SlaStatus | None = None
    limit_s: float | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: Any = None
    simulated: bool = False
    error: str | None = None
    traceback: str | None = None
    report: Mapping[str, Any] | None = None

    @property
    def forgettable(self) -> bool:
        """Only a run that goes on no more may be forgotten."""
        return self.finished_at is not None


class Record(Protocol):
    """What a store keeps."""

    @property
    def id(self) -> str:
        """Its name in the store."""
        ...

    @property
    def forgettable(self) -> bool:
        """Whether it may make room for another."""
        ...


R = TypeVar("R", bound=Record)


class Store(Protocol[R]):
    """Keeps records by their id."""

    def put(self, record: R) -> None:
        """Adds a record, or replaces the one of the same id. Raises `StoreFullError`."""
        ...

    def get(self, id: str) -> R | None:
        """The record of that id, None where there is none (never was, or forgotten)."""
        ...


class MemoryStore(Generic[R]):
    """Keeps up to `capacity` records in this process; room is made by forgetting the oldest that may be forgotten."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._records: dict[str, R] = {}

    def put(self, record: R) -> None:
        """As `Store.put`."""
        if record.id not in self._records and len(self._records) >= self.capacity:
            self._forget_one()
        self._records[record.id] = record

    def get(self, id: str) -> R | None:
        """As `Store.get`."""
        return self._records.get(id)

    def _forget_one(self) -> None:
        oldest = next((id for id, record in self._records.items() if record.forgettable), None)
        if oldest is None:
            raise StoreFullError(
                f"all {self.capacity} records are in use; wait for one to end, or ask the server to keep more"
            )
        del self._records[oldest]
