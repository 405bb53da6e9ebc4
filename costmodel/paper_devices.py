"""The paper's six devices with the rates and prices that can be meant by its table.

The table prints one rate that is not dense (H100) and an operating column that is not quite its formula, so both are
choices that every result has to name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from costmodel.catalog import Catalog, load_catalog
from costmodel.errors import CostError
from costmodel.fleet import DeviceClass, Finance, Fleet
from costmodel.hardware import Device
from costmodel.profile import Profile
from costmodel.tco import Price, price

DEVICES = ("a40", "a100", "gaudi3", "mi300x", "h100", "b200")
"""In the order of the table, which is that of the price."""

NAMES: Mapping[str, str] = {
    "a40": "A40",
    "a100": "A100",
    "gaudi3": "Gaudi3",
    "mi300x": "MI300x",
    "h100": "H100",
    "b200": "B200",
}

FLOP_BASES: Mapping[str, str] = {
    "dense": "dense rates: H100 989, A100 312, A40 149.7 TFLOP/s in FP16 (default catalog), the others as printed",
    "printed": "as the paper prints them: H100 1979, A100 322, A40 75 TFLOP/s in FP16",
    "whitepaper": "dense, with Gaudi 3 at its white paper's 1835 TFLOP/s (default catalog) in FP16 and FP8",
}
"""What an FP16 rate may mean. The table has no FP8 column, so FP8 rates are the vendors' dense ones throughout."""

COST_BASES: Mapping[str, str] = {
    "full": "operating column as printed, plus principal over 4 years",
    "operating": "operating column as printed: power and interest, no principal",
    "full-formula": "power and interest by the formula, plus principal",
    "operating-formula": "power and interest by the formula, no principal",
}
"""What an hour of a device may cost."""


@cache
def devices(flop_basis: str) -> Mapping[str, Device]:
    """The six devices with FP16 rates on this basis. Raises CostError for an unknown one."""
    _check(flop_basis, _RATES, "a FLOP basis")
    catalog = load_catalog("paper-2025")
    rates = _RATES[flop_basis]
    return {id_: replace(device, flops_per_s=rates(device)) for id_ in DEVICES for device in (catalog.device(id_),)}


@cache
def hourly(cost_basis: str) -> Mapping[str, Price]:
    """What an hour of each device costs on this basis, in its terms. Raises CostError for an unknown one."""
    _check(cost_basis, _COLUMNS, "a cost basis")
    column, by_formula = _COLUMNS[cost_basis]
    catalog = load_catalog("paper-2025")
    fleet = _fleet(catalog, column)
    return {id_: price(_class(catalog.device(id_), by_formula), fleet) for id_ in DEVICES}


def prices(cost_basis: str) -> dict[str, float]:
    """Dollars an hour of each device on this basis."""
    return {id_: each.usd_per_hour for id_, each in hourly(cost_basis).items()}


def _check(name: str, table: Mapping[str, object], what: str) -> None:
    if name not in table:
        raise CostError(f"{what} is one of {', '.join(table)}, got {name!r}")


def _printed(device: Device) -> Mapping[str, float]:
    return device.flops_per_s


def _dense(device: Device) -> Mapping[str, float]:
    known = load_catalog("default")
    rates = dict(device.flops_per_s)
    base = {"h100": "h100_sxm", "a100": "a100_80_sxm", "a40": "a40"}.get(device.id)
    return rates | {"fp16": known.device(base).flops_per_s["fp16"]} if base else rates


def _whitepaper(device: Device) -> Mapping[str, float]:
    rates = dict(_dense(device))
    if device.id != "gaudi3":
        return rates
    known = load_catalog("default").device("gaudi3").flops_per_s
    return rates | {each: known[each] for each in ("fp16", "fp8")}


_RATES: Mapping[str, Callable[[Device], Mapping[str, float]]] = {
    "dense": _dense,
    "printed": _printed,
    "whitepaper": _whitepaper,
}

_COLUMNS: Mapping[str, tuple[str, bool]] = {
    "full": ("full", False),
    "operating": ("operating", False),
    "full-formula": ("full", True),
    "operating-formula": ("operating", True),
}


def _class(device: Device, by_formula: bool) -> DeviceClass:
    priced = replace(device, operating_usd_per_hour=None) if by_formula else device
    return DeviceClass(device.id, priced, 1, "dc", None, "simulated")


def _fleet(catalog: Catalog, column: str) -> Fleet:
    return Fleet(
        name="paper-2025",
        catalog=catalog,
        currency="USD",
        electricity_usd_per_kwh=catalog.electricity_usd_per_kwh,
        pue=catalog.pue,
        finance=Finance("paper", column=column),
        cost_basis="metered",
        classes=(),
        links=(),
        profile=Profile(),
    )
