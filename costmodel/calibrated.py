"""The roofline's time of a phase of a text generator, corrected by a calibration, with the interval of its error.

A plan prices phases one at a time, and parts of them; the calibration was fitted to whole servings. Both have the time
of a whole phase, so their ratio corrects the phase and every part of it alike, and parts still add up to the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from costmodel.calibration import Calibration, choose
from costmodel.errors import CostError
from costmodel.estimate import KV_PRECISION, Estimate, estimate_llm
from costmodel.hardware import Device
from costmodel.models import Model
from costmodel.points import Demand, Point, demand, why_not_served
from costmodel.served_step import CHUNK_TOKENS, Coefficients, decode_parts, prompt_seconds
from costmodel.spyre import is_spyre

UNLIKE = "unlike device"
"""The situation of a calibration whose interval stands for what nothing was measured of."""


@dataclass(frozen=True, slots=True)
class Correction:
    """`factor` times the roofline's seconds is the calibrated time; 80 % of measurements lie between `low` and `high`
    times that. `situation` says how near to the measurements; `notes` are assumptions to print."""

    factor: float
    low: float
    high: float
    situation: str
    notes: tuple[str, ...] = ()

    def of(self, estimate: Estimate) -> tuple[Estimate, float, float]:
        """The corrected estimate and the ends of its interval, seconds."""
        terms = {name: seconds * self.factor for name, seconds in estimate.terms.items()}
        latency_s = estimate.latency_s * self.factor
        found = replace(estimate, latency_s=latency_s, terms=terms, notes=(*estimate.notes, *self.notes))
        return found, latency_s * self.low, latency_s * self.high


def unmeasured(calibration: Calibration) -> Correction:
    """What is not a text generator, or runs where no serving was measured: the roofline, with the widest interval."""
    spread = calibration.spread["tpot"][UNLIKE]
    return Correction(1.0, spread.low, spread.high, UNLIKE)


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrections of one calibration, each worked out once."""

    calibration: Calibration
    known: dict[tuple[Point, str], Correction] = field(
        default_factory=dict["tuple[Point, str]", "Correction"], compare=False
    )

    def phase(  # noqa: PLR0917 - the coordinates of one option of a plan
        self,
        phase: Literal["prefill", "decode"],
        model: Model,
        device: Device,
        tp: int,
        precision: str,
        batch: int,
        tokens_in: float,
        tokens_out: float,
    ) -> Correction:
        """The correction of a phase of a call of these sizes in a batch.

        Without waiting and without others' prompts, as `estimate_llm` has it. CPUs and Spyre cards, whose engines none
        of the measured ones resembles, keep the roofline.
        """
        if device.kind == "cpu" or is_spyre(device.id):
            return unmeasured(self.calibration)
        point = Point(model, device, tp, precision, tokens_in, max(1.0, tokens_out), float(batch), KV_PRECISION)
        if (point, phase) not in self.known:
            self.known[point, phase] = _correction(point, phase, self.calibration)
        return self.known[point, phase]


def _correction(point: Point, phase: Literal["prefill", "decode"], calibration: Calibration) -> Correction:
    """The ratio of both times of the whole phase."""
    if why_not_served(point) is not None:
        return unmeasured(calibration)
    try:
        roofline = estimate_llm(
            point.model,
            phase,
            point.device,
            point.tp,
            point.precision,
            int(point.concurrency),
            point.tokens_in,
            point.tokens_out,
        )
    except CostError:
        return unmeasured(calibration)
    coefficients = calibration.coefficients[choose(calibration.coefficients, point)]
    fitted_s = _phase_s(demand([point]), coefficients, phase)
    situation = calibration.situation(point)
    spread = calibration.spread_of("tpot", point)
    step_s = fitted_s / (
        point.tokens_out if phase == "decode" else max(1.0, point.concurrency * point.tokens_in / CHUNK_TOKENS)
    )
    notes = tuple(note for note in calibration.extrapolations(point) if note.startswith("no serving"))
    return Correction(fitted_s / roofline.latency_s, spread.low, spread.high + spread.more_s / step_s, situation, notes)


def _phase_s(units: Demand, c: Coefficients, phase: str) -> float:
    """Seconds of a batch's prompts one after another, or of its decode steps at the mean context."""
    if phase == "prefill":
        return float(prompt_seconds(units, c)[0] * units.concurrency[0])
    parts = decode_parts(units, c, units.concurrency, units.tokens_in + units.tokens_out / 2)
    return float(np.sum(list(parts.values())) * units.tokens_out[0])
