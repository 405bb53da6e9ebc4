"""What a simulated replica keeps of the turns of reacts: of each the KV of its last turn, as far as memory was left.

A plan leaves memory for as many calls whose tools work as compute at once; the KV that was not used for longest goes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from runtime.drivers.driver import Call
from runtime.events import Json


class KeptTurns:
    """The last prompts of at most `most` reacts, each with the key of the call that left its KV."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[str, list[Json]]] = OrderedDict()

    def next_turn(self, call: Call, messages: Sequence[Json]) -> str | None:
        """The key of the turn before whose KV a prefill finds, and keep its own in that one's place.

        None for a first turn, and where the KV is gone or the prompt does not begin with that of the turn before.
        """
        react = f"{call.run}/{call.react}"
        last = self._kept.pop(react, None)
        self._kept[react] = call.key, list(messages)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        if last is None:
            return None
        key, before = last
        return key if len(before) < len(messages) and list(messages[: len(before)]) == before else None
