"""Time of a phase or of an embedding on Spyre cards: the roofline under the rules of their serving stack.

Apart from the estimates for other devices because nearly every rule differs: padding, one chunk size, prefill and
decode never in one step, static shapes.
"""

from __future__ import annotations

from dataclasses import replace

from costmodel.chunk import prefill_chunks
from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import decode_work
from costmodel.model_run import Size, model_run_phases
from costmodel.models import Model
from costmodel.roofline import DEFAULT, Estimate, combined, time
from costmodel.spyre import (
    CHUNK_TOKENS,
    Configuration,
    configuration,
    encoder_tokens,
    matrix_efficiency,
    padded_tokens,
)
from costmodel.spyre import prefill_chunks as chunk_count

NOTE = "simulated Spyre: roofline under the serving stack's rules; no tokens a second are published to compare with"


def check_spyre(model: Model, tp: int, precision: str, batch: float, context_tokens: float) -> Configuration:
    """The configuration that serves a text generator. Raises CostError with the reason where none is known."""
    found = configuration(model.id, precision, tp, batch, context_tokens)
    if isinstance(found, str):
        raise CostError(found)
    return found


def spyre_prefill(model: Model, device: Device, tp: int, precision: str, *, tokens_in: float, batch: float) -> Estimate:
    """Seconds until the last of `batch` prompts has passed: one after another, each in whole chunks of 512 tokens."""
    tokens = chunk_count(tokens_in) * CHUNK_TOKENS
    efficiency = replace(DEFAULT, mfu=matrix_efficiency(CHUNK_TOKENS))
    works = prefill_chunks(model, tokens, CHUNK_TOKENS, weight_precision=precision)
    one = combined(tuple(time(work, device, tp, precision, model=model, efficiency=efficiency) for work in works))
    return _marked(one, times=batch)


def spyre_decode(
    model: Model, device: Device, tp: int, precision: str, *, tokens_in: float, tokens_out: float, batch: float
) -> Estimate:
    """Seconds of `tokens_out` steps of a batch, over contexts that begin at the padded prompt."""
    work = decode_work(model, padded_tokens(tokens_in), tokens_out, batch=batch, weight_precision=precision)
    efficiency = replace(DEFAULT, mfu=matrix_efficiency(batch))
    return _marked(time(work, device, tp, precision, model=model, efficiency=efficiency))


def spyre_run(model: Model, device: Device, tp: int, precision: str, *, size: Size, batch: float) -> Estimate:
    """Seconds of an embedding, padded to a static length. Raises CostError for any other model and for longer texts."""
    if model.modality != "embedding":
        raise CostError(f"Spyre serves text generators and embedding models, not {model.id} ({model.modality})")
    tokens = encoder_tokens(size.amount)
    if tokens is None:
        raise CostError(f"Spyre embeds texts of at most 512 tokens, got {size.amount:g}; split them or choose a device")
    efficiency = replace(DEFAULT, mfu=matrix_efficiency(tokens * batch))
    phases = model_run_phases(model, replace(size, amount=float(tokens)), batch=batch, precision=precision)
    parts = (time(phase.work, device, tp, precision, model=model, efficiency=efficiency) for phase in phases)
    return _marked(combined(tuple(parts)))


def _marked(estimate: Estimate, times: float = 1.0) -> Estimate:
    terms = {name: seconds * times for name, seconds in estimate.terms.items()}
    return Estimate(estimate.latency_s * times, terms, estimate.bound_by, (*estimate.notes, NOTE))
