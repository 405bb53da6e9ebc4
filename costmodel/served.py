"""What callers of a served model see: time to the first token, time between tokens, throughput, each with an interval.

`predict_point` answers for one point and `predict_points` for thousands at once. Both take a calibration, the shipped
one unless another is given, and both say where it is stretched beyond its data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from costmodel.calibration import Calibration, Spread, choose, load_calibration
from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.models import Model
from costmodel.points import Array, Point, demand, why_not_served
from costmodel.served_step import Steps, bound, steps


@dataclass(frozen=True, slots=True)
class Range:
    """A predicted value, and the interval that 80 % of measurements of such points fall into."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Served:
    """One served point in steady state; times in seconds, means over all calls.

    `ttft_s` from sending a prompt to its first token, waiting for a place in the engine included. `tpot_s` between
    tokens after the first. `e2e_s` = ttft_s + (tokens_out - 1) x tpot_s. `tokens_per_s` are output tokens of all
    callers together, on all `tp` devices. `bound_*` are idealised: datasheet rates, no engine, no prompts of others.
    `batch` sequences run at once, the other callers wait; `parts` of `tpot_s` add up to it. `basis` is the key of the
    coefficients, `situation` how far from measured points this one is, `extrapolated` why it is beyond them.
    """

    ttft_s: Range
    tpot_s: Range
    e2e_s: Range
    tokens_per_s: Range
    bound_ttft_s: float
    bound_tpot_s: float
    bound_e2e_s: float
    bound_tokens_per_s: float
    batch: float
    parts: Mapping[str, float] = field(hash=False)
    basis: str
    situation: str
    extrapolated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unserved:
    """A point that cannot run, and why."""

    reason: str


def predict_point(  # noqa: PLR0917 - the coordinates of a served point
    model: Model,
    device: Device,
    tp: int,
    precision: str,
    tokens_in: float,
    tokens_out: float,
    concurrency: float,
    calibration: Calibration | None = None,
    *,
    kv_precision: str | None = None,
    engine: str | None = None,
) -> Served:
    """The prediction for `concurrency` callers in a closed loop against one engine on `tp` devices.

    `precision` is of the weights (fp16, fp8, int8, fp4). `engine` (`vllm`, or `vllm 0.12.0`) selects what was fitted on
    that engine and is worth half of the error where it is known. Raises CostError where the point cannot run.
    """
    point = Point(model, device, tp, precision, tokens_in, tokens_out, concurrency, kv_precision, engine)
    found = predict_points([point], calibration)[0]
    if isinstance(found, Unserved):
        raise CostError(found.reason)
    return found


def predict_points(points: Sequence[Point], calibration: Calibration | None = None) -> list[Served | Unserved]:
    """[point] predictions in the order of `points`; 10,000 take about a second. One that cannot run says why."""
    fitted = calibration or load_calibration()
    out: list[Served | Unserved] = [Unserved("")] * len(points)
    by_key: dict[str, list[int]] = {}
    for index, point in enumerate(points):
        reason = why_not_served(point)
        if reason is None:
            by_key.setdefault(choose(fitted.coefficients, point), []).append(index)
        else:
            out[index] = Unserved(reason)
    for key, indices in by_key.items():
        units = demand([points[index] for index in indices])
        found = steps(units, fitted.coefficients[key])
        ideal = bound(units)
        for row, index in enumerate(indices):
            out[index] = _served(points[index], fitted, key, _Row(found, ideal, row))
    return out


@dataclass(frozen=True, slots=True)
class _Row:
    found: Steps
    ideal: tuple[Array, Array]
    row: int

    def of(self, values: Array) -> float:
        return float(values[self.row])


def _served(point: Point, fitted: Calibration, key: str, at: _Row) -> Served:
    spread = {quantity: fitted.spread_of(quantity, point) for quantity in fitted.spread}
    bound_ttft_s, bound_tpot_s = at.of(at.ideal[0]), at.of(at.ideal[1])
    more = point.tokens_out - 1
    bound_e2e_s = bound_ttft_s + more * bound_tpot_s
    first = _range(at.of(at.found.first_s), spread["ttft"], bound_ttft_s)
    tpot = _range(at.of(at.found.tpot_s), spread["tpot"], bound_tpot_s)
    ttft = _with_queue(first, tpot, at.of(at.found.queue_s), point.tokens_out)
    e2e = Range(*(each + more * between for each, between in zip(_ends(ttft), _ends(tpot), strict=True)))
    tokens = point.concurrency * point.tokens_out
    return Served(
        ttft_s=ttft,
        tpot_s=tpot,
        e2e_s=e2e,
        tokens_per_s=Range(tokens / e2e.value, tokens / e2e.high, tokens / e2e.low),
        bound_ttft_s=bound_ttft_s,
        bound_tpot_s=bound_tpot_s,
        bound_e2e_s=bound_e2e_s,
        bound_tokens_per_s=at.of(at.found.batch) * point.tokens_out / bound_e2e_s,
        batch=at.of(at.found.batch),
        parts={name: at.of(values) for name, values in at.found.parts.items()},
        basis=key,
        situation=fitted.situation(point),
        extrapolated=fitted.extrapolations(point),
    )


def _range(value: float, spread: Spread, least: float) -> Range:
    """The spread around a value, cut off where hardware could not follow."""
    low, high = spread.ends(value)
    return Range(value, max(least, low), high)


def _with_queue(first: Range, tpot: Range, queue_s: float, tokens_out: float) -> Range:
    """The first token's time with the wait for a place in the engine, which is so many times a stay there.

    Its error is that of a stay, mostly tokens: the far wider one of first tokens is no part of it.
    """
    inside = [each + tokens_out * between for each, between in zip(_ends(first), _ends(tpot), strict=True)]
    return Range(*(each + queue_s * stay / inside[0] for each, stay in zip(_ends(first), inside, strict=True)))


def _ends(of: Range) -> tuple[float, float, float]:
    return of.value, of.low, of.high
