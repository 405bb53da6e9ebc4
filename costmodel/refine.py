"""Draws a calibration towards a few measurements of one's own, too few to fit alone.

Thirty rows and more are fitted for themselves; with fewer the coefficients of an earlier calibration are where the fit
starts and what it stays near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from costmodel.calibration import ANY, Calibration, choose, family, inputs
from costmodel.errors import ProfileError
from costmodel.fit import LEAST_ROWS, REFINE_PRIOR, errors, fit, fit_one
from costmodel.measured import Measured


def calibrate(
    measurements: Sequence[Measured], base: Calibration, *, name: str, date: str, origin: Sequence[str]
) -> Calibration:
    """A fit to the measurements, or `base` drawn towards them where they are fewer than a fit needs.

    Raises ProfileError without a single row that has a time between tokens.
    """
    rows = [each for each in measurements if each.tpot_s is not None]
    if len(rows) >= LEAST_ROWS:
        return fit(measurements, name=name, date=date, origin=origin)
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
