"""Price of a device for an hour, from what it costs to buy, finance and power.

Total cost of ownership compares devices that no cloud rents at one price; two ways to finance, rent as the alternative,
and a given price wins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from costmodel.energy import busy_w
from costmodel.errors import FleetError
from costmodel.fleet import DeviceClass, Finance, Fleet
from costmodel.hardware import Device

HOURS_PER_YEAR = 8760
_HOURS_PER_MONTH = HOURS_PER_YEAR / 12


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for one device and hour; `terms` add up to it, `basis` says how it was found."""

    usd_per_hour: float
    terms: Mapping[str, float] = field(hash=False)
    basis: str


def price(device_class: DeviceClass, fleet: Fleet) -> Price:
    """What one device of a class costs an hour in use; a CPU class's device is a core.

    An annuity's terms are capital, power, and those of `Overheads` that the fleet states. Raises FleetError where
    neither file nor catalog gives a price.
    """
    if device_class.usd_per_hour is not None:
        return _price({"given": device_class.usd_per_hour}, "usd_per_hour of the fleet file")
    device = device_class.device
    if device is None:
        raise FleetError(
            f"class {device_class.id!r} of fleet {fleet.name!r} is in no catalog, so its power is unknown; "
            "give usd_per_hour"
        )
    if device_class.bought == "cloud":
        return _rented(device, fleet)
    capex_usd, bought = _capex(device_class, device, fleet)
    if fleet.finance.kind == "paper":
        return _paper(device_class, device, (capex_usd, bought), fleet)
    power_w, power = busy_w(device_class, device, fleet)
    capital = capex_usd * capital_share_per_hour(fleet.finance)
    terms = {"capital": capital, "power": power_w * _usd_per_w_hour(fleet)} | _overheads(device, capital, fleet)
    basis = f"annuity of {capex_usd:,.0f} USD ({bought}) at {fleet.finance.rate:.0%} over {fleet.finance.years:g} years"
    sold = f", then sold for {fleet.finance.residual:.0%} of it" if fleet.finance.residual else ""
    return _price(terms, f"{basis}{sold}, power at {power}")


def capital_share_per_hour(finance: Finance) -> float:
    """Share of a price that an hour of an annuity pays: what is lost by the end of its years, with interest.

    (1 - residual / (1 + r)^n) x capital_recovery_factor / hours: the resale is worth its present value.
    """
    lost = 1 - finance.residual / (1 + finance.rate) ** finance.years
    return lost * capital_recovery_factor(finance.rate, finance.years) / HOURS_PER_YEAR


def _overheads(device: Device, capital_usd_per_hour: float, fleet: Fleet) -> dict[str, float]:
    """The terms of host, network and room that are not zero; see `Overheads` for what they are shares of."""
    given, is_cpu = fleet.overheads, device.kind == "cpu"
    host_w = 0.0 if is_cpu else given.host_w
    terms = {
        "host capital": 0.0 if is_cpu else given.host_share * capital_usd_per_hour,
        "host power": host_w * _usd_per_w_hour(fleet),
        "network": given.network_share * capital_usd_per_hour,
        "colocation": (device.tdp_w + host_w) / 1000 * given.colocation_usd_per_kw_month / _HOURS_PER_MONTH,
    }
    return {name: usd for name, usd in terms.items() if usd}


def _rented(device: Device, fleet: Fleet) -> Price:
    if device.cloud_usd_per_hour is None:
        raise FleetError(
            f"{device.id} has no cloud price in catalog {fleet.catalog.name!r}; take out price: cloud, or give "
            f"usd_per_hour for this class in fleet {fleet.name!r}"
        )
    return _price({"cloud": device.cloud_usd_per_hour}, f"midpoint of cloud prices in catalog {fleet.catalog.name}")


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
    found = device.price_used_usd if device_class.bought == "used" else device.price_usd
    if found is not None:
        return found, f"catalog {fleet.catalog.name}, midpoint of the {device_class.bought} price"
    raise FleetError(
        f"{device.id} has no {device_class.bought} price in catalog {fleet.catalog.name!r}; "
        f"give price_usd or usd_per_hour for this class in fleet {fleet.name!r}"
    )


def _paper(device_class: DeviceClass, device: Device, bought: tuple[float, str], fleet: Fleet) -> Price:
    capex_usd, where = bought
    printed = device.operating_usd_per_hour
    power_w, _ = busy_w(device_class, device, fleet)
    if printed is not None and power_w == device.tdp_w and _is_as_printed(device, capex_usd, fleet):
        terms = {"operating (printed)": printed}
        basis = f"paper's operating column as printed, capex {capex_usd:,.0f} USD"
    else:
        terms = {
            "power": power_w * _usd_per_w_hour(fleet),
            "interest": interest_usd_per_hour(capex_usd, fleet.finance),
        }
        basis = f"paper's formula on {capex_usd:,.0f} USD ({where})"
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


def _usd_per_w_hour(fleet: Fleet) -> float:
    """US dollars for an hour of one watt at the device: through the building (PUE), at the price of electricity."""
    return fleet.pue * fleet.electricity_usd_per_kwh / 1000


def _price(terms: dict[str, float], basis: str) -> Price:
    return Price(sum(terms.values()), terms, basis)
