"""Fits the serving coefficients to measurements, and measures how far off points are that the fit has not seen.

One fit for all points, then refinements for a device or an engine that start from it and stay near it unless the data
insist. Nothing else depends on a row, so that the coefficients mean what `Coefficients` says they mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from costmodel.calibration import (
    ANY,
    QUANTITIES,
    SITUATIONS,
    Calibration,
    Error,
    Quantity,
    Spread,
    choose,
    family,
    inputs,
    keys,
)
from costmodel.errors import ProfileError
from costmodel.least_squares import Array, least_relative_error, minimise
from costmodel.measured import Measured
from costmodel.points import Demand, Point, demand
from costmodel.served_step import FIRST, Coefficients, first_parts, held, steps

BOUNDS: dict[str, tuple[float, float]] = {
    "compute16_share": (0.5, 0.95),
    "compute8_share": (0.35, 0.95),
    "weights_share": (0.5, 0.95),
    "kv16_share": (0.3, 1.0),
    "kv8_share": (0.3, 1.0),
    "attention_share": (0.25, 0.9),
    "link_share": (0.2, 1.0),
    "prefill_in_steps": (0.5, 1.0),
}
"""Where a share can lie: below, something else than this resource is slow; above, hardware would beat its datasheet."""

POSITIVE = (
    "tile_tokens",
    "sharpness",
    "residual_passes",
    "ffn_passes",
    "reduce_hops",
    "reduce_log_hops",
    "step_s",
    "layer_s",
    "sequence_s",
    "prompt_s",
)
FIRST_LEAST = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
"""A first token takes at least one passage of its prompt."""

PRIOR = 0.4
"""Weight of the distance from where a fit starts, in logarithms (logits for shares) against residuals of one row."""

REFINE_PRIOR = 0.2
LEAST_ROWS = 30
"""Fewer rows of a device or engine get no coefficients of their own."""

INSIDE = 0.8
"""The part of residuals that an interval is to hold."""

UNLIKE = 1.5
"""Factor on the logarithmic width for a device of a vendor or kind that nothing was measured on, and for any other
situation of which the data have no second case to leave out. An assumption."""

UNSEEN = 1.25
"""The same for a device that the fit has not seen when it has seen one only. An assumption."""


def fit(measurements: Sequence[Measured], *, name: str, date: str, origin: Sequence[str]) -> Calibration:
    """The calibration of these measurements. Raises ProfileError when there are too few to fit.

    The spread of `known` is from folds of rows left out at random, that of the other situations from whole models and
    devices left out. With one device or model there is nothing to leave out, and the nearer situation is widened.
    """
    rows = [each for each in measurements if each.tpot_s is not None]
    if len(rows) < LEAST_ROWS:
        raise ProfileError(f"a fit needs at least {LEAST_ROWS} rows with a tpot_s, got {len(rows)}")
    coefficients = fit_all(rows, told)
    points = [each.point for each in rows]
    seen = [inputs(each) for each in points]
    return Calibration(
        name=name,
        date=date,
        fitted_on=tuple(origin),
        coefficients=coefficients,
        spread=spreads(rows),
        errors=errors(rows, coefficients),
        ranges={each: (min(one[each] for one in seen), max(one[each] for one in seen)) for each in seen[0]},
        devices=_sorted(each.device.id for each in points),
        families=_sorted(family(each) for each in points),
        models=_sorted(each.model.id for each in points),
        precisions=_sorted(each.precision for each in points),
    )


def fit_all(rows: Sequence[Measured], view: Callable[[Point], Point]) -> dict[str, Coefficients]:
    """Coefficients by key: one for any point, and those of each key of `view` of the points that has rows enough."""
    found = {ANY: fit_one(rows, Coefficients(), PRIOR)}
    of = [keys(view(row.point)) for row in rows]
    for key in sorted({key for each in of for key in each}):
        chosen = [row for row, each in zip(rows, of, strict=True) if key in each]
        if len(chosen) >= LEAST_ROWS:
            found[key] = fit_one(chosen, found[ANY], REFINE_PRIOR)
    return found


def fit_one(rows: Sequence[Measured], start: Coefficients, prior: float) -> Coefficients:
    """The coefficients nearest to `rows`, drawn towards `start` by `prior`."""
    units = demand([row.point for row in rows])
    tpot_s = _measured(rows, "tpot")
    origin = _pack(start)

    def off(at: Array) -> Array:
        predicted_s = steps(units, _unpack(at, start)).tpot_s
        return np.concatenate([np.log(predicted_s / tpot_s), prior * (at - origin)])

    return _fit_first(units, _measured(rows, "ttft"), _unpack(minimise(off, origin), start))


def _fit_first(units: Demand, ttft_s: Array, c: Coefficients) -> Coefficients:
    """The coefficients of the first token; only from points that memory holds whole, so that no wait is in them."""
    usable = (held(units) >= units.concurrency) & ~np.isnan(ttft_s)
    if usable.sum() < LEAST_ROWS:
        return c
    units, ttft_s = units.select(usable), ttft_s[usable]
    found = steps(units, c)
    columns = np.column_stack(first_parts(units, found.batch, found.prompt_s, found.decode_step_s, found.tpot_s))
    first = least_relative_error(columns, ttft_s, np.zeros_like(ttft_s), FIRST_LEAST)
    return replace(c, **{name: float(value) for name, value in zip(FIRST, first, strict=True)})


def predicted(
    rows: Sequence[Measured], coefficients: Mapping[str, Coefficients], view: Callable[[Point], Point]
) -> Array:
    """[row, quantity] seconds to the first token and between tokens of `view` of each row's point."""
    out = np.empty((len(rows), len(QUANTITIES)))
    points = [view(row.point) for row in rows]
    chosen_keys = [choose(coefficients, each) for each in points]
    for key in set(chosen_keys):
        chosen = [index for index, each in enumerate(chosen_keys) if each == key]
        found = steps(demand([points[index] for index in chosen]), coefficients[key])
        out[chosen] = np.column_stack([found.first_s + found.queue_s, found.tpot_s])
    return out


def residuals(rows: Sequence[Measured], predictions: Array) -> Array:
    """[row, quantity] log of measured over predicted; NaN where nothing was measured."""
    measured = np.column_stack([_measured(rows, each) for each in QUANTITIES])
    return np.log(measured / predictions)


def blind(point: Point) -> Point:
    """The point as `predict` is asked for it: without the engine."""
    return replace(point, engine=None)


def told(point: Point) -> Point:
    """The point with its engine."""
    return point


def left_out(
    rows: Sequence[Measured], group: Callable[[Measured], object], view: Callable[[Point], Point] = blind
) -> Array:
    """[row, quantity] residuals of each group's rows under a fit to all other groups; NaN where those are too few."""
    out = np.full((len(rows), len(QUANTITIES)), np.nan)
    groups = [str(group(row)) for row in rows]
    for value in sorted(set(groups)):
        inside = [index for index, each in enumerate(groups) if each == value]
        rest = [row for row, each in zip(rows, groups, strict=True) if each != value]
        if len(rest) < LEAST_ROWS:
            continue
        held_out = [rows[index] for index in inside]
        out[inside] = residuals(held_out, predicted(held_out, fit_all(rest, view), view))
    return out


def fold(rows: Sequence[Measured], folds: int = 5) -> Callable[[Measured], int]:
    """Assigns each row to one of `folds`, evenly in every part of the data and the same at each call."""
    position = {id(row): index for index, row in enumerate(rows)}
    return lambda row: (position[id(row)] * 7919 % 10007) % folds


def spreads(rows: Sequence[Measured]) -> dict[Quantity, dict[str, Spread]]:
    """The middle 80 % of measured / predicted in each of `SITUATIONS`.

    From rows left out at random for what is known, and from whole models and devices left out for what is not; never
    narrower than in the nearer situation. Where there is no second model or device to leave out, `UNLIKE` stands in.
    """
    with_engine = [row for row in rows if row.point.engine]
    left: dict[str, Array] = {
        "known engine": left_out(with_engine, fold(rows), told),
        "known": left_out(rows, fold(rows)),
        "unseen model": left_out(rows, lambda row: row.point.model.id),
        "unseen engine": left_out(with_engine, lambda row: str(row.point.engine).split()[0]),
        "unseen device": left_out(rows, lambda row: row.point.device.id),
    }
    out: dict[Quantity, dict[str, Spread]] = {}
    for column, quantity in enumerate(QUANTITIES):
        found = {name: _ends(values[:, column]) for name, values in left.items()}
        near = found["known"] or (0.0, 0.0)
        model = _at_least(found["unseen model"] or _wider(near), near)
        device = _at_least(found["unseen device"] or _wider(model, UNSEEN), model)
        ends = {
            "known engine": found["known engine"] or near,
            "known": near,
            "unseen model": model,
            "unseen engine": _at_least(found["unseen engine"] or _wider(model), model),
            "unseen device": device,
            "unlike device": _wider(device),
        }
        out[quantity] = {name: Spread(math.exp(ends[name][0]), math.exp(ends[name][1])) for name in SITUATIONS}
    return out


def errors(rows: Sequence[Measured], coefficients: Mapping[str, Coefficients]) -> tuple[Error, ...]:
    """In-sample errors by dataset, device, model and phase."""
    ratio = np.exp(-residuals(rows, predicted(rows, coefficients, blind))) - 1
    groups = sorted({(row.dataset, row.point.device.id, row.point.model.id) for row in rows})
    out: list[Error] = []
    for group in groups:
        inside = np.array([(row.dataset, row.point.device.id, row.point.model.id) == group for row in rows])
        for column, quantity in enumerate(QUANTITIES):
            error = ratio[inside, column]
            error = error[~np.isnan(error)]
            if len(error):
                mape, bias = float(np.abs(error).mean()), float(error.mean())
                out.append(Error(*group, quantity, len(error), mape, bias))
    return tuple(out)


def _ends(values: Array) -> tuple[float, float] | None:
    """Quantiles that hold the middle 80 %, a little wider for few values (split conformal, Vovk et al. 2005)."""
    finite = values[~np.isnan(values)]
    if not len(finite):
        return None
    tail = (1 - INSIDE) / 2
    upper = min(1.0, (1 - tail) * (len(finite) + 1) / len(finite))
    low, high = float(np.quantile(finite, 1 - upper)), float(np.quantile(finite, upper))
    return min(low, 0.0), max(high, 0.0)


def _wider(ends: tuple[float, float], factor: float = UNLIKE) -> tuple[float, float]:
    return factor * ends[0], factor * ends[1]


def _at_least(ends: tuple[float, float], nearer: tuple[float, float]) -> tuple[float, float]:
    return min(ends[0], nearer[0]), max(ends[1], nearer[1])


def _measured(rows: Sequence[Measured], quantity: Quantity) -> Array:
    values = [row.tpot_s if quantity == "tpot" else row.ttft_s for row in rows]
    return np.array([math.nan if each is None else each for each in values])


def _pack(c: Coefficients) -> Array:
    shares = [_logit((getattr(c, name) - low) / (high - low)) for name, (low, high) in BOUNDS.items()]
    return np.array(shares + [math.log(max(getattr(c, name), 1e-9)) for name in POSITIVE])


def _unpack(at: Array, like: Coefficients) -> Coefficients:
    shares = {
        name: low + (high - low) / (1 + math.exp(-value))
        for (name, (low, high)), value in zip(BOUNDS.items(), at, strict=False)
    }
    others = {name: math.exp(min(value, 50.0)) for name, value in zip(POSITIVE, at[len(BOUNDS) :], strict=True)}
    return replace(like, **shares, **others)


def _logit(share: float) -> float:
    inside = min(max(share, 0.02), 0.98)
    return math.log(inside / (1 - inside))


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
