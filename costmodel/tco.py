"""Price of a device for an hour, from what it costs to buy, finance and power.

Total cost of ownership compares devices that no cloud rents at one price; two ways to finance, and a given price wins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from costmodel.errors import FleetError
from costmodel.fleet import DeviceClass, Finance, Fleet
from costmodel.hardware import Device

HOURS_PER_YEAR = 8760


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for one device and hour; `terms` add up to it, `basis` says how it was found."""

    usd_per_hour: float
    terms: Mapping[str, float] = field(hash=False)
    basis: str


def price(device_class: DeviceClass, fleet: Fleet) -> Price:
    """What one device of a class costs an hour. Raises FleetError where neither file nor catalog gives a price."""
    if device_class.usd_per_hour is not None:
        return _price({"given": device_class.usd_per_hour}, "usd_per_hour of the fleet file")
    device = device_class.device
    if device is None:
        raise FleetError(
            f"class {device_class.id!r} of fleet {fleet.name!r} is in no catalog, so its power is unknown; "
            "give usd_per_hour"
        )
    capex_usd, bought = _capex(device_class, device, fleet)
    if fleet.finance.kind == "paper":
        return _paper(device, capex_usd, fleet, bought)
    terms = {
        "capital": capex_usd * capital_recovery_factor(fleet.finance.rate, fleet.finance.years) / HOURS_PER_YEAR,
        "power": _power_usd_per_hour(device, fleet),
    }
    basis = f"annuity of {capex_usd:,.0f} USD ({bought}) at {fleet.finance.rate:.0%} over {fleet.finance.years:g} years"
    return _price(terms, f"{basis}, power at TDP")


def capital_recovery_factor(rate: float, years: float) -> float:
    """Yearly payment that pays off 1 with interest: r (1 + r)^n / ((1 + r)^n - 1), 1 / n without interest."""
    if rate == 0:
        return 1 / years
    grown = (1 + rate) ** years
    return rate * grown / (grown - 1)


def interest_usd_per_hour(capex_usd: float, finance: Finance) -> float:
    """Interest without principal, continuously compounded: capex x (e^(rate x years) - 1) / hours.

    Fitted to the operating column of arXiv 2507.19635, section 5; with power it meets five of six rows to the cent.
    """
    return capex_usd * math.expm1(finance.rate * finance.years) / (finance.years * HOURS_PER_YEAR)


def _capex(device_class: DeviceClass, device: Device, fleet: Fleet) -> tuple[float, str]:
    if device_class.price_usd is not None:
        return device_class.price_usd, "price_usd of the fleet file"
    if device.price_usd is not None:
        return device.price_usd, f"catalog {fleet.catalog.name}, midpoint of the new price"
    raise FleetError(
        f"{device.id} has no new price in catalog {fleet.catalog.name!r}; "
        f"give price_usd or usd_per_hour for this class in fleet {fleet.name!r}"
    )


def _paper(device: Device, capex_usd: float, fleet: Fleet, bought: str) -> Price:
    printed = device.operating_usd_per_hour
    if printed is not None and _is_as_printed(device, capex_usd, fleet):
        terms = {"operating (printed)": printed}
        basis = f"paper's operating column as printed, capex {capex_usd:,.0f} USD"
    else:
        terms = {
            "power": _power_usd_per_hour(device, fleet),
            "interest": interest_usd_per_hour(capex_usd, fleet.finance),
        }
        basis = f"paper's formula on {capex_usd:,.0f} USD ({bought})"
    if fleet.finance.column == "operating":
        return _price(terms, f"{basis}, without principal")
    terms["principal"] = capex_usd / (fleet.finance.years * HOURS_PER_YEAR)
    return _price(terms, f"{basis}, with principal")


def _is_as_printed(device: Device, capex_usd: float, fleet: Fleet) -> bool:
    """The printed column holds for the catalog's own price, electricity and PUE and the paper's terms only."""
    terms = (fleet.electricity_usd_per_kwh, fleet.pue, fleet.finance.rate, fleet.finance.years)
    return capex_usd == device.price_usd and terms == (
        fleet.catalog.electricity_usd_per_kwh,
        fleet.catalog.pue,
        Finance().rate,
        Finance().years,
    )


def _power_usd_per_hour(device: Device, fleet: Fleet) -> float:
    return device.tdp_w / 1000 * fleet.pue * fleet.electricity_usd_per_kwh


def _price(terms: dict[str, float], basis: str) -> Price:
    return Price(sum(terms.values()), terms, basis)
