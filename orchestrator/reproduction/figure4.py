"""Figure 4: what a GB/s, a TFLOP/s and a GB cost to buy, and whether the paper's reading of it is what the numbers say.

Each reading is tested on the table as printed and on dense rates, since one printed rate is not dense.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from costmodel.hardware import Device
from costmodel.paper_devices import DEVICES, FLOP_BASES, NAMES, devices
from orchestrator.reproduction.page import Figure, Page, Table
from orchestrator.reproduction.verdict import Verdict, judge


@dataclass(frozen=True, slots=True)
class Metric:
    """A resource that capital buys: its amount on a device in the unit of the name, None where it has none."""

    name: str
    amount: Callable[[Device], float | None]


METRICS = (
    Metric("USD per GB/s", lambda device: device.mem_bytes_per_s / 1e9),
    Metric("USD per FP16 TFLOP/s", lambda device: _teraflops(device, "fp16")),
    Metric("USD per FP8 TFLOP/s", lambda device: _teraflops(device, "fp8")),
    Metric("USD per GB", lambda device: device.mem_bytes / 1e9),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the paper says of a metric: these devices are the cheapest of the six, in any order."""

    claim: str
    metric: str
    best: frozenset[str]


READINGS = (
    Reading("Gaudi3 and MI300x are best per GB/s", "USD per GB/s", frozenset({"gaudi3", "mi300x"})),
    Reading(
        "H100, Gaudi3 and MI300x are strong per FP16 TFLOP",
        "USD per FP16 TFLOP/s",
        frozenset({"h100", "gaudi3", "mi300x"}),
    ),
    Reading("B200 leads per FP8 TFLOP", "USD per FP8 TFLOP/s", frozenset({"b200"})),
    Reading("MI300x and A40 are best per GB", "USD per GB", frozenset({"mi300x", "a40"})),
)


def capex_per(metric: Metric, flop_basis: str) -> dict[str, float]:
    """Dollars of capital per unit by device, cheapest first; devices without the resource are left out."""
    found = dict[str, float]()
    for id_, device in devices(flop_basis).items():
        amount = metric.amount(device)
        if amount is not None and device.price_usd is not None:
            found[id_] = device.price_usd / amount
    return dict(sorted(found.items(), key=lambda item: item[1]))


def reading_verdict(reading: Reading) -> tuple[Verdict, str]:
    """Whether the devices named are the cheapest, on each FLOP basis, and the order that the numbers give."""
    metric = next(each for each in METRICS if each.name == reading.metric)
    ranked = {basis: tuple(capex_per(metric, basis)) for basis in FLOP_BASES}
    cells = {(basis,): frozenset(order[: len(reading.best)]) == reading.best for basis, order in ranked.items()}
    return judge(("FLOP basis",), cells), "; ".join(_orders(metric, ranked))


def _orders(metric: Metric, ranked: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The ranking on each basis, bases that agree together."""
    written = dict[str, list[str]]()
    for basis in ranked:
        order = ", ".join(f"{NAMES[id_]} {value:.3g}" for id_, value in capex_per(metric, basis).items())
        written.setdefault(order, []).append(basis)
    return [f"{'/'.join(bases)}: {order}" for order, bases in written.items()]


def page() -> Page:
    """The figure's page."""
    verdicts = {reading.claim: reading_verdict(reading) for reading in READINGS}
    return Page(
        "figure4",
        "Figure 4: what capital buys",
        tuple(f"'{claim}': {verdict}" for claim, (verdict, _) in verdicts.items()),
        (
            "Capital cost per unit of each resource, the prices of table 5 over its rates. The paper prints no values "
            "of this figure, only its reading, which REFERENCE gives in words; each is tested here. FLOP bases: "
            + "; ".join(f"`{name}`: {meaning}" for name, meaning in FLOP_BASES.items())
            + ". A40 and A100 have no FP8 units.",
            *(_table(basis) for basis in FLOP_BASES),
            Table(
                "The paper's readings",
                ("reading", "verdict", "cheapest first"),
                tuple((claim, str(verdict), order) for claim, (verdict, order) in verdicts.items()),
                brief=True,
            ),
            _what_b200_needs(),
            Figure("Capital per unit, dense rates; lower is better", "figure4.png"),
        ),
    )


def _table(flop_basis: str) -> Table:
    columns = [capex_per(metric, flop_basis) for metric in METRICS]
    rows = tuple(
        (NAMES[id_], *(f"{column[id_]:.4g}" if id_ in column else "no FP8 units" for column in columns))
        for id_ in DEVICES
    )
    header = ("device", *(metric.name for metric in METRICS))
    return Table(
        f"US dollars, FLOP basis {flop_basis}", header, rows, f"figure4-{flop_basis}.csv", flop_basis == "dense"
    )


def _what_b200_needs() -> str:
    """The FP8 rate at which B200 would lead, beside the one that it has."""
    per_tflop = capex_per(METRICS[2], "dense")
    leader = next(iter(per_tflop))
    b200 = devices("dense")["b200"]
    if leader == "b200" or b200.price_usd is None:
        return "B200 leads per FP8 TFLOP/s on dense rates."
    needed = b200.price_usd / per_tflop[leader]
    return (
        f"B200 would lead per FP8 TFLOP/s from {needed:,.0f} TFLOP/s on; its dense rate is "
        f"{b200.flops_per_s['fp8'] / 1e12:,.0f}, so it leads only where its sparse rate (twice that) is set against "
        f"the dense rate of {NAMES[leader]}."
    )


def _teraflops(device: Device, precision: str) -> float | None:
    rate = device.flops_per_s.get(precision)
    return None if rate is None else rate / 1e12
