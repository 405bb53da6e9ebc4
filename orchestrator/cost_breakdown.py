"""Where a plan's cost, energy and carbon come from: each pool's hourly price by term, each operator's share of it.

Nothing is computed anew: a price's terms times the device seconds of a run, and what is left is what calls cost beside
devices. So the parts add up to the cost that the plan promises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from costmodel.energy import Footprint, footprint
from costmodel.errors import CostModelError
from costmodel.fleet import Fleet
from costmodel.tco import Price, price
from orchestrator.pipeline import PlanResult
from placement.plan import Plan, PlanOperator, PlanPool

STATED = "stated"
"""The term for what no device's price makes: a service's fee in the decorator, or a measured cost in a profile, which
replaces the price of devices."""

TRANSFERS = "transfers"
"""The row of all that moves between devices."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class CostRow:
    """One operator's part of a run: device seconds, US dollars by term, and what the devices use.

    `device_s` and `used` are None where nobody knows for how long, or with what power, devices were held.
    """

    name: str
    device: str
    device_s: float | None
    usd: Mapping[str, float]
    used: Footprint | None

    @property
    def cost_usd(self) -> float:
        """US dollars of a run, all terms."""
        return sum(self.usd.values())


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """`prices` by device class, one row for each operator and one for transfers if there are any."""

    prices: Mapping[str, Price]
    rows: tuple[CostRow, ...]


def cost_breakdown(plan: Plan, result: PlanResult) -> CostBreakdown:
    """The breakdown of a feasible plan's cost per run."""
    pools = {pool.id: pool for pool in plan.pools}
    prices = dict(_prices(plan, result.fleet))
    rows = [_row(operator, pools[operator.routes[0].pool], prices, result.fleet) for operator in plan.operators]
    moved_usd = sum(transfer.visits * transfer.cost_usd for transfer in plan.transfers)
    if moved_usd:
        rows.append(CostRow(TRANSFERS, "", None, {TRANSFERS: moved_usd}, None))
    return CostBreakdown(prices, tuple(rows))


def _prices(plan: Plan, fleet: Fleet) -> Iterator[tuple[str, Price]]:
    for device in dict.fromkeys(pool.device for pool in plan.pools):
        try:
            yield device, price(fleet.device_class(device), fleet)
        except CostModelError:
            continue  # a class without a price, whose calls have measured costs


def _row(operator: PlanOperator, pool: PlanPool, prices: Mapping[str, Price], fleet: Fleet) -> CostRow:
    promised, visits = operator.promised, operator.visits
    cost_usd = visits * promised.cost_usd
    device_s = None if promised.device_s is None else visits * promised.device_s
    paid = prices.get(pool.device)
    held = {} if paid is None or device_s is None else {name: usd * device_s / 3600 for name, usd in paid.terms.items()}
    rest_usd = cost_usd - sum(held.values())
    if abs(rest_usd) > _ROUNDING * cost_usd:
        held = {STATED: cost_usd} if promised.source == "profile" else {**held, STATED: rest_usd}
    return CostRow(operator.id, pool.device, device_s, held, _used(pool.device, fleet, device_s))


def _used(device: str, fleet: Fleet, device_s: float | None) -> Footprint | None:
    if device_s is None:
        return None
    try:
        return footprint(fleet.device_class(device), fleet, device_s)
    except CostModelError:
        return None
