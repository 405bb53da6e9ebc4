"""A part of a model on devices of its own: what it takes there, whether it fits, and the time of its steps.

A device that holds one part holds only its share: the attention of a decode its KV and no weights, the linear layers
weights and no KV, an encoder and a decoder each their own weights. `costmodel.offload` has the work of the halves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from costmodel.errors import CostError
from costmodel.estimate import KV_PRECISION, Estimate, check_call
from costmodel.hardware import Device
from costmodel.llm import kv_bytes, token_demand, weight_bytes
from costmodel.memory import MARGIN, Fit
from costmodel.model_run import encoder_and_decoder, encoder_weights
from costmodel.models import Model
from costmodel.offload import attention_work, linear_work
from costmodel.parallel import why_not_parallel
from costmodel.precision import bytes_per_value
from costmodel.roofline import combined, kv_shards, step_coefficients, time
from costmodel.spyre import is_spyre
from costmodel.step import StepCoefficients, decode_s

Half = Literal["attention", "linear"]
Part = Literal["attention", "linear", "encoder", "decoder"]


def part_fits(  # noqa: PLR0917 - the coordinates of one option of a plan
    model: Model, part: Part, device: Device, tp: int, precision: str, batch: float, context_tokens: float
) -> Fit:
    """Whether what a part holds fits in the usual share of each of `tp` devices, as `costmodel.memory.fits`."""
    held = _held_weight_bytes(model, part, precision) / tp
    if part == "attention":
        held = batch * kv_bytes(model, context_tokens, KV_PRECISION) / kv_shards(model, device, tp)
    available = device.mem_bytes * MARGIN
    return Fit(held <= available, held, available)


def part_kv_capacity_tokens(model: Model, part: Part, device: Device, tp: int) -> int:
    """Tokens of KV that `tp` devices with a part hold: those of an attention all that their memory takes, else none."""
    if part != "attention":
        return 0
    per_token = token_demand(model, KV_PRECISION).kv_bytes / kv_shards(model, device, tp)
    return int(device.mem_bytes * MARGIN / per_token)


def half_coefficients(model: Model, half: Half, device: Device, tp: int, precision: str) -> StepCoefficients:
    """The step times of one half of a decode: what the whole's have, divided between the two.

    The engine's own time, the weights, a token's arithmetic and activations and the all-reduces belong to the linear
    layers; pairs and KV, read and written, to the attention, whose heads no device has to share.
    """
    whole = step_coefficients(model, device, tp, precision, KV_PRECISION)
    unit = token_demand(model, KV_PRECISION)
    kv_token_s = whole.kv_s + whole.window_kv_s
    if half == "linear":
        without = dict.fromkeys(("pair_s", "prefill_pair_s", "window_pair_s", "kv_s", "window_kv_s", "state_s"), 0.0)
        return replace(whole, token_memory_s=max(0.0, whole.token_memory_s - kv_token_s), **without)
    shared = ("overhead_s", "weights_s", "experts_s", "token_s", "head_s", "all_reduce_s", "all_reduce_token_s")
    assert unit.state_bytes == 0.0, "a model with a state is refused before"
    return replace(whole, token_memory_s=kv_token_s, **dict.fromkeys(shared, 0.0))


def estimate_half(  # noqa: PLR0917 - the coordinates of one option of a plan
    model: Model,
    half: Half,
    device: Device,
    tp: int,
    precision: str,
    batch: int,
    tokens_in: float,
    tokens_out: float,
) -> Estimate:
    """Seconds that one half of a decode works, without the turns of the other and what goes between them.

    Raises `CostError` with the reason when the devices cannot run it.
    """
    check_call(model, "decode", batch, tokens_in, tokens_out)
    if half == "attention":
        work = attention_work(model, tokens_in, tokens_out, batch=batch, kv_precision=KV_PRECISION)
    else:
        work = linear_work(model, tokens_in, tokens_out, batch=batch, weight_precision=precision)
    _check_place(model, half, device, tp, precision, batch, tokens_in + tokens_out)
    total = time(work, device, tp, precision, model=model)
    coefficients = half_coefficients(model, half, device, tp, precision)
    latency_s = decode_s(coefficients, batch, tokens_in, tokens_out)
    return Estimate(latency_s, total.terms, total.bound_by, total.notes)


def estimate_encoder_part(  # noqa: PLR0917 - the coordinates of one option of a plan
    model: Model, part: Literal["encoder", "decoder"], device: Device, tp: int, precision: str, audio_s: float
) -> Estimate:
    """Seconds of the encoder or the decoder of one run. Raises `CostError` when the devices cannot run it."""
    encode, decode = encoder_and_decoder(model, audio_s, precision=precision)
    _check_place(model, part, device, tp, precision, 1, 0)
    phases = (encode,) if part == "encoder" else decode
    return combined(tuple(time(phase.work, device, tp, precision, model=model) for phase in phases))


def _held_weight_bytes(model: Model, part: Part, precision: str) -> float:
    """Bytes of the weights that a part needs: a decoder has all but its encoder's."""
    if part == "attention":
        return 0.0
    if part == "linear":
        return weight_bytes(model, precision)
    encoder_bytes = encoder_weights(model) * bytes_per_value(precision)
    return encoder_bytes if part == "encoder" else weight_bytes(model, precision) - encoder_bytes


def _check_place(  # noqa: PLR0917 - the coordinates of one option of a plan
    model: Model, part: Part, device: Device, tp: int, precision: str, batch: float, context_tokens: float
) -> None:
    if is_spyre(device.id):
        raise CostError(
            f"Spyre's stack serves whole prefills, decodes and embeddings, so {device.id} cannot run the {part} of "
            f"{model.id} alone; place it on another class, or the whole here"
        )
    reason = why_not_parallel(model, device, tp)
    if reason is not None:
        raise CostError(reason)
    fit = part_fits(model, part, device, tp, precision, batch, context_tokens)
    if not fit.ok:
        raise CostError(
            f"the {part} of {model.id} needs {fit.needed_bytes / 1e9:.1f} GB on each of {tp} x {device.id}, "
            f"which may use {fit.available_bytes / 1e9:.1f} GB; use more devices or a smaller batch"
        )
