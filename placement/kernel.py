"""Solves a large program in two rounds, both narrowed by the reduced costs of its linear relaxation.

The relaxation bounds the cost in a fraction of the time that the integer program needs for its first bound. A first
round over the few options that it favours finds a good placement soon; the second leaves out only columns that provably
are in no better placement, so its bound is a bound of the whole program.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

from placement.highs import Limits, Relaxation, relax
from placement.milp import Program, formulate, start_columns
from placement.milp_columns import Form
from placement.optimise import Found, optimise_program
from placement.prepared import Prepared
from placement.problem import Placement

LARGE = 2000
"""Programs with fewer columns are solved at once."""

FAVOURED = 0.1
"""Options whose reduced cost is under this share of the distance from bound to best cost are in the first round.

Where no placement is known, the distance is taken to be the bound itself.
"""

FIRST_ROUND = 0.4
"""The share of the time that the first round may take."""

_ROUNDING = 1e-6


def search(prepared: Prepared, form: Form, limits: Limits, start: Placement | None, large: int = LARGE) -> Found:
    """The cheapest placement. A start, if any, keeps all limits and costs at most `form.cutoff_usd`."""
    end = time.monotonic() + limits.time_s
    program = formulate(prepared, form)
    relaxed = relaxation(program, limits.time_s) if len(program.model.cost) >= large else None
    if relaxed is None:
        return optimise_program(program, prepared, form, _until(end, limits), start)
    bound = relaxed.objective * (1.0 - _ROUNDING) * form.usd
    best = form.cutoff_usd
    distance = best - bound if start else bound
    options = {column for columns in program.options for column in columns}
    favoured = narrow(program, relaxed, FAVOURED * distance / form.usd, options - _decided(program, start))
    first = optimise_program(favoured, prepared, form, _until(end, limits, FIRST_ROUND), start)
    if first.placement and first.objective < best:
        start, best = first.placement, first.objective
    # What would cost more than the best known, even in the relaxation, is in no better placement.
    everything = set(range(len(program.model.cost)))
    most = (best * (1.0 + _ROUNDING) - bound) / form.usd
    left = narrow(program, relaxed, most, everything - _decided(program, start))
    found = optimise_program(left, prepared, form, _until(end, limits), start)
    found = replace(found, bound=max(found.bound, bound))
    if start and found.objective > best:
        return replace(found, placement=start, objective=best, bound=min(found.bound, best))
    return found


def relaxation(program: Program, time_s: float) -> Relaxation | None:
    """The linear relaxation; None where it is infeasible or time runs out.

    Options add up to 1 by their own rows; without the upper bounds that say so again, every option at 0 shows what it
    would really add.
    """
    upper = list(program.model.upper)
    for column in (column for columns in program.options for column in columns if upper[column] == 1.0):
        upper[column] = math.inf
    return relax(replace(program.model, upper=upper), time_s)


def narrow(program: Program, relaxed: Relaxation, most: float, columns: set[int]) -> Program:
    """The program without those of the columns whose reduced cost is over `most`."""
    upper = list(program.model.upper)
    for column in columns:
        if relaxed.reduced_costs[column] > most:
            upper[column] = 0.0
    return replace(program, model=replace(program.model, upper=upper))


def _decided(program: Program, start: Placement | None) -> set[int]:
    """The columns that a starting placement sets to 1."""
    return {column for column, value in start_columns(program, start).items() if value} if start else set[int]()


def _until(end: float, limits: Limits, share: float = 1.0) -> Limits:
    return replace(limits, time_s=max(0.0, share * (end - time.monotonic())))
