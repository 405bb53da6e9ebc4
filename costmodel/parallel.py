"""Over how many devices of a class one copy of a model may be spread.

A degree is legal when the devices share a scale-up fabric and the model's attention heads divide evenly.
"""

from __future__ import annotations

from costmodel.hardware import Device
from costmodel.models import Model


def tensor_parallel_degrees(model: Model | None, device: Device, count: int) -> tuple[int, ...]:
    """Legal degrees, ascending: powers of two up to `count` devices and the scale-up domain (CPU: a socket's cores)."""
    degrees: list[int] = []
    degree = 1
    while degree <= min(count, device.scaleup_domain):
        if why_not_parallel(model, device, degree) is None:
            degrees.append(degree)
        degree *= 2
    return tuple(degrees)


def why_not_parallel(model: Model | None, device: Device, tp: int) -> str | None:
    """The reason why `tp` devices cannot share one copy of the model; None when they can.

    Query heads must divide; KV heads must divide, or be copied to whole groups of devices when there are fewer of them.
    The cores of a CPU share memory and split matrices by rows, so heads do not matter there.
    """
    if tp < 1:
        return f"tensor parallelism starts at 1, got {tp}"
    if tp > device.scaleup_domain:
        return f"tp={tp} is above the scale-up domain of {device.id} ({device.scaleup_domain} devices)"
    if model is None or tp == 1 or device.kind == "cpu":
        return None
    if not model.heads:
        return f"{model.id} has no attention heads to split, so it runs on one device, got tp={tp}"
    if model.heads % tp:
        return f"tp={tp} does not divide the {model.heads} attention heads of {model.id}"
    if model.kv_heads and model.kv_heads % tp and tp % model.kv_heads:
        return f"tp={tp} neither divides nor is a multiple of the {model.kv_heads} KV heads of {model.id}"
    return None
