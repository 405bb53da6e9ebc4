"""How far the cost model is off on measurements at hand: in sample, left out, by part of the data, and its intervals.

Figures only; `accuracy_page` writes them down. Every left-out error is of a fit that has not seen the group, and every
coverage of a calibration whose intervals, too, come from the other groups alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from costmodel.accuracy_unseen import BatchCoverage, batch_coverages
from costmodel.calibration import ANY, QUANTITIES, Calibration, Quantity, load_calibration
from costmodel.engine_floor import Floor, floors
from costmodel.fit import bare, blind, fit_all, fold, left_out, measured, predicted, residuals, told
from costmodel.layer_fit import (
    Layers,
    MeasuredPrefills,
    Products,
    fit_layers,
    fit_prefills,
    left_out_errors,
    read_layers,
    read_prefills,
    read_products,
    select,
    select_shapes,
)
from costmodel.layer_time import Array, LayerCoefficients, linear_layer_s, prefill_batch_s, product_s
from costmodel.measured import Left, Measured, read_measured
from costmodel.offline import NO_BATCHES, Batches, batch_seconds, inside, read_batches
from costmodel.points import Point
from costmodel.refine import fit

SERVED, LAYERS, PREFILLS, OFFLINE, PRODUCTS, CLAIMS = (
    "inferencex_aic_silicon_e2e.csv",
    "vidur_layer_ops.csv",
    "splitwise_perf_model.csv",
    "llm_inference_bench_all.csv",
    ("aic_gemm.csv", "llmcompass_matmul.csv"),
    "accuracy_anchors.csv",
)
"""The files of a folder of measurements that the page is made of."""


@dataclass(frozen=True, slots=True)
class Off:
    """Mean absolute percentage error and mean error, as shares, over `rows`."""

    rows: int
    mape: float
    bias: float


@dataclass(frozen=True, slots=True)
class Part:
    """Errors of one part of the data: `view` is what the prediction knew, `by` and `name` which part."""

    view: str
    by: str
    name: str
    off: Mapping[Quantity, Off]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of `rows` left out of a fit that fell into its 80 % intervals; of a quantity that was measured."""

    left_out: str
    name: str
    rows: int
    inside: Mapping[Quantity, float]


VIEWS: tuple[tuple[str, Callable[[Point], Point]], ...] = (
    ("one global fit", blind),
    ("device known", blind),
    ("engine known", bare),
    ("engine and version known", told),
)

GROUPS: tuple[tuple[str, Callable[[Measured], str]], ...] = (
    ("all", lambda row: "all"),
    ("device", lambda row: row.point.device.id),
    ("model", lambda row: row.point.model.id),
    ("precision", lambda row: row.point.precision),
    ("engine", lambda row: str(row.point.engine)),
    ("tp", lambda row: f"tp {row.point.tp}"),
)


def served_parts(rows: Sequence[Measured]) -> list[Part]:
    """In-sample errors of each view, by each way to group."""
    coefficients = fit_all(rows, told)
    parts: list[Part] = []
    for view, of in VIEWS:
        chosen = {ANY: coefficients[ANY]} if view == "one global fit" else coefficients
        error = relative(residuals(rows, predicted(rows, chosen, of)))
        parts += _parts(view, rows, error)
    return parts


def held_out_parts(rows: Sequence[Measured]) -> list[Part]:
    """Errors on rows, devices, models and engines that the fit had not seen; predictions do not know the engine."""
    parts: list[Part] = []
    for by, group in held_out_groups(rows):
        error = relative(left_out(rows, group))
        names = [str(group(row)) for row in rows]
        if by != "a fifth of the rows":
            parts += [_part("", by, name, error[[each == name for each in names]]) for name in sorted(set(names))]
        parts.append(_part("", by, "all", error))
    return parts


def floors_beside(rows: Sequence[Measured]) -> Iterator[tuple[Floor, Mapping[Quantity, float]]]:
    """What no prediction blind to the engine can undercut, and our error on the same rows, in sample."""
    error = relative(residuals(rows, predicted(rows, fit_all(rows, told), blind)))
    for floor in floors(rows):
        ours = error[list(floor.shared)]
        yield floor, {quantity: off(ours[:, column]).mape for column, quantity in enumerate(QUANTITIES)}


def held_out_groups(rows: Sequence[Measured]) -> tuple[tuple[str, Callable[[Measured], object]], ...]:
    """What is left out together: rows at random, and whole devices, models and engines."""
    return (
        ("a fifth of the rows", fold(rows)),
        ("device", lambda row: row.point.device.id),
        ("model", lambda row: row.point.model.id),
        ("engine", lambda row: str(row.point.engine).split()[0]),
    )


def coverages(rows: Sequence[Measured], batches: Batches) -> list[Coverage]:
    """Coverage of nested calibrations: intervals and coefficients of the rest, judged on the group that is left out.

    An engine that is left out is named to the prediction, which then knows that it does not know it. Offline batches of
    a device or engine are judged, too; on devices those of engines that were served, which are not named.
    """
    served = {str(row.point.engine).split()[0] for row in rows}
    usual = batches.select([_engine(each) in served for each in batches.points]).seen_as(blind)
    offline = {"device": (usual, _device), "engine": (batches, _engine)}
    out: list[Coverage] = []
    for by, group in held_out_groups(rows):
        names = [str(group(row)) for row in rows]
        more, of = offline.get(by, (NO_BATCHES, _device))
        found: list[NDArray[np.float64]] = []
        for name in sorted({*names, *(of(each) for each in more.points)}):
            rest = [row for row, each in zip(rows, names, strict=True) if each != name]
            judged = [row for row, each in zip(rows, names, strict=True) if each == name]
            learnt = batches.select([name not in _groups_of(each) for each in batches.points])
            fitted = fit(rest, name="rest", date="", origin=(), batches=learnt)
            shares = {
                name: within(judged, fitted, told if by == "engine" else blind),
                f"{name}, batches": _within_batches(more.select([of(each) == name for each in more.points]), fitted),
            }
            found += shares.values()
            if by != "a fifth of the rows":
                out += [_coverage(by, each, share) for each, share in shares.items() if len(share)]
        out.append(_coverage(by, "all", np.concatenate(found)))
    return out


def _within_batches(batches: Batches, fitted: Calibration) -> Array:
    """[row, quantity] as `within`, of batches, which have no time to the first token."""
    tpot = inside(batches, fitted) if batches.points else np.empty(0)
    return np.column_stack([tpot if each == "tpot" else np.full_like(tpot, math.nan) for each in QUANTITIES])


def _device(point: Point) -> str:
    return point.device.id


def _engine(point: Point) -> str:
    return str(point.engine).split()[0]


def _groups_of(point: Point) -> tuple[str, ...]:
    return point.device.id, point.model.id, _engine(point)


def within(rows: Sequence[Measured], fitted: Calibration, view: Callable[[Point], Point]) -> Array:
    """[row, quantity] 1 where the measurement lies in the interval, else 0; NaN where nothing was measured."""
    if not rows:
        return np.empty((0, len(QUANTITIES)))
    guess = predicted(rows, fitted.coefficients, view)
    seconds = measured(rows)
    ends = np.array(
        [
            [fitted.spread_of(each, view(row.point)).ends(at) for each, at in zip(QUANTITIES, both, strict=True)]
            for row, both in zip(rows, guess, strict=True)
        ]
    )
    return np.where(np.isnan(seconds), math.nan, (ends[..., 0] <= seconds) & (seconds <= ends[..., 1]))


@dataclass(frozen=True, slots=True)
class Operators:
    """Errors of layers or prefills: in sample by group, and left out by group."""

    fitted: Mapping[str, Off]
    left_out: Mapping[str, Off]
    note: str


def layer_errors(layers: Layers) -> Operators:
    """Per-layer linear operators: one fit for all devices and models, and each left out."""
    error = linear_layer_s(layers.shapes, fit_layers(layers.shapes, layers.seconds)) / layers.seconds - 1

    def apart(fitted: NDArray[np.bool_], judged: NDArray[np.bool_]) -> Array:
        found = fit_layers(select_shapes(layers.shapes, fitted), layers.seconds[fitted])
        return linear_layer_s(select_shapes(layers.shapes, judged), found) / layers.seconds[judged] - 1

    degrees = [f"tp {each}" for each in layers.tp]
    return Operators(
        fitted={"all": off(error), **_by(layers.devices, error), **_by(layers.models, error), **_by(degrees, error)},
        left_out={
            name: off(each)
            for groups in (layers.devices, layers.models)
            for name, each in left_out_errors(groups, apart).items()
        },
        note="",
    )


def prefill_errors(measured: MeasuredPrefills, layer: LayerCoefficients) -> Operators:
    """Whole prefills from the layers' coefficients and three more; rows, and configurations counted once each."""
    found = fit_prefills(measured.prefills, measured.seconds, layer)
    error = prefill_batch_s(measured.prefills, layer, found) / measured.seconds - 1

    def apart(fitted: NDArray[np.bool_], judged: NDArray[np.bool_]) -> Array:
        rest = fit_prefills(select(measured.prefills, fitted), measured.seconds[fitted], layer)
        return prefill_batch_s(select(measured.prefills, judged), layer, rest) / measured.seconds[judged] - 1

    each = [float(np.mean(error[[one == name for one in measured.configurations]])) for name in _names(measured)]
    groups = [f"{device} tp {tp}" for device, tp in zip(measured.devices, measured.tp, strict=True)]
    return Operators(
        fitted={
            "all": off(error),
            "each configuration once": off(np.array(each)),
            **_by(measured.devices, error),
            **_by(groups, error),
        },
        left_out={name: off(values) for name, values in left_out_errors(measured.devices, apart).items()},
        note=f"{measured.impossible} rows are faster than the datasheet's arithmetic allows and are left out.",
    )


ROWS = ((1, 16), (17, 128), (129, 1024), (1025, 32768))
"""Ranges of rows of a product, from thin to thick."""


def product_errors(measured: Products, layer: LayerCoefficients) -> dict[str, Off]:
    """Single products under coefficients that were fitted to whole layers elsewhere; by device and by rows."""
    error = product_s(measured.rows, measured.shapes, measured.outputs, measured.inputs, layer) / measured.seconds - 1
    out = {"all": off(error), **_by(measured.devices, error)}
    for low, high in ROWS:
        inside = (low <= measured.rows) & (measured.rows <= high)
        if inside.any():
            out[f"{low:,} to {high:,} rows"] = off(error[inside])
    return out


def offline_errors(batches: Batches, fitted: Calibration) -> dict[str, tuple[Off, float, float]]:
    """Offline batches by device, framework and devices: how far off where the engine is not told, and the shares inside
    the interval without the engine and with it."""
    untold = batches.seen_as(blind)
    error = batch_seconds(untold.points, fitted.coefficients) / batches.seconds - 1
    shares = [inside(each, fitted) for each in (untold, batches)]
    names = [
        f"{point.device.id} {framework} tp {point.tp}"
        for point, framework in zip(batches.points, batches.frameworks, strict=True)
    ]
    masks = {name: np.array([each == name for each in names]) for name in sorted(set(names))}
    return {
        name: (off(error[mask]), float(shares[0][mask].mean()), float(shares[1][mask].mean()))
        for name, mask in masks.items()
    }


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of the page. Beside each floor stands our error on its rows, the device known and the engine not."""

    served_rows: int
    left: tuple[Left, ...]
    parts: tuple[Part, ...]
    held_out: tuple[Part, ...]
    floors: tuple[tuple[Floor, Mapping[Quantity, float]], ...]
    coverage: tuple[Coverage, ...]
    layers: Operators
    products: Mapping[str, Mapping[str, Off]]
    prefills: Operators
    offline: Mapping[str, tuple[Off, float, float]]
    offline_left: int
    unseen: tuple[BatchCoverage, ...]


def report(folder: Path) -> Report:
    """Every figure from the files of a folder of measurements. Takes some minutes, most of them for the coverage."""
    rows, left = read_measured(folder / SERVED)
    layers = read_layers(folder / LAYERS)
    fitted = fit_layers(layers.shapes, layers.seconds)
    batches = read_batches(folder / OFFLINE)
    return Report(
        served_rows=len(rows),
        left=left,
        parts=tuple(served_parts(rows)),
        held_out=tuple(held_out_parts(rows)),
        floors=tuple(floors_beside(rows)),
        coverage=tuple(coverages(rows, batches)),
        layers=layer_errors(layers),
        products={name: product_errors(read_products(folder / name), fitted) for name in PRODUCTS},
        prefills=prefill_errors(read_prefills(folder / PREFILLS), fitted),
        offline=offline_errors(batches, load_calibration()),
        offline_left=batches.left,
        unseen=tuple(batch_coverages(rows, batches, load_calibration())),
    )


def relative(log_residuals: Array) -> Array:
    """Predicted / measured - 1 from the logarithm of measured / predicted."""
    return np.exp(-log_residuals) - 1


def off(error: Array) -> Off:
    """Mean absolute and mean of relative errors; NaN does not count."""
    finite = error[~np.isnan(error)]
    return Off(len(finite), float(np.abs(finite).mean()), float(finite.mean()))


def _parts(view: str, rows: Sequence[Measured], error: Array) -> list[Part]:
    out: list[Part] = []
    for by, group in GROUPS:
        names = [group(row) for row in rows]
        out += [_part(view, by, name, error[[each == name for each in names]]) for name in sorted(set(names))]
    return out


def _part(view: str, by: str, name: str, error: Array) -> Part:
    return Part(view, by, name, {quantity: off(error[:, column]) for column, quantity in enumerate(QUANTITIES)})


def _coverage(by: str, name: str, inside: Array) -> Coverage:
    shares: dict[Quantity, float] = {
        each: float(np.nanmean(inside[:, column]))
        for column, each in enumerate(QUANTITIES)
        if not np.isnan(inside[:, column]).all()
    }
    return Coverage(by, name, len(inside), shares)


def _by(groups: Sequence[str], error: Array) -> dict[str, Off]:
    return {name: off(error[[each == name for each in groups]]) for name in sorted(set(groups))}


def _names(measured: MeasuredPrefills) -> list[str]:
    return sorted(set(measured.configurations))
