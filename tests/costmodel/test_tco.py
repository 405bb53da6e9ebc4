import math
from dataclasses import replace

import pytest

from costmodel.catalog import Catalog
from costmodel.errors import FleetError
from costmodel.fleet import DeviceClass, Finance, Fleet, Overheads
from costmodel.hardware import Device
from costmodel.profile import Profile
from costmodel.tco import capital_recovery_factor, interest_usd_per_hour, price


def class_of(device: Device, **changes: float) -> DeviceClass:
    return DeviceClass(device.id, device, 8, "dc", None, "simulated", **changes)


ANNUITY = Finance()


def fleet_of(catalog: Catalog, finance: Finance = ANNUITY) -> Fleet:
    return Fleet(
        name="test",
        catalog=catalog,
        currency="USD",
        electricity_usd_per_kwh=catalog.electricity_usd_per_kwh,
        pue=catalog.pue,
        finance=finance,
        cost_basis="metered",
        classes=(),
        links=(),
        profile=Profile(),
    )


def test_an_annuity_pays_capital_and_power(catalog: Catalog, h100: Device) -> None:
    paid = price(class_of(h100), fleet_of(catalog))
    # 1.08^4 = 1.36048896; 0.08 x 1.36048896 / 0.36048896 = 0.301920804; 32,500 x that / 8760 = 1.120140
    # 0.7 kW x 1.54 x 0.086 = 0.092708
    assert paid.terms["capital"] == pytest.approx(1.120140, abs=1e-6)
    assert paid.terms["power"] == pytest.approx(0.092708)
    assert paid.usd_per_hour == pytest.approx(1.212848, abs=1e-6)
    assert paid.basis == (
        "annuity of 32,500 USD (catalog default, midpoint of the new price) at 8% over 4 years, power at TDP"
    )


def test_without_interest_capital_is_spread_evenly() -> None:
    assert capital_recovery_factor(0, 4) == 0.25
    assert capital_recovery_factor(1e-9, 4) == pytest.approx(0.25)


def test_a_given_hourly_price_wins(catalog: Catalog, h100: Device) -> None:
    paid = price(class_of(h100, usd_per_hour=2.5, price_usd=1.0), fleet_of(catalog))
    assert (paid.usd_per_hour, paid.basis) == (2.5, "usd_per_hour of the fleet file")


def test_a_written_zero_is_a_price(catalog: Catalog, h100: Device) -> None:
    assert price(class_of(h100, usd_per_hour=0.0), fleet_of(catalog)).usd_per_hour == 0


def test_a_given_device_price_replaces_the_catalogs(catalog: Catalog, h100: Device) -> None:
    half = price(class_of(h100, price_usd=16_250), fleet_of(catalog))
    assert half.terms["capital"] == pytest.approx(1.120140 / 2, abs=1e-6)
    assert "price_usd of the fleet file" in half.basis


def test_a_device_without_a_price_needs_one(catalog: Catalog) -> None:
    spyre = catalog.device("spyre_1_0")
    with pytest.raises(
        FleetError, match="spyre_1_0 has no new price in catalog 'default'; give price_usd or usd_per_hour"
    ):
        price(class_of(spyre), fleet_of(catalog))
    assert price(class_of(spyre, price_usd=12_500), fleet_of(catalog)).usd_per_hour > 0


def test_a_class_of_no_catalog_needs_an_hourly_price(catalog: Catalog) -> None:
    unknown = DeviceClass("hp", None, 1, "dc", None, "simulated", price_usd=100.0)
    with pytest.raises(FleetError, match="'hp' of fleet 'test' is in no catalog, so its power is unknown"):
        price(unknown, fleet_of(catalog))


@pytest.mark.parametrize("id_", ["a40", "a100", "gaudi3", "mi300x", "b200"])
def test_the_papers_formula_fits_its_operating_column_to_the_cent(paper: Catalog, id_: str) -> None:
    device = paper.device(id_)
    assert device.price_usd is not None
    # 0.40 x kW + capex x (e^0.32 - 1) / 35,040; A40: 0.12 + 3000 x 0.377128 / 35,040 = 0.1523
    fitted = 0.40 * device.tdp_w / 1000 + interest_usd_per_hour(device.price_usd, Finance())
    assert round(fitted, 2) == device.operating_usd_per_hour


def test_the_papers_formula_misses_its_h100_row(paper: Catalog) -> None:
    device = paper.device("h100")
    # 0.28 + 25,000 x 0.377128 / 35,040 = 0.549, printed 0.60; at 30,000 it would be 0.603
    assert 0.28 + interest_usd_per_hour(25_000, Finance()) == pytest.approx(0.549, abs=5e-4)
    assert device.operating_usd_per_hour == 0.60
    assert round(0.28 + interest_usd_per_hour(30_000, Finance()), 2) == 0.60


def test_interest_is_continuously_compounded() -> None:
    # 10,000 x (e^(0.05 x 2) - 1) / 17,520
    expected = 10_000 * (math.e**0.1 - 1) / 17_520
    assert interest_usd_per_hour(10_000, Finance("paper", 0.05, 2)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("id_", "operating", "full"),
    [
        ("a40", 0.15, 0.236),
        ("a100", 0.25, 0.478),
        ("gaudi3", 0.49, 0.847),
        ("mi300x", 0.52, 1.091),
        ("h100", 0.60, 1.313),
        ("b200", 0.83, 1.972),
    ],
)
def test_both_cost_bases_of_the_paper(paper: Catalog, id_: str, operating: float, full: float) -> None:
    device_class = class_of(paper.device(id_))
    # full = printed + capex / 35,040; A40: 0.15 + 3000 / 35,040 = 0.2356
    assert price(device_class, fleet_of(paper, Finance("paper"))).usd_per_hour == pytest.approx(full, abs=5e-4)
    without = price(device_class, fleet_of(paper, Finance("paper", column="operating")))
    assert without.usd_per_hour == operating
    assert without.basis.endswith("without principal")


def test_the_printed_column_holds_only_for_the_printed_terms(paper: Catalog) -> None:
    h100 = paper.device("h100")
    printed = price(class_of(h100), fleet_of(paper, Finance("paper")))
    assert "operating (printed)" in printed.terms
    # at another price, electricity or life the formula applies: 0.28 + 30,000 x 0.377128 / 35,040 = 0.6029
    dearer = price(class_of(h100, price_usd=30_000), fleet_of(paper, Finance("paper", column="operating")))
    assert dearer.usd_per_hour == pytest.approx(0.6029, abs=5e-5)
    other_power = replace(fleet_of(paper, Finance("paper", column="operating")), electricity_usd_per_kwh=0.2)
    # 0.14 + 25,000 x 0.377128 / 35,040 = 0.4091
    assert price(class_of(h100), other_power).usd_per_hour == pytest.approx(0.4091, abs=5e-5)


def test_a_core_is_priced_as_its_share_of_a_socket(paper: Catalog) -> None:
    # 191.25 USD and 6.25 W: 0.0025 + 191.25 x 0.377128 / 35,040 + 191.25 / 35,040 = 0.010016
    paid = price(class_of(paper.device("xeon_8480p")), fleet_of(paper, Finance("paper")))
    assert paid.usd_per_hour == pytest.approx(0.010016, abs=1e-6)


def test_the_terms_add_up(catalog: Catalog, paper: Catalog) -> None:
    for each in (catalog, paper):
        for kind in ("annuity", "paper"):
            fleet = fleet_of(each, Finance(kind))
            paid = price(class_of(each.device("xeon_8480p")), fleet)
            assert sum(paid.terms.values()) == paid.usd_per_hour


def test_a_device_that_is_sold_later_loses_less(catalog: Catalog, h100: Device) -> None:
    paid = price(class_of(h100), fleet_of(catalog, Finance(residual=0.3)))
    # resale 0.3 / 1.08^4 = 0.220509; 1.120140 x (1 - 0.220509) = 0.873139
    assert paid.terms["capital"] == pytest.approx(0.873139, abs=1e-6)
    assert "then sold for 30% of it" in paid.basis


def test_host_network_and_room_are_terms_of_their_own(catalog: Catalog, h100: Device) -> None:
    room = Overheads(host_share=0.25, network_share=0.1, host_w=150, colocation_usd_per_kw_month=146)
    paid = price(class_of(h100), replace(fleet_of(catalog), overheads=room))
    # capital 1.120140; host 0.25 of it, network 0.1 of it; 0.15 kW x 1.54 x 0.086; 0.85 kW x 146 / 730 h
    assert paid.terms == pytest.approx(
        {
            "capital": 1.120140,
            "power": 0.092708,
            "host capital": 0.280035,
            "host power": 0.019866,
            "network": 0.112014,
            "colocation": 0.17,
        },
        abs=1e-6,
    )
    assert paid.usd_per_hour == pytest.approx(sum(paid.terms.values()))


def test_a_cpu_is_its_own_host(catalog: Catalog, core: Device) -> None:
    room = Overheads(host_share=0.25, network_share=0.1, host_w=150)
    terms = price(class_of(core), replace(fleet_of(catalog), overheads=room)).terms
    assert set(terms) == {"capital", "power", "network"}


def test_used_and_rented_devices_have_other_prices(catalog: Catalog, h100: Device) -> None:
    used = price(replace(class_of(h100), bought="used"), fleet_of(catalog))
    # (15,000 + 28,000) / 2
    assert "21,500 USD (catalog default, midpoint of the used price)" in used.basis
    rented = price(replace(class_of(h100), bought="cloud"), fleet_of(catalog))
    assert rented.terms == {"cloud": h100.cloud_usd_per_hour}
    with pytest.raises(FleetError, match="b200_sxm has no used price in catalog 'default'"):
        price(replace(class_of(catalog.device("b200_sxm")), bought="used"), fleet_of(catalog))


def test_measured_power_is_what_is_paid_for(catalog: Catalog, h100: Device) -> None:
    paid = price(class_of(h100, power_w=350.0), fleet_of(catalog))
    assert paid.terms["power"] == pytest.approx(0.046354)
    assert paid.basis.endswith("power at 350 W measured")
