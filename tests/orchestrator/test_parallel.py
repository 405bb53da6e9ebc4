"""Independent calls run at the same time; the first failure keeps the others from going on."""

import asyncio
import threading
from functools import partial

import pytest

from orchestrator import tool
from orchestrator.parallel import MAX_THREADS, run_parallel


def test_calls_meet_each_other() -> None:
    barrier = threading.Barrier(4, timeout=30)
    assert run_parallel([partial(lambda n: (barrier.wait(), n)[1], n) for n in range(4)]) == [0, 1, 2, 3]


def test_a_failure_keeps_waiting_calls_from_beginning() -> None:
    started: list[int] = []
    release = threading.Event()

    def call(n: int) -> int:
        started.append(n)
        if n == 0:
            release.set()
            raise ValueError("first")
        release.wait(30)
        return n

    many = 10 * MAX_THREADS
    with pytest.raises(ValueError, match="first"):
        run_parallel([partial(call, n) for n in range(many)])
    assert len(started) < many


def test_a_failure_cancels_async_siblings_at_their_await() -> None:
    events: list[str] = []

    @tool
    async def call(n: int) -> int:
        if n == 0:
            raise ValueError("first")
        try:
            await asyncio.Event().wait()  # for ever, unless cancelled
        except asyncio.CancelledError:
            events.append(f"cancelled {n}")
            raise
        return n

    with pytest.raises(ValueError, match="first"):
        run_parallel([partial(call, n) for n in range(3)])
    assert sorted(events) == ["cancelled 1", "cancelled 2"]


def test_nothing_to_do() -> None:
    assert run_parallel([]) == []
