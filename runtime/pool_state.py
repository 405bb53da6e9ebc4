"""The queue and batch slots of one replica: first come, first served.

Pure, so that a Ray actor and a simulator use the same rules: whoever drives it says what the time is.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Arrived(NamedTuple):
    """A call is here with all of its data."""

    key: str


class Left(NamedTuple):
    """A call has ended, whether it ran or still waited."""

    key: str


class Start(NamedTuple):
    """Run a call now; it waited for `waited_s`."""

    key: str
    waited_s: float


class PoolState:
    """At most `slots` calls run at once; the others wait in the order of their arrival."""

    def __init__(self, slots: int) -> None:
        if slots < 1:
            raise ValueError(f"a replica needs at least one slot, got {slots}")
        self.slots = slots
        self._running: set[str] = set()
        self._queue: deque[tuple[str, float]] = deque()

    @property
    def waiting(self) -> int:
        """Number of calls that wait."""
        return len(self._queue)

    def on(self, event: Arrived | Left, now: float) -> list[Start]:
        """Take an event at time `now` (seconds on any clock) and name the calls that start."""
        match event:
            case Arrived(key):
                self._queue.append((key, now))
            case Left(key) if key in self._running:
                self._running.remove(key)
            case Left(key):
                self._queue = deque(entry for entry in self._queue if entry[0] != key)
        started: list[Start] = []
        while self._queue and len(self._running) < self.slots:
            key, arrived_at = self._queue.popleft()
            self._running.add(key)
            started.append(Start(key, max(0.0, now - arrived_at)))
        return started
