"""What of a call's value is out, and what of its data is still to come, while the call runs.

A call that gives a stream tells when its first item is out; one that reads a stream was started by the first item and
gets the whole once the last is there. Both ends of a call hold such a record: the replica, and whoever waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Whole:
    """The inputs that came item by item, and when the last item was there: virtual seconds since the run began."""

    arguments: dict[str, Json]
    arrived_at: float


@dataclass(frozen=True, slots=True)
class First:
    """A call's first item is out `after_s` virtual seconds after its data had begun to arrive.

    `held_s` is the real time that these seconds stand for; the rest is overhead of the orchestrator.
    """

    after_s: float
    held_s: float


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True)
class Flow:
    """Of one call: `first` gets the seconds from its start to its first item, `whole` the inputs that streamed.

    `started_at` is when the call started, in virtual seconds since the run began. `on_first` is called with what
    `first` gets. Made on a running event loop.
    """

    started_at: float = 0.0
    on_first: Callable[[float], None] | None = None
    first: asyncio.Future[float] = field(default_factory=_future)
    whole: asyncio.Future[Whole] = field(default_factory=_future)

    def tell_first(self, after_s: float) -> None:
        """The first item is out."""
        if not self.first.done():
            self.first.set_result(after_s)
            if self.on_first is not None:
                self.on_first(after_s)

    def give_whole(self, whole: Whole) -> None:
        """The last item of every input is there."""
        if not self.whole.done():
            self.whole.set_result(whole)
