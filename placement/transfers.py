"""What moving data or KV between two places takes: the tables behind the problem's edges.

Within a place data moves for nothing; a pair with neither a measured row nor a link is left out, so no plan can use it.
"""

from __future__ import annotations

from collections.abc import Iterable

from costmodel.errors import CostError
from costmodel.fleet import Fleet
from costmodel.llm import kv_bytes
from costmodel.transfer import link_between, transfer_s, transfer_usd
from placement.operators import OperatorSpec
from placement.options import Pricing
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


def kv_table(prefill: OperatorSpec, pricing: Pricing, sources: Iterable[Pool], destinations: Iterable[Pool]) -> Table:
    """Transfers of the KV that a prefill leaves behind, between pools of the same model.

    Two pools of one class are still two pools: their transfer takes the class's own link. A measured row
    `<function>.kv_transfer` on `a->b` replaces the link.
    """
    table: Table = {}
    targets = {pool.kv_place: pool for pool in destinations}
    for place, pool in {pool.kv_place: pool for pool in sources}.items():
        for target, target_pool in targets.items():
            if pool.model != target_pool.model:
                continue
            transfer = _kv_transfer(prefill, pricing, pool, target_pool)
            if transfer is not None:
                table[place, target] = transfer
    return table


def kv_size_bytes(prefill: OperatorSpec, pricing: Pricing, model: str | None) -> float:
    """Bytes of the KV after a prefill. Raises `CostError` while the prompt's length is unknown."""
    if prefill.tokens_in is None or model is None:
        raise CostError(
            f"{prefill.function!r} states no tokens_in, which sizes its KV transfer; give it or a profile row"
        )
    return kv_bytes(pricing.models.model(model), prefill.tokens_in, KV_PRECISION)


def over_link(fleet: Fleet, source: str, destination: str, size_bytes: float) -> Transfer | None:
    """A transfer between two device classes of a fleet over their link; None where there is none."""
    classes = {device_class.id: device_class for device_class in fleet.classes}
    link = link_between(fleet, classes[source], classes[destination])
    return None if link is None else Transfer(transfer_s(link, size_bytes), transfer_usd(link, size_bytes))


def _kv_transfer(prefill: OperatorSpec, pricing: Pricing, source: Pool, destination: Pool) -> Transfer | None:
    task, device = f"{prefill.function}.kv_transfer", f"{source.device}->{destination.device}"
    row = pricing.fleet.profile.row(task, device)
    if row is not None and row.cost_usd is not None:
        return Transfer(row.latency_s, row.cost_usd)
    if not link_exists(pricing.fleet, source.device, destination.device):
        if row is not None:
            raise CostError(f"profile row of {task!r} on {device!r} has no cost_usd and no link prices it; write 0 if free")
        return None
    size_bytes = kv_size_bytes(prefill, pricing, source.model)
    moved = over_link(pricing.fleet, source.device, destination.device, size_bytes)
    return moved if moved is None or row is None else Transfer(row.latency_s, moved.cost_usd)


def link_exists(fleet: Fleet, source: str, destination: str) -> bool:
    """Whether two device classes of a fleet can exchange anything."""
    return over_link(fleet, source, destination, 0.0) is not None
