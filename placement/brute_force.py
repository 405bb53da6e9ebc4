"""The oracle: judges every placement of a small problem, so that the solvers can be tested against it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from placement.evaluate import Score, runs, score
from placement.prepared import Prepared, prepare
from placement.problem import Placement, Problem

MOST_PLACEMENTS = 200_000


class TooManyPlacementsError(ValueError):
    """A problem that is too large to enumerate."""


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Of `count` placements the `best`, of least objective under every limit, and the `fastest` under all but the SLA.

    None where no placement keeps the limits.
    """

    count: int
    best: tuple[Placement, Score] | None
    fastest: tuple[Placement, Score] | None


def brute_force(problem: Problem, most: int = MOST_PLACEMENTS) -> Enumeration:
    """Judges every placement. Raises `TooManyPlacementsError` where there are more than `most`."""
    prepared = prepare(problem)
    best: tuple[Placement, Score] | None = None
    fastest: tuple[Placement, Score] | None = None
    total = placements(prepared)
    if total > most:
        raise TooManyPlacementsError(f"{problem.name} has {total} placements, over the limit of {most}; use solve")
    for placement in every_placement(prepared):
        found = score(prepared, placement)
        if found.feasible and (best is None or found.objective_usd < best[1].objective_usd):
            best = placement, found
        if found.broken == 0.0 and (fastest is None or found.latency_s < fastest[1].latency_s):
            fastest = placement, found
    return Enumeration(total, best, fastest)


def placements(prepared: Prepared) -> int:
    """How many placements the problem has."""
    return sum(math.prod(map(len, _rows(prepared, alternative))) for alternative in _alternatives(prepared))


def every_placement(prepared: Prepared) -> Iterator[Placement]:
    """All placements, whatever they break."""
    for alternative in _alternatives(prepared):
        for option in product(*_rows(prepared, alternative)):
            yield Placement(option, alternative)


def _alternatives(prepared: Prepared) -> Iterator[tuple[int, ...]]:
    return product(*(range(len(names)) for names in prepared.problem.choices))


def _rows(prepared: Prepared, alternative: tuple[int, ...]) -> list[list[int | None]]:
    """[operator] the options it may have under these alternatives."""
    return [
        list(range(len(operator.options))) if runs(prepared, index, alternative) else [None]
        for index, operator in enumerate(prepared.problem.operators)
    ]
