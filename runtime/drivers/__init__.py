"""Drivers by name, as a plan's pools name them.

A device class that needs another way of doing its work adds a function here and nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

from runtime.drivers.cpu import CpuDriver
from runtime.drivers.driver import Driver, DriverSettings
from runtime.drivers.simulated import SimulatedDriver

DRIVERS: dict[str, Callable[[DriverSettings], Driver]] = {
    "cpu": CpuDriver,
    "simulated": SimulatedDriver,
}
