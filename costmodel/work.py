"""What a task asks of hardware, in amounts that no device appears in.

A frozen record with `+`, as time and price follow from the sum of what the parts ask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Work:
    """Demand by resource; every amount is a total over all devices that share the task.

    `flops` floating-point operations (a multiply-add is two). `weight_bytes`, `kv_read_bytes`, `kv_write_bytes`,
    `activation_bytes` are moved to or from device memory. `steps` are forward passes that follow one another.
    `sync_count` all-reduces of `sync_bytes` altogether are needed if the task is split over several devices. `cpu_s`
    seconds of one CPU core and `wait_s` seconds of waiting pass whatever the device.
    """

    flops: float = 0.0
    weight_bytes: float = 0.0
    kv_read_bytes: float = 0.0
    kv_write_bytes: float = 0.0
    activation_bytes: float = 0.0
    steps: float = 0.0
    sync_count: float = 0.0
    sync_bytes: float = 0.0
    cpu_s: float = 0.0
    wait_s: float = 0.0

    def __post_init__(self) -> None:
        for name in _AMOUNTS:
            amount = getattr(self, name)
            if not 0 <= amount < math.inf:
                raise ValueError(f"work is finite and never negative, got {name}={amount!r}")

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, name) + getattr(other, name) for name in _AMOUNTS))

    def scaled(self, k: float) -> Work:
        """The work of `k` such tasks, one after another."""
        return Work(*(getattr(self, name) * k for name in _AMOUNTS))

    @property
    def kv_bytes(self) -> float:
        """KV-cache bytes read and written."""
        return self.kv_read_bytes + self.kv_write_bytes


_AMOUNTS = tuple(each.name for each in fields(Work))
"""Read once: to look the fields up costs more than to check them."""
