"""The pools of a model's parts, and whether what an operator needs there fits into their memory.

A pool of an attention holds KV and no weights, one of an encoder or a decoder only its own weights. Linear layers take
the pool with the whole model wherever the KV would fit beside the weights, so that they share it with prefills.
"""

from __future__ import annotations

from collections.abc import Mapping

from costmodel.estimate import KV_PRECISION
from costmodel.fleet import DeviceClass
from costmodel.hardware import Device
from costmodel.memory import Fit, fits
from costmodel.models import Model
from costmodel.part import Part, part_fits
from placement.operators import OperatorSpec, Phase
from placement.pricing import model_pool
from placement.problem import Pool

PARTS: Mapping[Phase, Part] = {
    "decode_attention": "attention",
    "decode_linear": "linear",
    "encode": "encoder",
    "decode_encoded": "decoder",
}
"""The part of a model that an operator of this phase needs; all others need the whole."""

WHOLE_PHASES: Mapping[Phase, Phase] = {
    "decode_attention": "decode",
    "decode_linear": "decode",
    "encode": "run",
    "decode_encoded": "run",
}
"""The phase that an operator of this phase is a part of."""


def phase_pool(  # noqa: PLR0917 - the coordinates of one option of a plan
    spec: OperatorSpec, device_class: DeviceClass, model: Model, tp: int, precision: str, batch: int
) -> Pool:
    """The pool of an operator at a place: that of the whole model, or of the part that it needs.

    An attention has no weights, so its pool has the precision of the KV whatever the weights'.
    """
    part = PARTS.get(spec.phase)
    if part == "linear" and _fits_whole(spec, device_class.device, model, tp, precision, batch):
        part = None
    return model_pool(device_class, model.id, tp, KV_PRECISION if part == "attention" else precision, part)


def phase_fits(  # noqa: PLR0917 - the coordinates of one option of a plan
    spec: OperatorSpec, device: Device, model: Model, tp: int, precision: str, batch: int
) -> Fit:
    """Whether what an operator needs fits on each of `tp` devices."""
    part = PARTS.get(spec.phase)
    if part is None:
        return fits(model, device, tp, precision, batch, spec.context_tokens)
    return part_fits(model, part, device, tp, precision, batch, spec.context_tokens)


def _fits_whole(  # noqa: PLR0917 - the coordinates of one option of a plan
    spec: OperatorSpec, device: Device | None, model: Model, tp: int, precision: str, batch: int
) -> bool:
    """Whether the whole model fits with the KV; taken for granted on a device that only a profile describes."""
    return device is None or fits(model, device, tp, precision, batch, spec.context_tokens).ok
