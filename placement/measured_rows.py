"""Rows of the options table from a profile: what was measured on a device class replaces every formula for it.

A row says too little to be taken on trust, so what it leaves open (model, degree) must follow from the call.
"""

from __future__ import annotations

from collections.abc import Iterator

from costmodel.errors import CostError
from costmodel.fleet import DeviceClass
from costmodel.profile import ProfileRow
from placement.measured_sizes import check_size
from placement.operators import OperatorSpec
from placement.part_pools import phase_pool
from placement.pricing import Pricing, Row, cpu_pool, usd_per_s
from placement.problem import Pool

MEASURED_PRECISION = "fp16"
"""Precision of the weights that a profile row is taken to have measured: its columns do not say."""


def measured(spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing) -> tuple[ProfileRow, ...]:
    """The profile's rows of an operator on a class. Raises `CostError` for one of a call of another size."""
    rows = tuple(row for row in pricing.fleet.profile.rows(spec.task) if row.device == device_class.id)
    for row in rows:
        check_size(spec, row)
    return rows


def function_rows(
    spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing, rows: tuple[ProfileRow, ...]
) -> Iterator[Row]:
    """Rows of a user's function. Raises `CostError` for a degree other than 1: a function runs on one core."""
    for row in rows:
        if row.tp != 1:
            raise CostError(
                f"profile row of {row.task!r} on {row.device!r} has tp={row.tp}; a user's function runs on one core, "
                "so write tp=1"
            )
        yield _row(spec, row, cpu_pool(device_class), (device_class, pricing))


def model_rows(
    spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing, rows: tuple[ProfileRow, ...]
) -> Iterator[Row]:
    """Rows of a model. Raises `CostError` where a call permits several and so leaves open which was measured."""
    if len(spec.models) != 1:
        raise CostError(
            f"profile rows of {spec.task!r} do not say which of {', '.join(spec.models)} they measured; "
            "give the call one model, or take the rows out"
        )
    model = pricing.models.model(spec.models[0])
    for row in rows:
        pool = phase_pool(spec, device_class, model, row.tp, MEASURED_PRECISION, 1)
        yield _row(spec, row, pool, (device_class, pricing))


def _row(spec: OperatorSpec, row: ProfileRow, pool: Pool, priced_by: tuple[DeviceClass, Pricing]) -> Row:
    """A row without a cost costs its devices for its time, and what the author says that a call costs beside.

    Of a measured call nobody knows how much of its time it waited elsewhere; its devices are taken to be busy.
    """
    device_class, pricing = priced_by
    cost_usd, device_s = row.cost_usd, row.tp * row.latency_s
    if cost_usd is None:
        beside_usd = spec.prior.cost_usd or 0.0
        cost_usd = beside_usd + usd_per_s(device_class, pricing.fleet) * device_s
    notes = (f"profile: {row.source}", *spec.notes)
    if spec.chunk_tokens is not None:
        notes += (f"the row is taken to have measured chunks of {spec.chunk_tokens} tokens",)
    return Row(pool, row.latency_s, cost_usd, "profile", notes=notes, device_s=device_s)
