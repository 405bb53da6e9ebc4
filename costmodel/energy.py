"""Energy of a task, from its time and the devices' rated power.

Devices draw less than their TDP most of the time, so this is an upper bound and says so; measured power is a later
matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.roofline import Estimate

BASIS = "upper bound: every device at its TDP for the whole time"


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules at the device, and at the meter of the building (times PUE)."""

    device_j: float
    facility_j: float
    basis: str = BASIS


def energy_j(estimate: Estimate, device: Device, tp: int, pue: float = 1.0) -> Energy:
    """Energy of `estimate` on `tp` devices, for all calls of its batch. A CPU core has its share of the TDP."""
    if tp < 1 or pue < 1:
        raise CostError(f"energy needs at least one device and a PUE of at least 1, got tp={tp}, pue={pue!r}")
    device_j = estimate.latency_s * device.tdp_w * tp
    return Energy(device_j, device_j * pue)
