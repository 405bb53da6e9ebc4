"""Fits the serving coefficients to measurements, and measures how far off points are that the fit has not seen.

One fit for all points, then refinements for a device or an engine that start from it and stay near it unless the data
insist. Nothing else depends on a row, so that the coefficients mean what `Coefficients` says they mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from costmodel.calibration import ANY, QUANTITIES, Quantity, choose, keys
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
    return np.log(measured(rows) / predictions)


def measured(rows: Sequence[Measured]) -> Array:
    """[row, quantity] measured seconds; NaN where nothing was measured."""
    return np.column_stack([_measured(rows, each) for each in QUANTITIES])


def blind(point: Point) -> Point:
    """The point as `predict` is asked for it: without the engine."""
    return replace(point, engine=None)


def told(point: Point) -> Point:
    """The point with its engine."""
    return point


def bare(point: Point) -> Point:
    """The point with its engine, but not the version."""
    return replace(point, engine=None if point.engine is None else point.engine.split()[0])


def coefficients_without(
    rows: Sequence[Measured], group: Callable[[Measured], object], view: Callable[[Point], Point] = blind
) -> Iterator[tuple[str, dict[str, Coefficients]]]:
    """Each group and the coefficients of all others, in order; a group is skipped where those are too few."""
    groups = [str(group(row)) for row in rows]
    for value in sorted(set(groups)):
        rest = [row for row, each in zip(rows, groups, strict=True) if each != value]
        if len(rest) >= LEAST_ROWS:
            yield value, fit_all(rest, view)


def left_out(
    rows: Sequence[Measured], group: Callable[[Measured], object], view: Callable[[Point], Point] = blind
) -> Array:
    """[row, quantity] residuals of each group's rows under a fit to all other groups; NaN where those are too few."""
    out = np.full((len(rows), len(QUANTITIES)), np.nan)
    groups = [str(group(row)) for row in rows]
    for value, coefficients in coefficients_without(rows, group, view):
        inside = [index for index, each in enumerate(groups) if each == value]
        held_out = [rows[index] for index in inside]
        out[inside] = residuals(held_out, predicted(held_out, coefficients, view))
    return out


def fold(rows: Sequence[Measured], folds: int = 5) -> Callable[[Measured], int]:
    """Assigns each row to one of `folds`, evenly in every part of the data and the same at each call."""
    position = {id(row): index for index, row in enumerate(rows)}
    return lambda row: (position[id(row)] * 7919 % 10007) % folds


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
