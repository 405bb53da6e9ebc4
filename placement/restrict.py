"""A problem with some of its options taken away, and its placements in the original's indices.

Questions such as "and only on this class?" are the same problem with fewer rows, so solver and judge answer them as
they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from placement.presolve import Reduced
from placement.problem import Option, Problem

Keeps = Callable[[int, Option], bool]
"""Whether an operator, by its index, keeps an option."""


def restrict(problem: Problem, keeps: Keeps) -> Reduced:
    """The problem with the options that are kept; its `restore` gives placements of the whole problem."""
    kept = tuple(
        tuple(position for position, option in enumerate(operator.options) if keeps(index, option))
        for index, operator in enumerate(problem.operators)
    )
    operators = tuple(
        replace(operator, options=tuple(operator.options[position] for position in positions))
        for operator, positions in zip(problem.operators, kept, strict=True)
    )
    return Reduced(replace(problem, operators=operators), kept)


def with_counts(problem: Problem, counts: Mapping[str, int]) -> Problem:
    """The problem with other numbers of devices of the classes named."""
    rows = tuple(replace(row, count=counts.get(row.device, row.count)) for row in problem.capacities)
    return replace(problem, capacities=rows)


def enough(problem: Problem, device: str) -> int:
    """As many devices of a class as all its pools together take: more cannot help."""
    return sum(pool.tp for pool in problem.pools if pool.device == device)
