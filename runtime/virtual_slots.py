"""When a call starts on a replica's virtual clock, although real time passes differently there.

Scaled sleeps and the executor's own work let calls come in another order, or later, than their virtual times say. So
the start of a call is computed from the times at which the slots were busy: the first moment from its arrival on with
a free one.
"""

from __future__ import annotations

from collections import deque
from math import inf

REMEMBERED_PER_SLOT = 64
"""How many ended calls are kept for each slot: calls that come so much later no longer compete with them."""


class VirtualSlots:
    """The busy times of `slots` interchangeable slots, in virtual seconds."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._running: dict[str, float] = {}
        self._ended: deque[tuple[float, float]] = deque(maxlen=REMEMBERED_PER_SLOT * slots)

    def start(self, key: str, arrived_s: float) -> float:
        """When a call starts that arrived at `arrived_s` and has a slot now; it is busy from then on."""
        candidates = [arrived_s, *sorted(end for _, end in self._ended if end > arrived_s)]
        started_s = next(time_s for time_s in candidates if self._busy(time_s) < self._slots)
        self._running[key] = started_s
        return started_s

    def end(self, key: str, ended_s: float) -> None:
        """A call has ended."""
        self._ended.append((self._running.pop(key), ended_s))

    def _busy(self, time_s: float) -> int:
        """Slots that are busy at a time; a running call stays so for all we know."""
        running = [(started_s, inf) for started_s in self._running.values()]
        return sum(1 for started_s, ended_s in (*self._ended, *running) if started_s <= time_s < ended_s)
