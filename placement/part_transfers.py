"""What moving between the parts of a model takes: activations between the halves of a decode, an encoder's output.

Parts are in pools of their own, so that something moves wherever they are: between two pools of one class over the
class's own link. Only pools of the same model understand each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from costmodel.errors import CostError
from costmodel.fleet import Link
from costmodel.model_run import encoded_bytes
from costmodel.models import Model
from costmodel.offload import activation_bytes, exchange_s, step_back_bytes, step_out_bytes
from costmodel.transfer import link_between, transfer_s, transfer_usd
from placement.operators import OperatorSpec
from placement.pricing import Pricing
from placement.problem import Pool, Transfer
from placement.transfers import Table, measured_transfer

_Move = Callable[[Pool, Pool], Transfer | None]


def activations_table(
    attention: OperatorSpec, pricing: Pricing, sources: Iterable[Pool], destinations: Iterable[Pool]
) -> Table:
    """What the halves of a decode take to tell each other everything, each way once a layer and step.

    Needs a link each way; a measured row `<function>.activations` on `a->b`, attention to linear, replaces both.
    """

    def move(source: Pool, target: Pool) -> Transfer | None:
        row = measured_transfer(attention, pricing, "activations", source, target)
        if row is not None and row.cost_usd is not None:
            return Transfer(row.latency_s, row.cost_usd)
        there, back = _link(pricing, target, source), _link(pricing, source, target)
        if there is None or back is None:
            return None
        model = pricing.models.model(source.model or "")
        seconds, usd = _exchange(attention, model, pricing.batch, (there, back))
        return Transfer(seconds if row is None else row.latency_s, usd)

    return _table(sources, destinations, move)


def encoded_table(
    encode: OperatorSpec, pricing: Pricing, sources: Iterable[Pool], destinations: Iterable[Pool]
) -> Table:
    """Transfers of an encoder's output to a decoder of the same model."""

    def move(source: Pool, target: Pool) -> Transfer | None:
        link = _link(pricing, source, target)
        size_bytes = part_bytes(encode, pricing, source.model or "")
        return None if link is None else Transfer(transfer_s(link, size_bytes), transfer_usd(link, size_bytes))

    return _table(sources, destinations, move)


def part_bytes(spec: OperatorSpec, pricing: Pricing, model: str) -> float:
    """Bytes that one visit of an encoder or an attention exchanges with the other part; 0 while sizes are unknown."""
    shape = pricing.models.model(model)
    if spec.phase == "encode":
        return encoded_bytes(shape, spec.audio_s or 0.0)
    return activation_bytes(shape, spec.tokens_out or 0.0)


def _table(sources: Iterable[Pool], destinations: Iterable[Pool], move: _Move) -> Table:
    table: Table = {}
    targets = {pool.kv_place: pool for pool in destinations}
    for place, pool in {pool.kv_place: pool for pool in sources}.items():
        for target, other in targets.items():
            found = move(pool, other) if pool.model == other.model else None
            if found is not None:
                table[place, target] = found
    return table


def _link(pricing: Pricing, source: Pool, target: Pool) -> Link | None:
    fleet = pricing.fleet
    return link_between(fleet, fleet.device_class(source.device), fleet.device_class(target.device))


def _exchange(attention: OperatorSpec, model: Model, batch: int, links: tuple[Link, Link]) -> tuple[float, float]:
    """Seconds for a batch, and dollars of one call in it; `links` carry queries there and attended values back."""
    there, back = links
    steps = attention.tokens_out
    if steps is None:
        raise CostError(
            f"{attention.function!r} states no tokens_out, which counts the steps of its halves; give tokens_out= in "
            f"the decorator, or profile rows with tokens_out or of task '{attention.function}.activations'"
        )
    usd = transfer_usd(there, steps * step_out_bytes(model)) + transfer_usd(back, steps * step_back_bytes(model))
    return exchange_s(model, steps, there, back, batch), usd
