"""Runs a linear model in HiGHS and gives back plain numbers.

The only file that talks to the solver, so that its statuses, tolerances and quirks stay here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import highspy
import numpy as np
from highspy import cb

from placement.linear import LinearModel

FEASIBILITY = 1e-9
"""Absolute tolerance of rows, bounds and integrality; the solver's own 1e-6 would let a limit slip by as much."""


RESTART_FROM = 5000
"""Smaller programs are solved without restarts: measured on random agents of 20 operators, three times as fast."""


class SolverError(RuntimeError):
    """The solver refused a model or ended in a state that should not occur."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop: seconds, relative gap, threads (None: the solver decides)."""

    time_s: float = math.inf
    gap: float = 0.0
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a solve ended: the best solution's `values` [column], if any, and a lower bound of the objective."""

    status: Literal["optimal", "infeasible", "time_limit"]
    values: tuple[float, ...] | None
    objective: float
    bound: float


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The optimum of a model without its integrality: a lower bound.

    By column what one unit more would add, and by row what one unit more of its bound would.
    """

    objective: float
    reduced_costs: tuple[float, ...]
    row_prices: tuple[float, ...] = ()


def relax(model: LinearModel, time_s: float) -> Relaxation | None:
    """Solves the linear relaxation; None where it is infeasible or time runs out. Raises `SolverError`."""
    solver = _solver(replace(model, integer=[False] * len(model.integer)), Limits(time_s))
    _must(solver.run(), "the run")
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    solution = solver.getSolution()
    return Relaxation(solver.getInfo().objective_function_value, tuple(solution.col_dual), tuple(solution.row_dual))


class Watch(Protocol):
    """Whoever works beside a solve, on another thread: called while it runs, often and in no rhythm."""

    def progress(self, bound: float) -> bool:
        """Takes the lower bound so far; True ends the solve."""
        ...

    def better(self, values: Sequence[float]) -> None:
        """Takes a better solution that the solve found, by column."""
        ...

    def offer(self) -> Sequence[float] | None:
        """A solution that was found elsewhere since the last call, by column."""
        ...


def minimise(
    model: LinearModel, limits: Limits, start: Mapping[int, float] | None = None, watch: Watch | None = None
) -> Outcome:
    """Solves the model; `start` gives some columns of a known solution. Raises `SolverError`."""
    if not model.cost:
        return _empty(model)
    solver = _solver(model, limits)
    if watch is not None:
        _observe(solver, watch)
    if start:
        indices = np.fromiter(start.keys(), dtype=np.int32)
        values = np.fromiter(start.values(), dtype=np.float64)
        _must(solver.setSolution(len(indices), indices, values), "the starting solution")
    _must(solver.run(), "the run")
    return _outcome(solver)


def _solver(model: LinearModel, limits: Limits) -> highspy.Highs:
    solver = highspy.Highs()
    options: dict[str, bool | float | int] = {
        "output_flag": False,
        "time_limit": limits.time_s,
        "mip_rel_gap": limits.gap,
        "mip_abs_gap": 0.0,
        "primal_feasibility_tolerance": FEASIBILITY,
        "mip_feasibility_tolerance": FEASIBILITY,
        "mip_allow_restart": len(model.cost) >= RESTART_FROM,
    }
    if limits.threads is not None:
        options["threads"] = limits.threads
    for name, value in options.items():
        _must(solver.setOptionValue(name, value), f"option {name}={value}")
    _must(solver.passModel(_lp(model)), "the model")
    return solver


def _observe(solver: highspy.Highs, watch: Watch) -> None:
    kinds = cb.HighsCallbackType

    def called(
        kind: cb.HighsCallbackType, _: str, found: cb.HighsCallbackOutput, given: cb.HighsCallbackInput, __: object
    ) -> None:
        if kind == kinds.kCallbackMipInterrupt:
            given.user_interrupt = watch.progress(found.mip_dual_bound)
        elif kind == kinds.kCallbackMipImprovingSolution:
            watch.better(list(found.mip_solution))
        elif (offered := watch.offer()) is not None:
            given.setSolution(np.asarray(offered, dtype=np.float64))

    solver.setCallback(called, None)
    for kind in (kinds.kCallbackMipInterrupt, kinds.kCallbackMipImprovingSolution, kinds.kCallbackMipUserSolution):
        solver.startCallback(kind)


def _empty(model: LinearModel) -> Outcome:
    """A model without columns, which HiGHS does not solve."""
    holds = all(low <= 0.0 <= high for low, high in zip(model.row_lower, model.row_upper, strict=True))
    return Outcome("optimal", (), 0.0, 0.0) if holds else Outcome("infeasible", None, math.inf, math.inf)


def _must(status: highspy.HighsStatus, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise SolverError(f"HiGHS refused {what}")


def _lp(model: LinearModel) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_col_ = len(model.cost)
    lp.num_row_ = len(model.row_lower)
    lp.col_cost_ = np.array(model.cost, dtype=np.float64)
    lp.col_lower_ = np.array(model.lower, dtype=np.float64)
    lp.col_upper_ = np.array(model.upper, dtype=np.float64)
    lp.row_lower_ = np.array(model.row_lower, dtype=np.float64)
    lp.row_upper_ = np.array(model.row_upper, dtype=np.float64)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array(model.starts, dtype=np.int32)
    lp.a_matrix_.index_ = np.array(model.indices, dtype=np.int32)
    lp.a_matrix_.value_ = np.array(model.values, dtype=np.float64)
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kInteger if integer else kinds.kContinuous for integer in model.integer]
    return lp


def _outcome(solver: highspy.Highs) -> Outcome:
    status, states = solver.getModelStatus(), highspy.HighsModelStatus
    if status in (states.kInfeasible, states.kUnboundedOrInfeasible):
        return Outcome("infeasible", None, math.inf, math.inf)
    if status not in (states.kOptimal, states.kTimeLimit, states.kModelEmpty, states.kInterrupt):
        raise SolverError(f"HiGHS ended with {solver.modelStatusToString(status)}")
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.kSolutionStatusFeasible
    values = tuple(solver.getSolution().col_value) if found else None
    objective = info.objective_function_value if found else math.inf
    # A model without integer columns is solved as a linear program, which has no bound of its own.
    bound = info.mip_dual_bound if any(_integers(solver)) else objective
    ended = status in (states.kTimeLimit, states.kInterrupt)
    return Outcome("time_limit" if ended else "optimal", values, objective, bound)


def _integers(solver: highspy.Highs) -> list[bool]:
    return [kind == highspy.HighsVarType.kInteger for kind in solver.getLp().integrality_]
