"""A verdict on a claim, worked out from the cells in which it is true and those in which it is not.

Nobody writes a verdict by hand: a claim is tested in every cell, and the conditions under which it holds are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

Cell = tuple[str, ...]

MOST_CONDITIONS = 4
"""With more conditions than these a list of cells says more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word` is `holds`, `holds under ...` or `does not hold`; true in `true_cells` of `cells`."""

    word: str
    true_cells: int
    cells: int

    def __str__(self) -> str:
        return f"{self.word} ({self.true_cells} of {self.cells})"


def judge(dimensions: Sequence[str], cells: Mapping[Cell, bool]) -> Verdict:
    """The verdict on a claim, from whether it is true in each cell; a cell has one value for each dimension."""
    if not cells or any(len(cell) != len(dimensions) for cell in cells):
        raise ValueError(f"a verdict needs cells with a value for each of {', '.join(dimensions)}, got {list(cells)}")
    true = {cell for cell, holds in cells.items() if holds}
    counts = len(true), len(cells)
    if len(true) == len(cells):
        return Verdict("holds", *counts)
    if not true:
        return Verdict("does not hold", *counts)
    conditions = _conditions(cells, true)
    if len(conditions) > MOST_CONDITIONS:
        return Verdict("holds under some conditions only, see the cells", *counts)
    return Verdict(f"holds under {'; '.join(conditions)}", *counts)


def _conditions(cells: Mapping[Cell, bool], true: set[Cell]) -> list[str]:
    """Values that together make every cell true, the widest first, until all true cells are covered."""
    left, chosen = set(true), list[str]()
    while left:
        values, covered = max(_safe(cells), key=lambda each: (len(each[1] & left), -len(each[0])))
        chosen.append(" with ".join(values.values()))
        left -= covered
    return chosen


def _safe(cells: Mapping[Cell, bool]) -> Iterator[tuple[dict[int, str], set[Cell]]]:
    """Every combination of values under which all cells are true, with those cells."""
    width = len(next(iter(cells)))
    for size in range(1, width + 1):
        for places in combinations(range(width), size):
            for values in dict.fromkeys(tuple(cell[place] for place in places) for cell in cells):
                wanted = dict(zip(places, values, strict=True))
                matching = {cell for cell in cells if all(cell[place] == value for place, value in wanted.items())}
                if all(cells[cell] for cell in matching):
                    yield wanted, matching
