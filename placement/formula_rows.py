"""Rows of the options table without a measurement: the roofline for a model's work, the author's prior for a function.

What a class cannot run, and why, comes back in the place of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from costmodel.calibrated import Correction, Corrections, unmeasured
from costmodel.chunk import chunk_estimates
from costmodel.errors import CostError
from costmodel.estimate import KV_PRECISION, Estimate, estimate_llm, estimate_model_run, tensor_parallel_degrees
from costmodel.fleet import DeviceClass
from costmodel.hardware import Device
from costmodel.models import Model
from costmodel.part import Half, estimate_encoder_part, estimate_half
from costmodel.prefix import estimate_prefix, estimate_rest
from costmodel.roofline import combined
from costmodel.turns import estimate_turn
from placement.operators import OperatorSpec
from placement.part_pools import phase_fits, phase_pool
from placement.pricing import Pricing, Refusal, Row, cpu_pool, usd_per_s

TURNS = "each half of a decode pays for its own turns; other calls use its devices in between"
"""What offloaded attention assumes of metered devices: the rotation of batches in Chen et al. 2024, "Lamina"."""

KEPT = (
    "the KV of a turn stays while tools work, which costs nothing here; memory is left for as many calls that wait for "
    "tools as compute at once"
)
"""What a prefill that goes on from the turn before assumes of metered devices."""

_CORRECTED_AS: Mapping[str, Literal["prefill", "decode"]] = {
    "prefix_prefill": "prefill",
    "prefill": "prefill",
    "decode": "decode",
    "decode_attention": "decode",
    "decode_linear": "decode",
}
"""By phase, the whole phase of a serving that a calibration was fitted to."""

_HALVES = ("decode_attention", "decode_linear")

NO_ROTATION = (
    "one call alone holds the devices of both halves of its decode, by turns; --batch 2 lets others have theirs"
)
"""Why a batch of one has no offloaded attention by formula; a measured row says by itself what its half takes."""

_BATCHED = ("decode", "decode_attention", "decode_linear")
"""Phases that a batch of calls shares."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A model on `tp` devices of a class whose hardware the catalog knows; `batch` calls share it."""

    device_class: DeviceClass
    device: Device
    model: Model
    tp: int
    precision: str
    batch: int


def prior_rows(spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing) -> Iterator[Row | Refusal]:
    """The one row of a user's function on a CPU class: busy seconds at the core's price, and what a call costs
    beside."""
    prior = spec.prior
    if prior.latency_s is None or prior.cpu_s is None or prior.cost_usd is None:
        yield Refusal(device_class.id, f"no profile row, and no {' and no '.join(prior.lacking)} in the decorator")
        return
    cost_usd = prior.cost_usd + usd_per_s(device_class, pricing.fleet) * prior.cpu_s
    yield Row(cpu_pool(device_class), prior.latency_s, cost_usd, "prior", notes=spec.notes, device_s=prior.cpu_s)


def roofline_rows(spec: OperatorSpec, device_class: DeviceClass, pricing: Pricing) -> Iterator[Row | Refusal]:
    """A row for each model, degree and precision that fits. Raises `CatalogError` for an unknown model."""
    device = device_class.device
    if device is None:
        yield Refusal(device_class.id, f"not in the catalog and without a profile row of task {spec.task!r}")
        return
    if device_class.count == 0:
        yield Refusal(device_class.id, "the fleet has 0 of them", is_limit=True)
    batch = pricing.batch if spec.phase in _BATCHED else 1
    if spec.phase in _HALVES and not pricing.rotates:
        yield Refusal(device_class.id, NO_ROTATION, is_limit=True)
        return
    for model in (pricing.models.model(name) for name in spec.models):
        for tp in tensor_parallel_degrees(model, device, device_class.count):
            for precision in (KV_PRECISION,) if spec.phase == "decode_attention" else pricing.precisions:
                yield _roofline_row(spec, Seat(device_class, device, model, tp, precision, batch), pricing)


def _roofline_row(spec: OperatorSpec, seat: Seat, pricing: Pricing) -> Row | Refusal:
    pool = phase_pool(spec, seat.device_class, seat.model, seat.tp, seat.precision, seat.batch)
    fit = phase_fits(spec, seat.device, seat.model, seat.tp, seat.precision, _sequences(spec, seat, pricing))
    if not fit.ok:
        needed, available = f"{fit.needed_bytes / 1e9:.1f} GB", f"{fit.available_bytes / 1e9:.1f} GB"
        return Refusal(pool.id, f"memory: needs {needed} on each device, which may use {available}", is_limit=True)
    try:
        plain = _ESTIMATORS[spec.phase](spec, seat)
        corrected = _correction(spec, seat, pricing.corrections)
    except CostError as error:
        return Refusal(pool.id, str(error))
    estimate, low_s, high_s = (plain, None, None) if corrected is None else corrected.of(plain)
    device_s = seat.tp * estimate.latency_s / seat.batch
    cost_usd = usd_per_s(seat.device_class, pricing.fleet) * device_s
    notes, chunks_s = (*estimate.notes, *spec.notes), ()
    if spec.phase == "prefill" and spec.chunk_tokens is not None:
        share = estimate.latency_s / plain.latency_s
        chunks_s = tuple(share * each.latency_s for each in _chunks(spec, seat, spec.chunk_tokens))
    return Row(
        pool,
        estimate.latency_s,
        cost_usd,
        "roofline" if corrected is None else "calibrated",
        seat.batch,
        estimate.bound_by,
        notes,
        device_s,
        chunks_s,
        low_s,
        high_s,
    )


def _sequences(spec: OperatorSpec, seat: Seat, pricing: Pricing) -> int:
    """Calls whose KV is in memory: those that compute, and where turns find theirs as many whose tools work."""
    return seat.batch if spec.turns is None else 2 * pricing.batch


def _correction(spec: OperatorSpec, seat: Seat, corrections: Corrections | None) -> Correction | None:
    """How a calibration corrects a row: a part of a phase as the whole phase; None where there is no calibration."""
    if corrections is None:
        return None
    phase = _CORRECTED_AS.get(spec.phase)
    if phase is None:
        return unmeasured(corrections.calibration)
    tokens_in, tokens_out = (spec.tokens_in or 1.0, 1.0) if spec.phase == "prefix_prefill" else _tokens(spec)
    at = seat.model, seat.device, seat.tp, seat.precision, seat.batch
    return corrections.phase(phase, *at, tokens_in, tokens_out)


def _estimate_prefill(spec: OperatorSpec, seat: Seat) -> Estimate:
    tokens_in, tokens_out = _tokens(spec)
    if spec.chunk_tokens is not None:
        return combined(_chunks(spec, seat, spec.chunk_tokens))
    if spec.turns is not None:
        at = seat.model, seat.device, seat.tp, seat.precision
        found = estimate_turn(*at, spec.turns, tokens_in=tokens_in, tokens_out=tokens_out)
        return replace(found, notes=(*found.notes, KEPT))
    if spec.prefix_tokens is not None:
        at = seat.model, seat.device, seat.tp, seat.precision
        return estimate_rest(*at, tokens_in=tokens_in, prefix_tokens=spec.prefix_tokens)
    return estimate_llm(seat.model, "prefill", seat.device, seat.tp, seat.precision, seat.batch, tokens_in, tokens_out)


def _chunks(spec: OperatorSpec, seat: Seat, chunk_tokens: int) -> tuple[Estimate, ...]:
    tokens_in, _ = _tokens(spec)
    if spec.prefix_tokens is not None:
        raise CostError("no rule prices chunks behind a shared prefix; leave the chunk-prefill pass out")
    at = seat.model, seat.device, seat.tp, seat.precision
    return chunk_estimates(*at, tokens_in=tokens_in, chunk_tokens=chunk_tokens)


def _estimate_prefix(spec: OperatorSpec, seat: Seat) -> Estimate:
    return estimate_prefix(seat.model, seat.device, seat.tp, seat.precision, prefix_tokens=spec.tokens_in or 0.0)


def _estimate_decode(spec: OperatorSpec, seat: Seat) -> Estimate:
    tokens_in, tokens_out = _tokens(spec)
    return estimate_llm(seat.model, "decode", seat.device, seat.tp, seat.precision, seat.batch, tokens_in, tokens_out)


def _estimate_half(half: Half) -> Callable[[OperatorSpec, Seat], Estimate]:
    def estimate(spec: OperatorSpec, seat: Seat) -> Estimate:
        tokens_in, tokens_out = _tokens(spec)
        found = estimate_half(seat.model, half, seat.device, seat.tp, seat.precision, seat.batch, tokens_in, tokens_out)
        return replace(found, notes=(*found.notes, TURNS))

    return estimate


def _estimate_encoder_part(part: Literal["encoder", "decoder"]) -> Callable[[OperatorSpec, Seat], Estimate]:
    def estimate(spec: OperatorSpec, seat: Seat) -> Estimate:
        assert spec.audio_s is not None, "a part of an encoder's run has seconds of audio"
        return estimate_encoder_part(seat.model, part, seat.device, seat.tp, seat.precision, spec.audio_s)

    return estimate


def _estimate_run(spec: OperatorSpec, seat: Seat) -> Estimate:
    return estimate_model_run(
        seat.model,
        seat.device,
        seat.tp,
        seat.precision,
        seat.batch,
        audio_s=spec.audio_s,
        tokens=spec.tokens_in,
        images=spec.images,
    )


_ESTIMATORS: dict[str, Callable[[OperatorSpec, Seat], Estimate]] = {
    "prefix_prefill": _estimate_prefix,
    "prefill": _estimate_prefill,
    "decode": _estimate_decode,
    "decode_attention": _estimate_half("attention"),
    "decode_linear": _estimate_half("linear"),
    "run": _estimate_run,
    "encode": _estimate_encoder_part("encoder"),
    "decode_encoded": _estimate_encoder_part("decoder"),
}


def _tokens(spec: OperatorSpec) -> tuple[float, float]:
    if spec.tokens_in is None or spec.tokens_out is None:
        counts = {"tokens_in": spec.tokens_in, "tokens_out": spec.tokens_out}
        missing = " and no ".join(name for name, value in counts.items() if value is None)
        if spec.tokens_in is None and spec.unsized:
            tools = ", ".join(spec.unsized)
            raise CostError(f"its prompt grows by answers of unknown length: give tokens_out= of {tools}")
        raise CostError(f"the call states no {missing}")
    return spec.tokens_in, spec.tokens_out
