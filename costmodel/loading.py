"""How long a model takes from a host's memory into its devices: what starting a pool or switching its model costs.

Each device of a group loads its own part of the weights over its own bus, all at once.
"""

from __future__ import annotations

from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import weight_bytes
from costmodel.models import Model
from costmodel.spyre import WARM_START_S, is_spyre

BUS_EFFICIENCY = 0.8
"""Share of a bus's rate that copies reach: 12-13 of 15.75 GB/s, 25-28 of 32, 50-56 of 64 (notes of the link data)."""


def load_s(model: Model, device: Device, precision: str, tp: int = 1) -> float:
    """Seconds to load a model's weights on `tp` devices; 0 for a CPU, whose memory is the host's.

    For Spyre, the stack's own start with compiled graphs in its cache. Raises CostError where nobody says how fast the
    device's bus is.
    """
    if tp < 1:
        raise CostError(f"a model is loaded on at least one device, got tp={tp}")
    if device.kind == "cpu":
        return 0.0
    if is_spyre(device.id):
        return WARM_START_S
    if device.host_bytes_per_s is None:
        raise CostError(f"{device.id} has no host_bytes_per_s in its catalog, so loading a model on it has no time")
    return weight_bytes(model, precision) / tp / (device.host_bytes_per_s * BUS_EFFICIENCY)
