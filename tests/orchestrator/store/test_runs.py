"""The store in memory forgets the oldest that has ended, never what is under way."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.store.runs import MemoryStore, RunRecord, StoreFullError
from runtime.events import Status

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(id: str, status: Status) -> RunRecord:
    ended = None if status in ("queued", "running") else NOW
    return RunRecord(id=id, agent="a", plan="plan_1", status=status, created_at=NOW, inputs={}, finished_at=ended)


def test_a_record_is_found_by_its_id_and_replaced() -> None:
    store = MemoryStore[RunRecord](2)
    store.put(record("run_1", "queued"))
    store.put(replace(record("run_1", "queued"), status="running"))
    found = store.get("run_1")
    assert found is not None
    assert found.status == "running"
    assert store.get("run_2") is None


def test_the_oldest_ended_run_makes_room() -> None:
    store = MemoryStore[RunRecord](3)
    for id, status in (("run_1", "running"), ("run_2", "success"), ("run_3", "error")):
        store.put(record(id, status))
    store.put(record("run_4", "queued"))
    assert [id for id in ("run_1", "run_2", "run_3", "run_4") if store.get(id)] == ["run_1", "run_3", "run_4"]


def test_runs_under_way_are_never_forgotten() -> None:
    store = MemoryStore[RunRecord](1)
    store.put(record("run_1", "running"))
    with pytest.raises(StoreFullError, match="all 1 records are in use"):
        store.put(record("run_2", "queued"))
    assert store.get("run_1") is not None
