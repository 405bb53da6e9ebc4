"""Least squares for a few coefficients: damped Gauss-Newton for curves, non-negative for sums.

Both weigh large residuals less, as measurements of other people's systems have outliers that no physics explains. Kept
here so that the project needs no optimisation library for twenty unknowns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROBUST = 0.1
"""Residual (a logarithm: about 10 %) from which on the cost grows linearly and no longer with the square."""

_STEP = 1e-4
_ROUNDS = 80
_TRIES = 8
_STOP = 1e-7


def minimise(residuals: Callable[[Array], Array], start: Array) -> Array:
    """[unknown] where the pseudo-Huber sum of `residuals` ([unknown] -> [residual]) has a minimum near `start`.

    Levenberg 1944 and Marquardt 1963, with the derivative by differences and weights of Charbonnier et al. 1997.
    """
    at, damping = start.astype(np.float64), 1e-2
    now = residuals(at)
    cost = _robust_cost(now)
    for _ in range(_ROUNDS):
        slope = _slope(residuals, at, now)
        weight = 1.0 / np.sqrt(1.0 + (now / ROBUST) ** 2)
        curvature, gradient = slope.T @ (slope * weight[:, None]), slope.T @ (now * weight)
        better = _downhill(residuals, at, cost, (curvature, gradient), damping)
        if better is None:
            break
        settled = cost - better.cost < _STOP * cost
        at, now, cost, damping = better.at, better.value, better.cost, max(better.damping / 4, 1e-9)
        if settled:
            break
    return at


def non_negative(matrix: Array, wanted: Array) -> Array:
    """[unknown] x >= 0 that brings matrix @ x nearest to `wanted`. Lawson and Hanson 1974, chapter 23."""
    scale = np.linalg.norm(matrix, axis=0)
    scale[scale == 0] = 1.0
    a = matrix / scale
    x = np.zeros(a.shape[1])
    free = np.zeros(a.shape[1], dtype=bool)
    for _ in range(30 * a.shape[1]):
        pull = a.T @ (wanted - a @ x)
        if free.all() or pull[~free].max() <= 1e-12 * np.linalg.norm(wanted):
            break
        free[np.flatnonzero(~free)[np.argmax(pull[~free])]] = True
        x = _feasible(a, wanted, x, free)
    return x / scale


def least_relative_error(matrix: Array, wanted: Array, known: Array, lowest: Array) -> Array:
    """[unknown] x >= lowest with the least mean of |(matrix @ x + known) / wanted - 1|; `wanted` is above 0.

    Squares with weights that are renewed until they stand for absolute values (Holland and Welsch 1977).
    """
    weight = 1.0 / wanted
    x = lowest
    for _ in range(30):
        x = lowest + non_negative(matrix * weight[:, None], (wanted - known - matrix @ lowest) * weight)
        error = np.abs((matrix @ x + known) / wanted - 1.0)
        weight = 1.0 / (wanted * np.sqrt(np.maximum(error, 0.03)))
    return x


def _feasible(a: Array, wanted: Array, x: Array, free: NDArray[np.bool_]) -> Array:
    """Solves for the free unknowns; those that would turn negative are set to 0 and taken out of `free` in place."""
    while True:
        solved = np.zeros_like(x)
        solved[free] = np.linalg.lstsq(a[:, free], wanted, rcond=None)[0]
        if (solved[free] > 0).all():
            return solved
        falling = free & (solved <= 0)
        share = float(np.min(x[falling] / (x[falling] - solved[falling])))
        x = x + share * (solved - x)
        free &= x > 1e-14
        x[~free] = 0.0
        if not free.any():
            return x


@dataclass(frozen=True, slots=True)
class _Step:
    at: Array
    value: Array
    cost: float
    damping: float


def _downhill(
    residuals: Callable[[Array], Array], at: Array, cost: float, model: tuple[Array, Array], damping: float
) -> _Step | None:
    """The first of ever shorter steps that lowers the cost; None when none does."""
    curvature, gradient = model
    scale = np.diag(np.diag(curvature) + 1e-9)
    for _ in range(_TRIES):
        trial = at - np.linalg.solve(curvature + damping * scale, gradient)
        value = residuals(trial)
        trial_cost = _robust_cost(value)
        if trial_cost < cost:
            return _Step(trial, value, trial_cost, damping)
        damping *= 4
    return None


def _slope(residuals: Callable[[Array], Array], at: Array, now: Array) -> Array:
    columns: list[Array] = []
    for index in range(len(at)):
        moved = at.copy()
        step = _STEP * max(1.0, abs(float(at[index])))
        moved[index] += step
        columns.append((residuals(moved) - now) / step)
    return np.column_stack(columns)


def _robust_cost(residual: Array) -> float:
    return float(np.sum(ROBUST**2 * (np.sqrt(1.0 + (residual / ROBUST) ** 2) - 1.0)))
