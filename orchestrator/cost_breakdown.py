"""Where a plan's cost, energy and carbon come from: each pool's hourly price by term, each operator's share of it.

Nothing is computed anew: a price's terms times the device seconds of a run (of a load: of an hour), and what is left is
what calls cost beside devices. So the parts add up to the cost that the plan promises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costmodel.energy import Footprint, footprint
from costmodel.errors import CostModelError
from costmodel.fleet import Fleet
from costmodel.tco import Price, price
from orchestrator.pipeline import PlanResult
from placement.plan import Plan, PlanOperator, PlanPool

if TYPE_CHECKING:
    from orchestrator.fleet_pipeline import FleetPlan
    from placement.shared_plans import Answer

STATED = "stated"
"""The term for what no device's price makes: a service's fee in the decorator, or a measured cost in a profile, which
replaces the price of devices."""

TRANSFERS = "transfers"
"""The row of all that moves between devices."""

FEES = "fees, transfers"
"""The row of what a load's calls cost beside replicas."""

_HOUR_S = 3600.0

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class CostRow:
    """One operator's part of a run, or one pool's of an hour: device seconds, US dollars by term, what devices use.

    `device_s` and `used` are None where nobody knows for how long, or with what power, devices were held.
    """

    name: str
    device: str
    device_s: float | None
    usd: Mapping[str, float]
    used: Footprint | None

    @property
    def cost_usd(self) -> float:
        """US dollars, all terms."""
        return sum(self.usd.values())


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """`prices` by device class, a row for each operator or pool, and one for what is paid beside devices, if any."""

    prices: Mapping[str, Price]
    rows: tuple[CostRow, ...]


def cost_breakdown(plan: Plan, result: PlanResult) -> CostBreakdown:
    """The breakdown of a feasible plan's cost per run."""
    pools = {pool.id: pool for pool in plan.pools}
    prices = dict(_prices([pool.device for pool in plan.pools], result.fleet))
    rows = [_row(operator, pools[operator.routes[0].pool], prices, result.fleet) for operator in plan.operators]
    moved_usd = sum(transfer.visits * transfer.cost_usd for transfer in plan.transfers)
    if moved_usd:
        rows.append(CostRow(TRANSFERS, "", None, {TRANSFERS: moved_usd}, None))
    return CostBreakdown(prices, tuple(rows))


def fleet_cost_breakdown(plan: FleetPlan, answer: Answer) -> CostBreakdown:
    """The breakdown of an hour of a load: a row for each pool with replicas, which are paid for busy or not."""
    from orchestrator.fleet_report import pool_rows

    pools = list(pool_rows(plan, answer))
    prices = dict(_prices([pool.device for pool in pools], plan.fleet))
    rows: list[CostRow] = []
    for pool in pools:
        device_s = pool.devices * _HOUR_S
        usd = _held(prices.get(pool.device), device_s, pool.usd_per_hour)
        rows.append(CostRow(pool.id, pool.device, device_s, usd, _used(pool.device, plan.fleet, device_s)))
    found = answer.evaluation.usd_per_hour
    beside_usd = found - sum(row.cost_usd for row in rows)
    if abs(beside_usd) > _ROUNDING * found:
        rows.append(CostRow(FEES, "", None, {STATED: beside_usd}, None))
    return CostBreakdown(prices, tuple(rows))


def _prices(devices: Iterable[str], fleet: Fleet) -> Iterator[tuple[str, Price]]:
    for device in dict.fromkeys(devices):
        try:
            yield device, price(fleet.device_class(device), fleet)
        except CostModelError:
            continue  # a class without a price, whose calls have measured costs


def _row(operator: PlanOperator, pool: PlanPool, prices: Mapping[str, Price], fleet: Fleet) -> CostRow:
    promised, visits = operator.promised, operator.visits
    cost_usd = visits * promised.cost_usd
    device_s = None if promised.device_s is None else visits * promised.device_s
    usd = _held(prices.get(pool.device), device_s, cost_usd)
    if STATED in usd and promised.source == "profile":
        usd = {STATED: cost_usd}
    return CostRow(operator.id, pool.device, device_s, usd, _used(pool.device, fleet, device_s))


def _held(paid: Price | None, device_s: float | None, cost_usd: float) -> dict[str, float]:
    """The terms of devices that are held for so long, and what is left of the cost."""
    held = {} if paid is None or device_s is None else {k: usd * device_s / _HOUR_S for k, usd in paid.terms.items()}
    rest_usd = cost_usd - sum(held.values())
    return {**held, STATED: rest_usd} if abs(rest_usd) > _ROUNDING * cost_usd else held


def _used(device: str, fleet: Fleet, device_s: float | None) -> Footprint | None:
    if device_s is None:
        return None
    try:
        return footprint(fleet.device_class(device), fleet, device_s)
    except CostModelError:
        return None
