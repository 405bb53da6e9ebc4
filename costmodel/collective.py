"""How long devices take to add up their partial results.

Tensor parallelism pays this after every attention and FFN block, which is what ends its gain (REFERENCE finding e).
"""

from __future__ import annotations

from costmodel.errors import CostError


def all_reduce_s(size_bytes: float, devices: int, bytes_per_s: float, latency_s: float) -> float:
    """Seconds of a ring all-reduce of `size_bytes` over `devices`; `bytes_per_s` is one direction of one device's link.

    Each device sends its data in `devices` pieces around the ring twice, less one piece (reduce, then gather):
    2 (n - 1) / n x bytes / bandwidth + 2 (n - 1) x latency. Patarasuk and Yuan 2009.
    """
    if devices < 1 or size_bytes < 0 or bytes_per_s <= 0 or latency_s < 0:
        raise CostError(
            "an all-reduce needs at least 1 device, a size and a latency of at least 0 and a bandwidth above 0, "
            f"got {devices} devices, {size_bytes!r} bytes, {bytes_per_s!r} bytes/s, {latency_s!r} s"
        )
    hops = 2 * (devices - 1)
    return hops / devices * size_bytes / bytes_per_s + hops * latency_s
