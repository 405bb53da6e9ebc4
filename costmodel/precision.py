"""Number formats: the bytes they take, and the wider format a device falls back to for arithmetic.

The precision of stored weights and that of the arithmetic differ where a device lacks units for the former.
"""

from __future__ import annotations

from collections.abc import Mapping

from costmodel.errors import CostError

BYTES_PER_VALUE: Mapping[str, float] = {"fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 4.25 / 8}
"""Bytes of one stored value. `fp16` stands for BF16 too. `fp4` is MXFP4: 4 bits and an 8-bit scale for each 32 values
(OCP Microscaling specification), 4.25 bits in all."""

WIDER: Mapping[str, tuple[str, ...]] = {
    "fp16": ("fp16",),
    "fp8": ("fp8", "fp16"),
    "int8": ("int8", "fp16"),
    "fp4": ("fp4", "fp8", "fp16"),
}
"""Formats that hold every value of the key, nearest first."""


def bytes_per_value(precision: str) -> float:
    """Bytes of one value. Raises CostError for an unknown precision."""
    if precision not in BYTES_PER_VALUE:
        raise CostError(f"a precision is one of {', '.join(BYTES_PER_VALUE)}, got {precision!r}")
    return BYTES_PER_VALUE[precision]


def compute_precision(precision: str, rates: Mapping[str, float]) -> str | None:
    """The nearest wider precision that `rates` (FLOP/s by precision) has; None when there is none."""
    bytes_per_value(precision)
    return next((each for each in WIDER[precision] if each in rates), None)
