"""How a place is written: a device class, how many devices together, the precision of weights."""

from __future__ import annotations


def device_text(device: str, tp: int, precision: str | None) -> str:
    """A device class with how many of it work together, and the precision of weights: `h100_sxm x2 fp8`."""
    return " ".join(filter(None, (device, f"x{tp}" if tp > 1 else "", precision)))
