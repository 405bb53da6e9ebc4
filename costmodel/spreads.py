"""Intervals of a calibration: how far points are off that the fit has not seen, by how far they are from its data.

A device, engine or version without a serving is as far off as those are that were left out of the fit, and as those
of which only offline batches are at hand, to which nothing is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from costmodel.calibration import ANY, QUANTITIES, SITUATIONS, Quantity, Spread
from costmodel.fit import (
    LEAST_ROWS,
    PRIOR,
    REFINE_PRIOR,
    Array,
    bare,
    blind,
    coefficients_without,
    fit_all,
    fit_one,
    fold,
    measured,
    predicted,
    told,
)
from costmodel.measured import Measured
from costmodel.offline import NO_BATCHES, Batches, batch_seconds
from costmodel.points import Point
from costmodel.served_step import Coefficients

INSIDE = 0.8
"""The part of residuals that an interval is to hold."""

UNLIKE = 1.5
"""Factor on the logarithmic width for a device of a vendor or kind that nothing was measured on, and for any other
situation of which the data have no second case to leave out. An assumption."""

UNSEEN = 1.25
"""The same for a device where only one was measured, and no batch on another. An assumption."""

ALIKE = ("unseen version", "unseen engine", "unseen device")
"""Situations in which each setup weighs the same, as a new point is of a new setup, whatever rows the others have."""

Ends = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Votes:
    """By setup, a device under one version of an engine: [row, quantity] measured and predicted seconds.

    NaN where nothing was measured.
    """

    measured: Mapping[str, Array]
    predicted: Mapping[str, Array]

    def joined(self, other: Votes) -> Votes:
        """The rows of both."""
        return Votes(_joined(self.measured, other.measured), _joined(self.predicted, other.predicted))

    def residuals(self, column: int) -> list[Array]:
        """[setup][row] logs of measured over predicted."""
        return [np.log(of[:, column] / self.predicted[name][:, column]) for name, of in self.measured.items()]

    def beyond(self, column: int, high: float) -> list[Array]:
        """[setup][row] seconds by which the measured ones exceed `high` times the predicted."""
        return [of[:, column] - high * self.predicted[name][:, column] for name, of in self.measured.items()]


NO_VOTES = Votes({}, {})


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What servings say of intervals: votes by situation, each row's under a fit that has not seen the row's group.

    `without` are the coefficients without a device, `coefficients` those of all servings, whose engines are `engines`.
    """

    votes: Mapping[str, Votes]
    without: Mapping[str, Mapping[str, Coefficients]]
    coefficients: Mapping[str, Coefficients]
    engines: frozenset[str]


def spreads(rows: Sequence[Measured], batches: Batches = NO_BATCHES) -> dict[Quantity, dict[str, Spread]]:
    """The middle 80 % of measured / predicted in each of `SITUATIONS`.

    From rows left out at random for what is known, and for what is not from whole models, devices, engines and versions
    left out, and from `batches`, to which nothing is fitted; never narrower than in the nearer situation. For what no
    serving was measured of, each device under each version of an engine counts alike, however many rows it has, as the
    next one is one more of them. Batches have no time to the first token. Where nothing can be left out, `UNSEEN` and
    `UNLIKE` stand in.
    """
    return spreads_of(leave_out(tuple(rows)), batches)


@lru_cache(maxsize=2)
def leave_out(rows: tuple[Measured, ...]) -> LeftOut:
    """The votes of servings; takes the time of some 150 fits."""
    with_engine = [row for row in rows if row.point.engine]
    known_engine, named_engine = _at_random_with_engine(with_engine, fold(rows))
    without = dict(coefficients_without(rows, lambda row: row.point.device.id))
    votes = {
        "known engine": known_engine,
        "named engine": named_engine,
        "known": _judged(rows, fold(rows), coefficients_without(rows, fold(rows))),
        "unseen model": _left_out(rows, lambda row: row.point.model.id),
        "unseen version": _versions(with_engine),
        "unseen engine": _left_out(with_engine, lambda row: _name(row.point)),
        "unseen device": _judged(rows, lambda row: row.point.device.id, without.items()),
    }
    engines = frozenset(_name(row.point) for row in with_engine)
    return LeftOut(votes, without, fit_all(rows, bare), engines)


def spreads_of(left: LeftOut, batches: Batches) -> dict[Quantity, dict[str, Spread]]:
    """The spreads of what was left out together with batches.

    Factors of known engines' versions and devices are those of servings. Where batches of older engines reach beyond,
    they do so by seconds of host time in each step, about the same on any device: the upper end has as many more as
    hold 90 % of all setups, served ones and batches.
    """
    others = _of_batches("unseen engine", left, batches)
    out: dict[Quantity, dict[str, Spread]] = {}
    for column, quantity in enumerate(QUANTITIES):
        ends = {
            name: _ends((of.joined(others) if name == "unseen engine" else of).residuals(column), alike=name in ALIKE)
            for name, of in left.votes.items()
        }
        found = _by_situation(ends, assumed=not _timed(_of_batches("unseen device", left, batches), column))
        for situation in ("unseen version", "unseen device"):
            found[situation] = replace(found[situation], more_s=_more_s(situation, left, batches, column, found))
        unlike = found["unlike device"]
        found["unlike device"] = replace(unlike, more_s=UNLIKE * found["unseen device"].more_s)
        out[quantity] = found
    return out


def _more_s(situation: str, left: LeftOut, batches: Batches, column: int, found: Mapping[str, Spread]) -> float:
    """Seconds beyond the upper factor that hold 90 % of setups; where none was left out, those known are judged."""
    more = _of_batches(situation, left, batches)
    if not _timed(more, column):
        return 0.0
    votes = left.votes[situation]
    pool = (votes if votes.measured else left.votes["known"]).joined(more)
    ends = _ends(pool.beyond(column, found[situation].high))
    return 0.0 if ends is None else ends[1]


def _timed(votes: Votes, column: int) -> bool:
    """Whether any row of the votes has this quantity."""
    return any(not np.isnan(each[:, column]).all() for each in votes.measured.values())


def _of_batches(situation: str, left: LeftOut, batches: Batches) -> Votes:
    """Residuals of the batches that stand for a situation: of engines that were not served; of the past of those that
    were; of devices that a fit has not seen, under an engine that was served but is not told."""
    served = np.array([_name(each) in left.engines for each in batches.points], dtype=np.bool_)
    if situation == "unseen engine":
        return _batch_votes(batches.select(~served), blind, left.coefficients)
    usual = batches.select(served)
    if situation == "unseen version":
        return _batch_votes(usual, told, left.coefficients)
    fitted = {key.removeprefix("device:") for key in left.coefficients if key.startswith("device:")}
    out = NO_VOTES
    for device in sorted({each.device.id for each in usual.points} - (fitted - left.without.keys())):
        chosen = usual.select([each.device.id == device for each in usual.points])
        out = out.joined(_batch_votes(chosen, blind, left.without.get(device, left.coefficients)))
    return out


def _batch_votes(batches: Batches, view: Callable[[Point], Point], coefficients: Mapping[str, Coefficients]) -> Votes:
    """Batches by the seconds of a step; a batch is over after one for each token."""
    steps = np.array([each.tokens_out for each in batches.points])
    predicted_s = batch_seconds(batches.seen_as(view).points, coefficients) / steps
    both = [_tpot(each) for each in (batches.seconds / steps, predicted_s)]
    return _by_setup(batches.points, *both)


def _tpot(seconds: Array) -> Array:
    """[row, quantity] of times between tokens alone."""
    return np.column_stack([seconds if each == "tpot" else np.full_like(seconds, math.nan) for each in QUANTITIES])


def _at_random_with_engine(rows: Sequence[Measured], group: Callable[[Measured], object]) -> tuple[Votes, Votes]:
    """Residuals of rows left out at random where engine and version are told, and where the engine alone is."""
    fits = dict(coefficients_without(rows, group, told))
    return _judged(rows, group, fits.items(), told), _judged(rows, group, fits.items(), bare)


def _versions(rows: Sequence[Measured]) -> Votes:
    """Residuals of each version of an engine under a fit that has seen others of it."""
    fits: dict[str, dict[str, Coefficients]] = {}
    for version in sorted({str(row.point.engine) for row in rows}):
        rest = [row for row in rows if row.point.engine != version]
        others = [row for row in rest if _name(row.point) == version.split()[0]]
        if len(others) >= LEAST_ROWS:
            fits[version] = {ANY: fit_one(others, fit_one(rest, Coefficients(), PRIOR), REFINE_PRIOR)}
    return _judged(rows, lambda row: row.point.engine, fits.items())


def _left_out(rows: Sequence[Measured], group: Callable[[Measured], object]) -> Votes:
    return _judged(rows, group, coefficients_without(rows, group))


def _judged(
    rows: Sequence[Measured],
    group: Callable[[Measured], object],
    fits: Iterable[tuple[str, Mapping[str, Coefficients]]],
    view: Callable[[Point], Point] = blind,
) -> Votes:
    """By setup, residuals of the rows of each group under the coefficients of all other groups."""
    out = NO_VOTES
    for name, coefficients in fits:
        held_out = [row for row in rows if str(group(row)) == name]
        found = predicted(held_out, coefficients, view)
        out = out.joined(_by_setup([row.point for row in held_out], measured(held_out), found))
    return out


def _by_setup(points: Sequence[Point], measured_s: Array, predicted_s: Array) -> Votes:
    setups = [f"{each.device.id} {each.engine}" for each in points]
    masks = {name: [each == name for each in setups] for name in sorted(set(setups))}
    return Votes(
        {name: measured_s[mask] for name, mask in masks.items()},
        {name: predicted_s[mask] for name, mask in masks.items()},
    )


def _by_situation(found: Mapping[str, Ends | None], *, assumed: bool) -> dict[str, Spread]:
    """Spreads that get no narrower from situation to situation; `assumed` where nothing speaks for an unseen device."""
    near = found["known"] or (0.0, 0.0)
    engine = found["known engine"] or near
    named = _at_least(found["named engine"] or near, engine)
    model = _at_least(found["unseen model"] or _wider(near), near)
    version = _at_least(found["unseen version"] or _wider(model), named)
    device = _at_least(found["unseen device"] or _wider(model, UNSEEN if assumed else 1.0), model)
    ends = {
        "known engine": engine,
        "named engine": named,
        "known": near,
        "unseen model": model,
        "unseen version": version,
        "unseen engine": _at_least(_at_least(found["unseen engine"] or _wider(model), model), version),
        "unseen device": device,
        "unlike device": _wider(device),
    }
    return {name: Spread(math.exp(ends[name][0]), math.exp(ends[name][1])) for name in SITUATIONS}


def _ends(groups: Sequence[Array], *, alike: bool = True) -> Ends | None:
    """Quantiles that hold the middle 80 %, a little wider for few values (split conformal, Vovk et al. 2005).

    `alike`: each group weighs as much as another, and a row of it so much less the more there are.
    """
    finite = [each for each in (of[~np.isnan(of)] for of in groups) if len(each)]
    if not finite:
        return None
    values = np.concatenate(finite)
    weights = np.concatenate([np.full(len(each), 1.0 / len(each) if alike else 1.0) for each in finite])
    tail = (1 - INSIDE) / 2
    upper = min(1.0, (1 - tail) * (len(values) + 1) / len(values))
    low, high = (
        float(each) for each in np.quantile(values, (1 - upper, upper), weights=weights, method="inverted_cdf")
    )
    return min(low, 0.0), max(high, 0.0)


def _wider(ends: Ends, factor: float = UNLIKE) -> Ends:
    return factor * ends[0], factor * ends[1]


def _at_least(ends: Ends, nearer: Ends) -> Ends:
    return min(ends[0], nearer[0]), max(ends[1], nearer[1])


def _joined(one: Mapping[str, Array], other: Mapping[str, Array]) -> Mapping[str, Array]:
    return {name: np.concatenate([of[name] for of in (one, other) if name in of]) for name in sorted({*one, *other})}


def _name(point: Point) -> str:
    return str(point.engine).split()[0]
