"""An expression whose names were resolved to places at compile time, so that evaluating it searches no scope.

A place is a number of frames to go outwards and a slot in that frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ir.expression import Expression, Ref, references

BOUND = -1
"""Number of frames of a name that the caller binds: the current value in a loop's `until`."""


@dataclass(frozen=True, slots=True)
class Place:
    """A name, how many frames outwards its value lives (or BOUND), and the slot there."""

    name: str
    levels: int
    slot: int


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression, the places of its names, and whether it is one bare name."""

    expression: Expression
    places: tuple[Place, ...]
    bare: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that a block defines, each with its slot, inside an outer scope."""

    slots: Mapping[str, int]
    outer: Scope | None

    def find(self, name: str) -> tuple[int, int] | None:
        """Frames outwards and slot of a name; None where no scope defines it."""
        scope: Scope | None = self
        levels = 0
        while scope is not None:
            if name in scope.slots:
                return levels, scope.slots[name]
            scope, levels = scope.outer, levels + 1
        return None

    def names(self) -> list[str]:
        """Every name that can be read here, innermost first."""
        here = list(self.slots)
        return here if self.outer is None else here + self.outer.names()


def resolve(expression: Expression, scope: Scope, bound: str | None, unknown: Callable[[str], Exception]) -> Formula:
    """Find the place of every name. Raises `unknown(name)` for a name that no scope defines."""
    places: list[Place] = []
    for name in sorted(references(expression)):
        if name == bound:
            places.append(Place(name, BOUND, 0))
            continue
        found = scope.find(name)
        if found is None:
            raise unknown(name)
        places.append(Place(name, *found))
    return Formula(expression, tuple(places), isinstance(expression, Ref))
