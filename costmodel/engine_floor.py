"""How near a prediction can be at best that does not know the engine, where several engines measured the same point.

It says how much of an error is the question's and not the model's: one number cannot meet two measurements.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from costmodel.calibration import QUANTITIES, Quantity
from costmodel.fit import blind
from costmodel.measured import Measured


@dataclass(frozen=True, slots=True)
class Floor:
    """The least mean of |predicted / measured - 1| over those of a device's `of` rows whose point engines share.

    `shared` are the positions of these rows in the measurements, so that another error can be held beside it.
    """

    device: str
    of: int
    shared: tuple[int, ...]
    least: Mapping[Quantity, float]


def floors(rows: Sequence[Measured]) -> tuple[Floor, ...]:
    """For each device with points that more than one engine measured, the error of the best one number per point."""
    at: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        point = blind(row.point)
        key = (point.device.id, point.model.id, point.tp, point.precision, point.kv_precision)
        at[(*key, point.tokens_in, point.tokens_out, point.concurrency)].append(position)
    shared = [each for each in at.values() if len({rows[position].point.engine for position in each}) > 1]
    devices = sorted({rows[each[0]].point.device.id for each in shared})
    return tuple(_floor(rows, device, shared) for device in devices)


def _floor(rows: Sequence[Measured], device: str, shared: Sequence[Sequence[int]]) -> Floor:
    groups = [each for each in shared if rows[each[0]].point.device.id == device]
    least: dict[Quantity, float] = {}
    for quantity in QUANTITIES:
        errors = [_least([_seconds(rows[position], quantity) for position in each]) for each in groups]
        counts = [sum(_seconds(rows[position], quantity) is not None for position in each) for each in groups]
        least[quantity] = math.fsum(errors) / sum(counts)
    total = sum(row.point.device.id == device for row in rows)
    return Floor(device, total, tuple(position for each in groups for position in each), least)


def _least(measured: Sequence[float | None]) -> float:
    """The sum of |x / measured - 1| at its minimum, which lies at one of the measurements, as it is linear between."""
    values = [each for each in measured if each is not None]
    return min((math.fsum(abs(x / each - 1.0) for each in values) for x in values), default=0.0)


def _seconds(row: Measured, quantity: Quantity) -> float | None:
    return row.tpot_s if quantity == "tpot" else row.ttft_s
