"""Records: every event and command under one name, numbered, as JSON."""

import asyncio
import json
from typing import Any

import pytest

from runtime.event_log import MemoryEventLog, record_of
from runtime.events import (
    Answered,
    Ask,
    Cancel,
    Cancelled,
    DeadlinePassed,
    Dispatch,
    Failed,
    Finish,
    Log,
    Started,
    Submitted,
    Succeeded,
)
from runtime.failure import Failure

FAILURE = Failure("raised", "E", "bad")


@pytest.mark.parametrize(
    ("entry", "kind", "at_s", "instance"),
    [
        (Submitted({"x": 1}, 0.0), "submitted", 0.0, None),
        (Dispatch("a", 0, {"x": 1}, None, 1, 2.0, (), False), "dispatched", 2.0, "a"),
        (Started("a", 1, 2.5), "started", 2.5, "a"),
        (Succeeded("a", 1, 5, 3.0), "succeeded", 3.0, "a"),
        (Failed("a", 1, FAILURE, 3.0), "failed", 3.0, "a"),
        (Log("observed", "o", 5, 3.0), "observed", 3.0, "o"),
        (Ask("q", "?", 3.0), "asked", 3.0, "q"),
        (Answered("q", "!", 4.0), "answered", 4.0, "q"),
        (Cancel("a", 1), "stopped", None, "a"),
        (Cancelled(5.0), "cancelled", 5.0, None),
        (DeadlinePassed(5.0), "deadline_passed", 5.0, None),
        (Finish("error", None, FAILURE, 6.0), "finished", 6.0, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, tuple) else "",
)
def test_every_event_and_command_has_a_record(entry: Any, kind: str, at_s: Any, instance: Any) -> None:
    record = record_of("run", 7, entry)
    assert (record.run, record.number, record.kind, record.at_s, record.instance) == ("run", 7, kind, at_s, instance)
    assert json.loads(json.dumps(record.to_json()))["data"] == record.data


def test_the_log_in_memory_keeps_the_order() -> None:
    log = MemoryEventLog()
    records = [record_of("run", number, Cancelled(float(number))) for number in range(3)]
    asyncio.run(log.append(records[:2]))
    asyncio.run(log.append(records[2:]))
    assert log.records == records
