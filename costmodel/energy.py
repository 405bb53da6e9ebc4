"""Energy and carbon of a task, from the time for which it holds devices.

A device of which no power was measured is taken to draw a share of its TDP, all of it unless the fleet says otherwise:
an upper bound, and said so. Making the device emitted carbon too; a task bears its share of the device's life.
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.errors import CostError
from costmodel.fleet import DeviceClass, Fleet
from costmodel.hardware import Device

_J_PER_KWH = 3.6e6
_SECONDS_PER_YEAR = 8760 * 3600


@dataclass(frozen=True, slots=True)
class Footprint:
    """Joules at the devices and at the meter of the building (times PUE), grams of CO2 equivalent of that energy, and
    of making the devices (None where nobody says); `basis` says where power comes from."""

    device_j: float
    facility_j: float
    operational_gco2e: float
    embodied_gco2e: float | None
    basis: str


def busy_w(device_class: DeviceClass, device: Device, fleet: Fleet) -> tuple[float, str]:
    """Watts that one device of a class draws in use, and what they are: measured, or a share of the TDP."""
    if device_class.power_w is not None:
        return device_class.power_w, f"{device_class.power_w:g} W measured"
    share = fleet.power_share
    return share * device.tdp_w, "TDP" if share == 1 else f"{share:.0%} of TDP"


def footprint(device_class: DeviceClass, fleet: Fleet, device_s: float) -> Footprint:
    """What `device_s` seconds of one device of a class use, with its host's watts (`Overheads.host_w`).

    A device's life is the fleet's `finance.years`, all of it in use: an hour idle is nobody's, so embodied carbon is a
    lower bound. Raises CostError for a class that no catalog has, whose power is unknown, and for a negative time.
    """
    device = device_class.device
    if device is None:
        raise CostError(f"class {device_class.id!r} of fleet {fleet.name!r} is in no catalog, so its power is unknown")
    if not 0 <= device_s < float("inf"):
        raise CostError(f"device_s must be finite and at least 0, got {device_s!r}")
    power_w, basis = busy_w(device_class, device, fleet)
    host_w = 0.0 if device.kind == "cpu" else fleet.overheads.host_w
    device_j = (power_w + host_w) * device_s
    facility_j = device_j * fleet.pue
    per_kwh = fleet.catalog.gco2e_per_kwh if fleet.gco2e_per_kwh is None else fleet.gco2e_per_kwh
    embodied = device.embodied_kgco2e
    life_s = fleet.finance.years * _SECONDS_PER_YEAR
    return Footprint(
        device_j=device_j,
        facility_j=facility_j,
        operational_gco2e=facility_j / _J_PER_KWH * per_kwh,
        embodied_gco2e=None if embodied is None else embodied * 1000 * device_s / life_s,
        basis=basis,
    )
