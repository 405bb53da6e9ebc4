from dataclasses import replace

import pytest

from costmodel.catalog import Catalog
from costmodel.energy import busy_w, footprint
from costmodel.errors import CostError
from costmodel.fleet import DeviceClass, Finance, Fleet, Overheads
from costmodel.hardware import Device
from costmodel.profile import Profile


def class_of(device: Device, **changes: float) -> DeviceClass:
    return DeviceClass(device.id, device, 8, "dc", None, "simulated", **changes)


@pytest.fixture
def fleet(catalog: Catalog) -> Fleet:
    return Fleet(
        name="test",
        catalog=catalog,
        currency="USD",
        electricity_usd_per_kwh=0.1,
        pue=1.5,
        finance=Finance(),
        cost_basis="metered",
        classes=(),
        links=(),
        profile=Profile(),
        gco2e_per_kwh=400.0,
    )


def test_a_task_uses_energy_and_emits(h100: Device, fleet: Fleet) -> None:
    used = footprint(class_of(h100), fleet, 8.0)
    # 8 s x 700 W; x 1.5 at the meter; 8,400 J = 0.0023333 kWh x 400 g
    assert (used.device_j, used.facility_j) == (5600, 8400)
    assert used.operational_gco2e == pytest.approx(0.933333, abs=1e-6)
    # 164 kg over 4 years = 126,144,000 s: 164,000 g x 8 / 126,144,000
    assert used.embodied_gco2e == pytest.approx(0.0104008, abs=1e-7)
    assert used.basis == "TDP"


def test_the_hosts_watts_count_for_an_accelerator_only(h100: Device, core: Device, fleet: Fleet) -> None:
    hosted = replace(fleet, overheads=Overheads(host_w=150))
    assert footprint(class_of(h100), hosted, 1.0).device_j == 850
    # 350 W / 56 cores = 6.25 W
    assert footprint(class_of(core), hosted, 2.0).device_j == 12.5


def test_measured_power_replaces_a_share_of_the_tdp(h100: Device, fleet: Fleet) -> None:
    at_70 = replace(fleet, power_share=0.7)
    assert busy_w(class_of(h100), h100, at_70) == (pytest.approx(490), "70% of TDP")
    assert busy_w(class_of(h100, power_w=533.0), h100, at_70) == (533.0, "533 W measured")


def test_a_fleet_without_a_carbon_intensity_takes_the_catalogs(h100: Device, fleet: Fleet, catalog: Catalog) -> None:
    taken = footprint(class_of(h100), replace(fleet, gco2e_per_kwh=None), 3600.0)
    assert taken.operational_gco2e == pytest.approx(0.7 * 1.5 * catalog.gco2e_per_kwh)
    assert catalog.gco2e_per_kwh == 369


def test_nobody_says_what_making_it_emitted(catalog: Catalog, fleet: Fleet) -> None:
    assert footprint(class_of(catalog.device("a40")), fleet, 1.0).embodied_gco2e is None


def test_unknown_power_and_impossible_times_are_errors(h100: Device, fleet: Fleet) -> None:
    with pytest.raises(CostError, match="'mine' of fleet 'test' is in no catalog, so its power is unknown"):
        footprint(DeviceClass("mine", None, 1, "dc", None, "simulated"), fleet, 1.0)
    with pytest.raises(CostError, match=r"device_s must be finite and at least 0, got -1\.0"):
        footprint(class_of(h100), fleet, -1.0)
