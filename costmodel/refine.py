"""A calibration of measurements of one's own: fitted for itself, or an earlier one drawn towards a few of them.

Thirty rows and more are fitted for themselves; with fewer the coefficients of an earlier calibration are where the fit
starts and what it stays near. What lies far from one's own data has intervals of the earlier one at the least.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from costmodel.calibration import ANY, QUANTITIES, Calibration, Error, choose, family, hull, inputs
from costmodel.errors import ProfileError
from costmodel.fit import LEAST_ROWS, REFINE_PRIOR, blind, fit_all, fit_one, predicted, residuals, told
from costmodel.measured import Measured
from costmodel.offline import NO_BATCHES, Batches
from costmodel.served_step import Coefficients
from costmodel.spreads import spreads

FAR = ("unseen version", "unseen engine", "unseen device", "unlike device")
"""Situations whose interval needs several engines or devices to leave out, which measurements of one's own seldom are
of: a fit to them takes no narrower one than the calibration before it."""


def calibrate(
    measurements: Sequence[Measured],
    base: Calibration,
    *,
    name: str,
    date: str,
    origin: Sequence[str],
    batches: Batches = NO_BATCHES,
) -> Calibration:
    """A fit to the measurements, or `base` drawn towards them where they are fewer than a fit needs.

    `batches` are never fitted and widen the intervals of a fit. Raises ProfileError without a single row that has a
    time between tokens.
    """
    rows = [each for each in measurements if each.tpot_s is not None]
    if len(rows) >= LEAST_ROWS:
        found = fit(measurements, name=name, date=date, origin=origin, batches=batches)
        return found if batches.points else _no_narrower(found, base)
    if not rows:
        raise ProfileError("no row with a time between tokens was left to calibrate with")
    return refine(rows, base, name=name, date=date, origin=origin)


def refine(rows: Sequence[Measured], base: Calibration, *, name: str, date: str, origin: Sequence[str]) -> Calibration:
    """`base` with coefficients of their own for the devices of `rows`; its spread stays, as nothing can be left out.

    A device that was unlike anything measured keeps the interval of a device that was not seen: a handful of rows says
    where the middle lies and not how far points scatter.
    """
    coefficients = dict(base.coefficients)
    for device in sorted({row.point.device.id for row in rows}):
        chosen = [row for row in rows if row.point.device.id == device]
        start = base.coefficients[choose(base.coefficients, replace(chosen[0].point, engine=None))]
        coefficients[f"device:{device}"] = fit_one(chosen, start, REFINE_PRIOR)
    seen = [inputs(row.point) for row in rows]
    ranges = {
        each: (min(low, *(one[each] for one in seen)), max(high, *(one[each] for one in seen)))
        for each, (low, high) in base.ranges.items()
    }
    return replace(
        base,
        name=name,
        date=date,
        fitted_on=(f"{base.name} ({base.date}), drawn towards {len(rows)} rows", *base.fitted_on, *origin),
        coefficients={ANY: coefficients.pop(ANY), **coefficients},
        errors=(*base.errors, *errors(rows, coefficients | {ANY: base.coefficients[ANY]})),
        ranges=ranges,
        families=tuple(sorted({*base.families, *(family(row.point) for row in rows)})),
    )


def _no_narrower(found: Calibration, base: Calibration) -> Calibration:
    """`found` whose far situations have the interval of `base` where that is wider."""
    spread = {
        quantity: {
            name: hull(each, base.spread[quantity][name]) if name in FAR else each
            for name, each in found.spread[quantity].items()
        }
        for quantity in QUANTITIES
    }
    return replace(found, spread=spread)


def fit(
    measurements: Sequence[Measured], *, name: str, date: str, origin: Sequence[str], batches: Batches = NO_BATCHES
) -> Calibration:
    """The calibration of these measurements. Raises ProfileError when there are too few to fit.

    Its spread is from what is left out, and from `batches`, which are not fitted: see `spreads`.
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
        spread=spreads(rows, batches),
        errors=errors(rows, coefficients),
        ranges={each: (min(one[each] for one in seen), max(one[each] for one in seen)) for each in seen[0]},
        devices=_sorted(each.device.id for each in points),
        families=_sorted(family(each) for each in points),
        models=_sorted(each.model.id for each in points),
        precisions=_sorted(each.precision for each in points),
    )


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


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
