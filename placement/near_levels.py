"""The levels near those that a plan uses: other caps, slots and degrees, and its phases apart or together.

Few levels are offered before anything is known of the agents together; a plan tells around which to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from placement.levels import CAPS

_LEVEL = re.compile(
    r"(?P<head>.+)/tp(?P<tp>\d+)/(?P<precision>[^/]+)/(?P<phase>[^/]+)(/b(?P<slots>\d+))?/u[^/]+(?P<tenant>/.+)?"
)
_PHASES = {
    "serve": ("serve", "decode", "keep"),
    "decode": ("decode", "serve"),
    "prefill": ("prefill",),
    "keep": ("keep", "serve"),
}


def near(level: str) -> Iterator[str]:
    """Ids of levels like this one, itself among them: every cap; half, the same and twice the slots and the devices.

    A pool that decodes may also serve whole calls and the other way round. Ids of levels that cannot be are among them.
    """
    found = _LEVEL.fullmatch(level)
    if found is None:
        yield level
        return
    tenant, slots = found["tenant"] or "", found["slots"]
    phases = _PHASES.get(found["phase"], (found["phase"],))
    for tp in _around(int(found["tp"])):
        for phase in phases:
            pool = f"{found['head']}/tp{tp}/{found['precision']}/{phase}"
            for spot in (pool,) if slots is None else (f"{pool}/b{count}" for count in _around(int(slots))):
                yield from (f"{spot}/u{cap:g}{tenant}" for cap in CAPS)
    if found["phase"] == "serve":
        pool = f"{found['head']}/tp{found['tp']}/{found['precision']}/prefill"
        yield from (f"{pool}/u{cap:g}{tenant}" for cap in CAPS)


def _around(count: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys((count, count * 2, max(1, count // 2))))
