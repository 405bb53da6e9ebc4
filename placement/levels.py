"""Which levels of pools are offered: few, and well spread over classes, prices and speeds.

A solver's time grows with options, and most levels are never taken; each class keeps its cheapest and its fastest, so
that inventories, pins and one-class fleets still have an answer, and the rest are those that no other beats.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from costmodel.energy import footprint
from costmodel.errors import FleetError
from costmodel.fleet import Fleet
from costmodel.tco import price
from placement.problem import Pool
from placement.ways import Way

CAPS = (0.5, 0.7, 0.9)
"""Shares of a replica's slots that may be busy on average."""

MOST_LEVELS = 24
"""Levels of one model and phase that are offered, unless a call would be left without any."""

Spot = tuple[Pool, int]
"""A pool with so many slots on each replica."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Calls of one operator: how many a second, and its way at each spot that can take it."""

    calls_per_s: float
    ways: Mapping[Spot, Way]


@dataclass(frozen=True, slots=True)
class Rent:
    """What a replica takes while it is provisioned, busy or not; watts at the meter, carbon of making it included."""

    usd_per_hour: float
    watts: float
    gco2e_per_hour: float


@dataclass(frozen=True, slots=True)
class _Score:
    """A level if all flows used it: dollars an hour of whole replicas, and seconds of a mean call with its waiting."""

    spot: Spot
    cap: float
    whole_usd: float
    mean_s: float

    @property
    def device(self) -> str:
        return self.spot[0].device


def rents(fleet: Fleet, pool: Pool) -> Rent:
    """The price, power and carbon of a replica of a pool. Raises `FleetError` for a class without a price."""
    device_class = fleet.device_class(pool.device)
    usd_per_hour = pool.tp * price(device_class, fleet).usd_per_hour
    if device_class.device is None:
        return Rent(usd_per_hour, 0.0, 0.0)
    hour = footprint(device_class, fleet, 3600.0)
    gco2e = hour.operational_gco2e + (hour.embodied_gco2e or 0.0)
    return Rent(usd_per_hour, pool.tp * hour.facility_j / 3600.0, pool.tp * gco2e)


def without_power(fleet: Fleet, pools: Iterable[Pool]) -> tuple[str, ...]:
    """Classes of pools whose power nobody knows, so that no budget of watts or carbon can hold."""
    unknown = (pool.device for pool in pools if fleet.device_class(pool.device).device is None)
    return tuple(dict.fromkeys(unknown))


def pick(
    flows: Sequence[Flow], fleet: Fleet, most: int = MOST_LEVELS, caps: Sequence[float] = CAPS
) -> tuple[tuple[Spot, float], ...]:
    """The spots and caps that are offered to flows of one model and phase, in a fixed order.

    For each class the cheapest level for the whole load with whole replicas, the fastest, and the one with the least
    product of price and time; then, up to `most`, the cheapest of those that no other beats in both price and speed;
    and for a flow that none of these takes, its own cheapest.
    """
    spots = list(dict.fromkeys(spot for flow in flows for spot in flow.ways))
    rented = {pool: rents(fleet, pool) for pool in dict.fromkeys(pool for pool, _ in spots)}
    scores = [_score(flows, spot, cap, rented[spot[0]]) for spot in spots for cap in caps]
    kept = dict.fromkeys(_of_each_class(scores))
    for score in _unbeaten(scores):
        if len(kept) >= most:
            break
        kept[score] = None
    for flow in flows:
        if flow.ways and not any(score.spot in flow.ways for score in kept):
            kept[min((score for score in scores if score.spot in flow.ways), key=lambda one: one.whole_usd)] = None
    taken = {(score.spot, score.cap) for score in kept}
    return tuple((spot, cap) for spot in spots for cap in caps if (spot, cap) in taken)


def balanced(flows: Sequence[Flow], fleet: Fleet) -> tuple[tuple[Spot, float], ...]:
    """For each class the cheapest level and the one with the least product of price and time, without the fastest.

    For parts of a model, which stand beside the whole: a search over all levels of both would take far longer.
    """
    spots = list(dict.fromkeys(spot for flow in flows for spot in flow.ways))
    scores = [_score(flows, spot, cap, rents(fleet, spot[0])) for spot in spots for cap in CAPS]
    found: dict[tuple[Spot, float], None] = {}
    for device in dict.fromkeys(score.device for score in scores):
        mine = [score for score in scores if score.device == device]
        for best in (min(mine, key=lambda one: one.whole_usd), min(mine, key=lambda one: one.whole_usd * one.mean_s)):
            found[best.spot, best.cap] = None
    return tuple(found)


def cheapest(flows: Sequence[Flow], fleet: Fleet, cap: float, most: int) -> tuple[Spot, ...]:
    """The `most` cheapest spots for the whole load at a cap, with whole replicas."""
    spots = dict.fromkeys(spot for flow in flows for spot in flow.ways)
    scores = [_score(flows, spot, cap, rents(fleet, spot[0])) for spot in spots]
    return tuple(score.spot for score in sorted(scores, key=lambda one: (one.whole_usd, one.mean_s))[:most])


def _score(flows: Sequence[Flow], spot: Spot, cap: float, rent: Rent) -> _Score:
    taking = [(flow.calls_per_s, flow.ways[spot].service.held(1.0)) for flow in flows if spot in flow.ways]
    calls = math.fsum(rate for rate, _ in taking)
    busy = math.fsum(rate * service.slot_s for rate, service in taking)
    visit_s = math.fsum(rate * service.visit_s for rate, service in taking) / calls
    replicas = busy / (cap * spot[1])
    wait_s = waiting_s(busy / calls, spot[1], cap)
    usd = rent.usd_per_hour
    return _Score(spot, cap, usd * math.ceil(replicas - 1e-9), visit_s + wait_s)


def waiting_s(slot_s: float, slots: int, cap: float) -> float:
    """Seconds that a call waits for one of the slots of a replica at its cap, to compare levels.

    Sakasegawa's approximation for M/M/c: s u^(sqrt(2 (c + 1)) - 1) / (c (1 - u)) (Ann. Inst. Statist. Math. 29, 1977).
    """
    return slot_s * cap ** (math.sqrt(2.0 * (slots + 1)) - 1.0) / (slots * (1.0 - cap))


def _of_each_class(scores: Sequence[_Score]) -> Iterator[_Score]:
    for device in dict.fromkeys(score.device for score in scores):
        mine = [score for score in scores if score.device == device]
        yield min(mine, key=lambda one: (one.whole_usd, one.mean_s))
        yield min(mine, key=lambda one: one.whole_usd * one.mean_s)
        yield min(mine, key=lambda one: (one.mean_s, one.whole_usd))


def _unbeaten(scores: Sequence[_Score]) -> Iterator[_Score]:
    """Cheapest first, each faster than all before it; then the same of what is left."""
    left = sorted(scores, key=lambda one: (one.whole_usd, one.mean_s))
    while left:
        best_s, beaten = math.inf, list[_Score]()
        for score in left:
            if score.mean_s < best_s:
                best_s = score.mean_s
                yield score
            else:
                beaten.append(score)
        left = beaten


def check_priced(fleet: Fleet) -> None:
    """Raises `FleetError` for a class that cannot be rented: an hour of a pool must have a price."""
    for each in fleet.classes:
        try:
            price(each, fleet)
        except FleetError as error:
            raise FleetError(f"cost_basis: provisioned needs an hourly price of every class: {error}") from error
