"""Rows of the options table for computes that were fused: on each CPU class the sums over what was fused.

They run one after another on one core, so times and costs add up; a class that cannot price one of them has no row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from costmodel.fleet import DeviceClass
from placement.pricing import Refusal, Row, cpu_pool


def fused_rows(
    device_class: DeviceClass, members: Sequence[tuple[str, Sequence[Row | Refusal]]]
) -> Iterator[Row | Refusal]:
    """The rows of an operator on a CPU class; `members` are the functions that were fused to it, each with its rows.

    The source is that of all of them, or both: `prior and profile`.
    """
    refused = [(name, each) for name, found in members for each in found if isinstance(each, Refusal)]
    if refused:
        yield from (Refusal(each.place, f"{name!r} has {each.why}", each.is_limit) for name, each in refused)
        return
    for rows in product(*([each for each in found if isinstance(each, Row)] for _, found in members)):
        yield Row(
            pool=cpu_pool(device_class),
            latency_s=math.fsum(row.latency_s for row in rows),
            cost_usd=math.fsum(row.cost_usd for row in rows),
            source=" and ".join(sorted({row.source for row in rows})),
            notes=tuple(dict.fromkeys(note for row in rows for note in row.notes)),
            device_s=_sum(row.device_s for row in rows),
            parts_s=tuple(row.latency_s for row in rows),
        )


def _sum(amounts: Iterable[float | None]) -> float | None:
    """The sum; None where one of them is not known."""
    known = list(amounts)
    return None if None in known else math.fsum(amount for amount in known if amount is not None)
