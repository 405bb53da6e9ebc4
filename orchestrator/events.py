"""What happens to a fleet and a load while plans run: devices lost, prices changed, more runs.

An event edits the fleet and the load and nothing else; what it does to a plan is for `replanning` to find.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from costmodel.fleet import DeviceClass, Fleet
    from placement.load import Load


class EventError(OrchestratorError):
    """An event that cannot be read, or that does not fit the fleet or the load."""


@dataclass(frozen=True, slots=True)
class Event:
    """Devices lost by class, dollars of an hour of a device by class, runs a second by agent."""

    lost: tuple[tuple[str, int], ...] = ()
    prices: tuple[tuple[str, float], ...] = ()
    rates: tuple[tuple[str, float], ...] = ()


def parse_event(lost: Sequence[str], prices: Sequence[str], rates: Sequence[str]) -> Event:
    """From `CLASS[:N]`, `CLASS=USD` and `AGENT=RATE`. Raises `EventError`."""
    return Event(
        tuple(_lost(text) for text in lost),
        tuple(
            _amount("--price", text, least=0.0, what="US dollars per hour of a device, 0 or more") for text in prices
        ),
        tuple(_amount("--load-up", text, least=1e-12, what="runs a second, more than 0") for text in rates),
    )


def fleet_after(fleet: Fleet, event: Event) -> Fleet:
    """The fleet with fewer devices and other prices. Raises `EventError` for more devices lost than there are."""
    for name, count in event.lost:
        known = fleet.device_class(name)
        if count > known.count:
            raise EventError(f"--lost takes {count} {name} away, but the fleet has {known.count}", "take fewer")
        fleet = _with(fleet, replace(known, count=known.count - count))
    for name, usd in event.prices:
        fleet = _with(fleet, replace(fleet.device_class(name), usd_per_hour=usd, price_usd=None))
    return fleet


def load_after(load: Load, event: Event) -> Load:
    """The load with other rates. Raises `EventError` for an agent that the load does not have."""
    rates = dict(event.rates)
    known = [each.agent for each in load.agents]
    for name in rates:
        if name not in known:
            raise EventError(f"--load-up names the agent {name!r}, and the load has {', '.join(known)}", "name one")
    agents = tuple(replace(each, rate_per_s=rates.get(each.agent, each.rate_per_s)) for each in load.agents)
    return replace(load, agents=agents)


def _with(fleet: Fleet, changed: DeviceClass) -> Fleet:
    return replace(fleet, classes=tuple(changed if each.id == changed.id else each for each in fleet.classes))


def _lost(text: str) -> tuple[str, int]:
    name, _, count = text.partition(":")
    if not name or (count and not count.isdecimal()) or count == "0":
        raise EventError(f"--lost {text!r} names no class and number", "write CLASS, or CLASS:N with N at least 1")
    return name, int(count or 1)


def _amount(option: str, text: str, *, least: float, what: str) -> tuple[str, float]:
    name, _, amount = text.partition("=")
    try:
        value = float(amount)
    except ValueError:
        value = math.nan
    if not name or not least <= value < math.inf:
        raise EventError(f"{option} {text!r} cannot be read", f"write NAME=AMOUNT in {what}")
    return name, value
