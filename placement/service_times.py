"""What a call of a text generator takes on a replica that serves many at once: first token, each token, a prompt alone.

Devices of the catalog's accelerators are predicted by the calibrated serving model, whose steps include the prompts of
other callers; CPU cores and Spyre cards by the roofline and their own rules, with other callers' prompts added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from costmodel.calibrated import UNLIKE
from costmodel.calibration import Calibration, Quantity, choose
from costmodel.errors import CostError
from costmodel.estimate import estimate_llm
from costmodel.hardware import Device
from costmodel.models import Model
from costmodel.points import Point, demand, why_not_served
from costmodel.served_options import prefix_ratios
from costmodel.served_step import Steps, steps
from costmodel.served_turns import turn_ratios
from costmodel.spyre import is_spyre, prefill_chunks
from costmodel.turns import Turns
from placement.kept_turns import FOUND
from placement.transfers import KV_PRECISION


@dataclass(frozen=True, slots=True)
class Serving:
    """`batch` calls at once of a model on `tp` devices; tokens are means of a call.

    Of every prompt the first `prefix_tokens` have their KV already, kept on the replica; where the call is a turn of
    `turns`, that of the turn before.
    """

    model: Model
    device: Device
    tp: int
    precision: str
    tokens_in: float
    tokens_out: float
    batch: int
    prefix_tokens: float = 0.0
    turns: Turns | None = None


@dataclass(frozen=True, slots=True)
class ServingTimes:
    """Seconds of one call: `prompt_s` a prompt alone, `first_s` its first token while `batch - 1` others are served.

    `token_s` between tokens while others' prompts share the steps, `decode_token_s` where no prompt does. `notes` say
    what the figures rest on. 80 % of measurements of such points take at most `prompt_factor` and `token_factor` times
    as long; None where no calibration says. `whole_prompt_s` is a prompt alone of which nothing is kept; `prompt_rms_s`
    the root of the mean square of prompts of turns, of which some read all and others what is new.
    """

    prompt_s: float
    first_s: float
    token_s: float
    decode_token_s: float
    source: str
    notes: tuple[str, ...] = ()
    whole_prompt_s: float = 0.0
    prompt_rms_s: float = 0.0
    prompt_factor: float | None = None
    token_factor: float | None = None


@dataclass(frozen=True, slots=True)
class Unservable:
    """Why it cannot run."""

    why: str


def serving_times(asked: Sequence[Serving], calibration: Calibration | None = None) -> list[ServingTimes | Unservable]:
    """[serving] times in the order of `asked`; thousands at once cost little more than one.

    Without a calibration every device is predicted by the roofline.
    """
    found: list[ServingTimes | Unservable] = [Unservable("")] * len(asked)
    by_key: dict[str, list[int]] = {}
    for index, each in enumerate(asked):
        if calibration is None or each.device.kind == "cpu" or is_spyre(each.device.id):
            found[index] = _by_rules(each, calibration)
            continue
        reason = why_not_served(_point(each))
        if reason is None:
            by_key.setdefault(choose(calibration.coefficients, _point(each)), []).append(index)
        else:
            found[index] = Unservable(reason)
    if calibration is None:
        return [_with_kept(each, times) for each, times in zip(asked, found, strict=True)]
    for key, indices in by_key.items():
        points = [_point(asked[index]) for index in indices]
        predicted = steps(demand(points), calibration.coefficients[key])
        for row, index in enumerate(indices):
            found[index] = _calibrated(predicted, row, (calibration, points[row]))
    return [_with_kept(each, times) for each, times in zip(asked, found, strict=True)]


def _with_kept(each: Serving, times: ServingTimes | Unservable) -> ServingTimes | Unservable:
    return _with_prefix(each, times) if each.turns is None else _with_turns(each, each.turns, times)


def _with_turns(each: Serving, turns: Turns, times: ServingTimes | Unservable) -> ServingTimes | Unservable:
    """The mean times of turns that go on from one another, by the ratios of the step model."""
    if isinstance(times, Unservable):
        return times
    if is_spyre(each.device.id):
        return Unservable(f"no rule says that {each.device.id} keeps KV between calls")
    try:
        ratios = turn_ratios(_point(each), turns, FOUND)
    except CostError as error:
        return Unservable(str(error))
    return replace(
        times,
        whole_prompt_s=times.prompt_s,
        prompt_s=ratios.prompt * times.prompt_s,
        prompt_rms_s=ratios.prompt_rms * times.prompt_s,
        first_s=ratios.first * times.first_s,
        token_s=max(ratios.between * times.token_s, times.decode_token_s),
        notes=(
            *times.notes,
            f"{FOUND:.0%} of later turns go on from the KV of the turn before: uncalibrated, by the step model",
        ),
    )


def _with_prefix(each: Serving, times: ServingTimes | Unservable) -> ServingTimes | Unservable:
    """The times of prompts whose prefix is kept, by the ratios of the step model, which no measurement has checked."""
    if isinstance(times, Unservable):
        return times
    whole = replace(times, whole_prompt_s=times.prompt_s)
    if not 0.0 < each.prefix_tokens < each.tokens_in or is_spyre(each.device.id):
        return whole
    ratios = prefix_ratios(_point(each), each.prefix_tokens)
    return replace(
        whole,
        prompt_s=ratios.prompt * times.prompt_s,
        first_s=ratios.first * times.first_s,
        token_s=max(ratios.between * times.token_s, times.decode_token_s),
        notes=(
            *times.notes,
            f"the KV of the first {each.prefix_tokens:g} tokens is kept: uncalibrated, by the step model",
        ),
    )


def _point(each: Serving) -> Point:
    return Point(
        each.model, each.device, each.tp, each.precision, each.tokens_in, each.tokens_out, each.batch, KV_PRECISION
    )


def _calibrated(predicted: Steps, row: int, basis: tuple[Calibration, Point]) -> ServingTimes:
    calibration, point = basis
    first_s, token_s = float(predicted.first_s[row]), float(predicted.tpot_s[row])
    return ServingTimes(
        prompt_s=float(predicted.prompt_s[row]),
        first_s=first_s,
        token_s=token_s,
        decode_token_s=float(predicted.decode_step_s[row]),
        source=f"calibration {calibration.name}",
        notes=calibration.extrapolations(point),
        prompt_factor=upper(calibration, "ttft", point, first_s),
        token_factor=upper(calibration, "tpot", point, token_s),
    )


def upper(
    calibration: Calibration, quantity: Quantity, point: Point | None = None, predicted_s: float = math.inf
) -> float:
    """How many times as long as predicted a point takes at the upper end of its interval, at least 1.

    Without a point, for a device or model that nothing like was measured of: the widest interval, of which the seconds
    that an engine's host adds to each step are no part.
    """
    spread = calibration.spread[quantity][UNLIKE] if point is None else calibration.spread_of(quantity, point)
    return max(1.0, spread.high + spread.more_s / predicted_s)


def _by_rules(each: Serving, calibration: Calibration | None) -> ServingTimes | Unservable:
    """While a call decodes, each of the others passes one prompt, for which this engine stops decoding.

    Spyre also lets a decode step pass between two chunks of a prompt.
    """
    at = each.device, each.tp, each.precision
    try:
        prompt = estimate_llm(each.model, "prefill", *at, 1, each.tokens_in, each.tokens_out)
        decode = estimate_llm(each.model, "decode", *at, each.batch, each.tokens_in, each.tokens_out)
    except CostError as error:
        return Unservable(str(error))
    decode_token_s = decode.latency_s / each.tokens_out if each.tokens_out else 0.0
    others_s = (each.batch - 1) * prompt.latency_s
    between_s = 0.0
    if is_spyre(each.device.id) and each.batch > 1:
        between_s = (prefill_chunks(each.tokens_in) - 1) * decode_token_s
    return ServingTimes(
        prompt_s=prompt.latency_s,
        first_s=prompt.latency_s + between_s,
        token_s=decode_token_s + (others_s / each.tokens_out if each.tokens_out else 0.0),
        decode_token_s=decode_token_s,
        source="roofline",
        notes=tuple(dict.fromkeys((*prompt.notes, *decode.notes))),
        prompt_factor=None if calibration is None else upper(calibration, "ttft"),
        token_factor=None if calibration is None else upper(calibration, "tpot"),
    )
