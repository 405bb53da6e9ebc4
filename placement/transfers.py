"""What moving data or KV between two places takes: the tables behind the problem's edges.

Within a place data moves for nothing; a pair with neither a measured row nor a link is left out, so no plan can use it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from costmodel.errors import CostError
from costmodel.fleet import Fleet, Link
from costmodel.llm import kv_bytes
from costmodel.models import Model
from costmodel.overlap import exposed_chunks_s, exposed_s
from costmodel.profile import ProfileRow
from costmodel.roofline import DEFAULT
from costmodel.spyre import is_spyre
from costmodel.transfer import link_between, transfer_s, transfer_usd
from placement.measured_sizes import check_size
from placement.operators import OperatorSpec
from placement.pricing import Pricing, Row
from placement.problem import Pool, Transfer

Table = dict[tuple[str, str], Transfer]

KV_PRECISION = "fp16"
"""Precision of KV caches in this version, whatever the weights' precision."""


def data_table(fleet: Fleet, sources: Iterable[Pool], destinations: Iterable[Pool], size_bytes: float) -> Table:
    """Transfers of `size_bytes` between the pools' places; nothing within a place."""
    table: Table = {}
    targets = {pool.place: pool.device for pool in destinations}
    for place, device in {pool.place: pool.device for pool in sources}.items():
        for target, target_device in targets.items():
            transfer = Transfer(0.0, 0.0) if place == target else over_link(fleet, device, target_device, size_bytes)
            if transfer is not None:
                table[place, target] = transfer
    return table


def fastest_layers_s(rows: Iterable[Row]) -> dict[str, tuple[float, ...]]:
    """By KV place, the least times in which the layers of a prefill with these rows pass, one for each of its chunks.

    A roofline's row also has the engine's own time in a step, in which no layer runs. A measured row has one time.
    """
    found: dict[str, tuple[float, ...]] = {}
    for row in rows:
        place, engine_s = row.pool.kv_place, DEFAULT.step_s if row.source in {"roofline", "calibrated"} else 0.0
        steps_s = tuple(max(0.0, step_s - engine_s) for step_s in row.parts_s or (row.latency_s,))
        before = found.get(place, (math.inf,) * len(steps_s))
        found[place] = tuple(min(pair) for pair in zip(before, steps_s, strict=True))
    return found


def kv_table(
    prefill: OperatorSpec,
    pricing: Pricing,
    sources: Iterable[Pool],
    destinations: Iterable[Pool],
    hidden_by_s: Mapping[str, Sequence[float]] | None = None,
) -> Table:
    """Transfers of the KV that a prefill leaves behind, between pools of the same model.

    Two pools of one class are still two pools: their transfer takes the class's own link. A measured row
    `<function>.kv_transfer` on `a->b` replaces the link. Spyre's serving stack keeps prefill and decode together, so
    that no KV leaves or enters its cards unless the fleet supposes `spyre_kv_transfer`.

    `hidden_by_s` (see `fastest_layers_s`): the KV leaves layer by layer, so that a link delays decode by no more than
    what the fastest prefill at the source's KV place leaves exposed; a slower one leaves less. None: it leaves after
    prefill.
    """
    table: Table = {}
    targets = {pool.kv_place: pool for pool in destinations}
    for place, pool in {pool.kv_place: pool for pool in sources}.items():
        for target, target_pool in targets.items():
            if pool.model != target_pool.model or not _may_send_kv(pool, target_pool, pricing.fleet):
                continue
            layers_s = None if hidden_by_s is None else hidden_by_s[place]
            transfer = _kv_transfer(prefill, pricing, pool, target_pool, layers_s)
            if transfer is not None:
                table[place, target] = transfer
    return table


def _may_send_kv(source: Pool, target: Pool, fleet: Fleet) -> bool:
    return "spyre_kv_transfer" in fleet.hypotheses or not (is_spyre(source.device) or is_spyre(target.device))


def kv_size_bytes(prefill: OperatorSpec, pricing: Pricing, model: str) -> float | None:
    """Bytes of a model's KV after a prefill; None while the prompt's length is unknown."""
    if prefill.tokens_in is None:
        return None
    return kv_bytes(pricing.models.model(model), prefill.tokens_in, KV_PRECISION)


def over_link(fleet: Fleet, source: str, destination: str, size_bytes: float) -> Transfer | None:
    """A transfer between two device classes of a fleet over their link; None where there is none."""
    link = link_between(fleet, fleet.device_class(source), fleet.device_class(destination))
    return None if link is None else Transfer(transfer_s(link, size_bytes), transfer_usd(link, size_bytes))


def _kv_transfer(
    prefill: OperatorSpec, pricing: Pricing, source: Pool, destination: Pool, hidden_by_s: Sequence[float] | None
) -> Transfer | None:
    """A measured row's time and cost; the link's where there is no row, or for the cost where the row has none."""
    fleet = pricing.fleet
    row = measured_transfer(prefill, pricing, "kv_transfer", source, destination)
    if row is not None and row.cost_usd is not None:
        return Transfer(row.latency_s, row.cost_usd)
    link = link_between(fleet, fleet.device_class(source.device), fleet.device_class(destination.device))
    if link is None:
        if row is not None:
            raise CostError(
                f"profile row of {row.task!r} on {row.device!r} has no cost_usd and no link prices it; write 0 if free"
            )
        return None
    size_bytes, model = kv_size_bytes(prefill, pricing, source.model or ""), pricing.models.model(source.model or "")
    if size_bytes is None or prefill.tokens_in is None:
        raise CostError(
            f"{prefill.function!r} states no tokens_in, which sizes its KV transfer; give tokens_in= in the decorator, "
            f"or profile rows with tokens_in or of task '{prefill.function}.kv_transfer'"
        )
    cost_usd = transfer_usd(link, size_bytes)
    if row is not None:
        return Transfer(row.latency_s, cost_usd)
    left_s = None if hidden_by_s is None else _left_s(prefill, model, link, size_bytes, hidden_by_s)
    if left_s is None:
        return Transfer(transfer_s(link, size_bytes), cost_usd)
    return Transfer(left_s, cost_usd, overlapped=True)


def _left_s(
    prefill: OperatorSpec, model: Model, link: Link, size_bytes: float, layers_s: Sequence[float]
) -> float | None:
    """What prefill leaves of its KV's transfer; None where it hides nothing that can be told."""
    tokens, chunk_tokens = prefill.tokens_in or 0.0, prefill.chunk_tokens
    if chunk_tokens is None or tokens <= chunk_tokens:
        return exposed_s(link, size_bytes, model, tokens, layers_s[0])
    if len(layers_s) == 1:  # measured as a whole
        return None
    return exposed_chunks_s(link, model, tokens, chunk_tokens, layers_s)


def measured_transfer(
    spec: OperatorSpec, pricing: Pricing, what: str, source: Pool, destination: Pool
) -> ProfileRow | None:
    """The profile's row `<function>.<what>` between two classes; raises `CostError` for one this call cannot take."""
    task, device = f"{spec.function}.{what}", f"{source.device}->{destination.device}"
    rows = [row for row in pricing.fleet.profile.rows(task) if row.device == device]
    for row in rows:
        check_size(spec, row)
        if row.tp != 1:
            raise CostError(
                f"profile row of {task!r} on {device!r} has tp={row.tp}; a transfer is measured for the classes at its "
                "ends, so write tp=1"
            )
    return rows[0] if rows else None
