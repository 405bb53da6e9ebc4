"""The questions placement asks: how long a phase or a model run takes on a device, and whether it can run there at all.

One place checks what is impossible, so that no option of a plan is priced that could not be run.
"""

from __future__ import annotations

from typing import Literal

from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import decode_work, prefill_work
from costmodel.memory import Fit, fits
from costmodel.model_run import input_size, model_run_phases
from costmodel.models import Model
from costmodel.parallel import tensor_parallel_degrees, why_not_parallel
from costmodel.roofline import Estimate, combined, step_coefficients, time
from costmodel.spyre import is_spyre
from costmodel.spyre_estimate import check_spyre, spyre_decode, spyre_prefill, spyre_run
from costmodel.step import decode_s, prefill_s

__all__ = ["Estimate", "Fit", "estimate_llm", "estimate_model_run", "fits", "tensor_parallel_degrees"]

Phase = Literal["prefill", "decode"]

KV_PRECISION = "fp16"
"""Precision of the KV cache unless one is given: engines keep the activations' precision unless told otherwise."""


def estimate_llm(  # noqa: PLR0917 - the eight coordinates of one option of a plan
    model: Model,
    phase: Phase,
    device: Device,
    tp: int,
    precision: str,
    batch: int,
    tokens_in: float,
    tokens_out: float,
    *,
    kv_precision: str | None = None,
) -> Estimate:
    """Seconds in which a batch of `batch` calls passes through one phase on `tp` devices.

    Prefill passes prompts of `tokens_in`; decode makes `tokens_out` steps over a growing context. The latency is that
    of the whole batch, whose calls share the devices' time. Raises CostError with the reason when the devices cannot
    run it.
    """
    kv = kv_precision or KV_PRECISION
    check_call(model, phase, batch, tokens_in, tokens_out)
    _check_runs(model, device, tp, precision, batch=batch, context_tokens=tokens_in + tokens_out, kv_precision=kv)
    if is_spyre(device.id):
        check_spyre(model, tp, precision, batch, tokens_in + tokens_out)
        if phase == "prefill":
            return spyre_prefill(model, device, tp, precision, tokens_in=tokens_in, batch=batch)
        return spyre_decode(model, device, tp, precision, tokens_in=tokens_in, tokens_out=tokens_out, batch=batch)
    coefficients = step_coefficients(model, device, tp, precision, kv)
    if phase == "prefill":
        work = prefill_work(model, tokens_in, batch=batch, weight_precision=precision, kv_precision=kv)
        latency_s = prefill_s(coefficients, tokens_in, batch)
    else:
        work = decode_work(model, tokens_in, tokens_out, batch=batch, weight_precision=precision, kv_precision=kv)
        latency_s = decode_s(coefficients, batch, tokens_in, tokens_out)
    total = time(work, device, tp, precision, model=model)
    return Estimate(latency_s, total.terms, total.bound_by, total.notes)


def estimate_model_run(
    model: Model,
    device: Device,
    tp: int,
    precision: str,
    batch: int,
    *,
    audio_s: float | None = None,
    tokens: float | None = None,
    images: float | None = None,
) -> Estimate:
    """Seconds of one run of a model that is no text generator, over `batch` inputs of the given size.

    Raises CostError when there is no rule for the model and size, or the devices cannot run it.
    """
    size = input_size(model, audio_s=audio_s, tokens=tokens, images=images)
    if is_spyre(device.id):
        return spyre_run(model, device, tp, precision, size=size, batch=batch)
    phases = model_run_phases(model, size, batch=batch, precision=precision)
    _check_runs(model, device, tp, precision, batch=batch, context_tokens=0, kv_precision=KV_PRECISION)
    return combined(tuple(time(phase.work, device, tp, precision, model=model) for phase in phases))


def check_call(model: Model, phase: str, batch: int, tokens_in: float, tokens_out: float) -> None:
    """Raises `CostError` for a call that no device could run."""
    if not model.is_text_generator:
        raise CostError(f"{model.id} ({model.modality}) generates no text; declare it with @model and a size")
    if phase not in {"prefill", "decode"}:
        raise CostError(f"a phase of a text generator is prefill or decode, got {phase!r}")
    if batch < 1 or tokens_in < 1 or tokens_out < 0:
        raise CostError(
            "a call needs a batch and tokens_in of at least 1 and tokens_out of at least 0, "
            f"got batch={batch}, tokens_in={tokens_in}, tokens_out={tokens_out}"
        )
    limit = model.max_ctx_tokens
    if limit is not None and tokens_in + tokens_out > limit:
        raise CostError(
            f"{model.id} takes at most {limit:,} tokens of context, got {tokens_in:,} in and {tokens_out:,} out; "
            "shorten the call or choose another model"
        )


def _check_runs(
    model: Model, device: Device, tp: int, precision: str, *, batch: int, context_tokens: float, kv_precision: str
) -> None:
    reason = why_not_parallel(model, device, tp)
    if reason is not None:
        raise CostError(reason)
    fit = fits(model, device, tp, precision, batch, context_tokens, kv_precision=kv_precision)
    if not fit.ok:
        raise CostError(
            f"{model.id} in {precision} with batch {batch} and {context_tokens:,} tokens of context needs "
            f"{fit.needed_bytes / 1e9:.1f} GB on each of {tp} x {device.id}, "
            f"which may use {fit.available_bytes / 1e9:.1f} GB; "
            "use more devices, a smaller batch or a narrower precision"
        )
