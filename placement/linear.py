"""A mixed-integer linear program as flat arrays, built row by row.

It knows no solver, so that the formulation can be read and tested without one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Terms = Mapping[int, float]
"""A linear expression: coefficient by column."""


@dataclass(slots=True)
class LinearModel:
    """Minimise `cost` over columns between bounds, some integer, under rows between bounds (stored row-wise)."""

    cost: list[float] = field(default_factory=list[float])
    lower: list[float] = field(default_factory=list[float])
    upper: list[float] = field(default_factory=list[float])
    integer: list[bool] = field(default_factory=list[bool])
    row_lower: list[float] = field(default_factory=list[float])
    row_upper: list[float] = field(default_factory=list[float])
    starts: list[int] = field(default_factory=lambda: [0])
    indices: list[int] = field(default_factory=list[int])
    values: list[float] = field(default_factory=list[float])

    def column(self, cost: float = 0.0, upper: float = math.inf, *, integer: bool = False) -> int:
        """A new column between 0 and `upper`; gives its index."""
        self.cost.append(cost)
        self.lower.append(0.0)
        self.upper.append(upper)
        self.integer.append(integer)
        return len(self.cost) - 1

    def binary(self, cost: float = 0.0) -> int:
        """A new column that is 0 or 1."""
        return self.column(cost, 1.0, integer=True)

    def row(self, lower: float, terms: Terms, upper: float) -> None:
        """lower <= terms <= upper."""
        self.row_lower.append(lower)
        self.row_upper.append(upper)
        self.indices.extend(terms)
        self.values.extend(terms.values())
        self.starts.append(len(self.indices))

    def at_least(self, parts: Iterable[Terms]) -> Terms:
        """A column that is no less than any of the expressions (themselves, where there is but one)."""
        expressions = [terms for terms in parts if terms]
        if len(expressions) < 2:
            return expressions[0] if expressions else {}
        column = self.column()
        for terms in expressions:
            self.row(0.0, combine({column: 1.0}, scale(-1.0, terms)), math.inf)
        return {column: 1.0}

    def named(self, terms: Terms) -> Terms:
        """One column in place of a longer expression that it is no less than."""
        if len(terms) < 2:
            return terms
        column = self.column()
        self.row(0.0, combine({column: 1.0}, scale(-1.0, terms)), math.inf)
        return {column: 1.0}


def combine(*parts: Terms) -> Terms:
    """The sum of expressions."""
    total: dict[int, float] = {}
    for terms in parts:
        for column, value in terms.items():
            total[column] = total.get(column, 0.0) + value
    return total


def scale(factor: float, terms: Terms) -> Terms:
    """The expression times a factor; terms that vanish are left out."""
    return {column: factor * value for column, value in terms.items() if factor * value != 0.0}
