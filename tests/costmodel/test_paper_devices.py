"""Rates and prices that the paper's table can mean."""

import math

import pytest

from costmodel.errors import CostError
from costmodel.paper_devices import COST_BASES, DEVICES, FLOP_BASES, devices, hourly, prices


def test_full_prices_are_those_of_the_reference() -> None:
    # printed operating price + capex / 35040: A40 .15 + 3000 / 35040 = .236, and so on
    expected = {"a40": 0.236, "a100": 0.478, "gaudi3": 0.847, "mi300x": 1.091, "h100": 1.313, "b200": 1.972}
    assert {id_: round(usd, 3) for id_, usd in prices("full").items()} == expected


def test_the_formula_by_hand() -> None:
    # H100: 0.40 $/kWh x 0.7 kW + 25000 x (e^0.32 - 1) / 35040 = 0.28 + 0.2691
    assert prices("operating-formula")["h100"] == pytest.approx(0.28 + 25000 * (math.exp(0.32) - 1) / 35040)
    assert round(prices("operating-formula")["h100"], 3) == 0.549


@pytest.mark.parametrize("basis", COST_BASES)
def test_terms_add_up(basis: str) -> None:
    for price in hourly(basis).values():
        assert sum(price.terms.values()) == pytest.approx(price.usd_per_hour)
        assert ("principal" in price.terms) == basis.startswith("full")


def test_flop_bases() -> None:
    fp16 = {
        basis: {id_: device.flops_per_s["fp16"] / 1e12 for id_, device in devices(basis).items()}
        for basis in FLOP_BASES
    }
    printed = {"a40": 75, "a100": 322, "gaudi3": 1678, "mi300x": 1307, "h100": 1979, "b200": 2250}
    assert fp16["printed"] == printed
    assert fp16["dense"] == printed | {"a40": 149.7, "a100": 312, "h100": 989}
    assert fp16["whitepaper"] == fp16["dense"] | {"gaudi3": 1835}
    assert tuple(devices("dense")) == DEVICES


def test_fp8_rates_are_dense_on_every_basis() -> None:
    for basis in ("dense", "printed"):
        rates = {
            id_: device.flops_per_s["fp8"] / 1e12
            for id_, device in devices(basis).items()
            if "fp8" in device.flops_per_s
        }
        assert rates == {"gaudi3": 1678, "mi300x": 2615, "h100": 1979, "b200": 4500}


def test_unknown_bases_are_refused() -> None:
    with pytest.raises(CostError, match="'sparse'"):
        devices("sparse")
    with pytest.raises(CostError, match="'cheap'"):
        hourly("cheap")
