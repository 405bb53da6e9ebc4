"""Table 5: the six devices, their prices, and what an hour of each costs as printed and by the formula.

The operating column is all that the paper prints of its financing, so each way to read it is worked out beside it.
"""

from __future__ import annotations

from costmodel.catalog import load_catalog
from costmodel.paper_devices import COST_BASES, DEVICES, NAMES, hourly
from costmodel.tco import HOURS_PER_YEAR
from orchestrator.reproduction.page import Page, Table

CENT = 0.005
"""Two prices that differ by at most half a cent print alike."""

YEARS = 4


def page() -> Page:
    """The table's page."""
    differing = [each for each in DEVICES if abs(_difference(each)) > CENT]
    return Page(
        "table5",
        "Table 5: devices and what an hour of them costs",
        (
            f"the formula 0.40 x kW + capex x (e^0.32 - 1) / 35040 meets {len(DEVICES) - len(differing)} of "
            f"{len(DEVICES)} printed operating prices to the cent",
            *(_explained(each) for each in differing),
        ),
        (
            "Rates, memory and the operating column are those of arXiv 2507.19635v1, section 5 (catalog `paper-2025`); "
            "power is the maximum TDP of the default catalog. The full price adds capex / 35040, the principal over "
            "4 years of 8760 hours, to the operating one.",
            Table("Devices as printed", _DEVICE_HEADER, tuple(_device_row(each) for each in DEVICES)),
            Table(
                "US dollars for a device and hour",
                _PRICE_HEADER,
                tuple(_price_row(each) for each in DEVICES),
                csv="table5.csv",
                brief=True,
            ),
            Table("The bases", ("basis", "meaning"), tuple(COST_BASES.items())),
        ),
    )


_DEVICE_HEADER = ("device", "vendor", "USD", "GB", "GB/s", "FP16 TFLOP/s as printed", "TDP W")
_PRICE_HEADER = (
    "device",
    "power",
    "interest",
    "operating by formula",
    "operating printed",
    "difference",
    "principal",
    "full (printed + principal)",
    "full by formula",
)


def _device_row(id_: str) -> tuple[str, ...]:
    device = load_catalog("paper-2025").device(id_)
    return (
        NAMES[id_],
        device.vendor,
        f"{device.price_usd:,.0f}",
        f"{device.mem_bytes / 1e9:g}",
        f"{device.mem_bytes_per_s / 1e9:g}",
        f"{device.flops_per_s['fp16'] / 1e12:g}",
        f"{device.tdp_w:g}",
    )


def _price_row(id_: str) -> tuple[str, ...]:
    formula, full = hourly("full-formula")[id_], hourly("full")[id_]
    operating = hourly("operating")[id_].usd_per_hour
    computed = hourly("operating-formula")[id_].usd_per_hour
    return (
        NAMES[id_],
        f"{formula.terms['power']:.4f}",
        f"{formula.terms['interest']:.4f}",
        f"{computed:.4f}",
        f"{operating:.2f}",
        f"{_difference(id_):+.4f}",
        f"{formula.terms['principal']:.4f}",
        f"{full.usd_per_hour:.4f}",
        f"{formula.usd_per_hour:.4f}",
    )


def _difference(id_: str) -> float:
    """Printed less computed."""
    return hourly("operating")[id_].usd_per_hour - hourly("operating-formula")[id_].usd_per_hour


def _explained(id_: str) -> str:
    """How far a row is off, and the capex with which it would not be."""
    printed, formula = hourly("operating")[id_].usd_per_hour, hourly("operating-formula")[id_]
    interest = formula.terms["interest"]
    capex = _capex(id_)
    fitting = capex * (printed - formula.terms["power"]) / interest
    return (
        f"{NAMES[id_]} is the exception: {formula.usd_per_hour:.3f} by the formula, {printed:.2f} printed; at a capex "
        f"of ${fitting:,.0f} instead of ${capex:,.0f} the formula gives the printed price"
    )


def _capex(id_: str) -> float:
    """Capital from its hourly principal."""
    return hourly("full-formula")[id_].terms["principal"] * YEARS * HOURS_PER_YEAR
