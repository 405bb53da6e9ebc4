"""The rows of every operator, and which alternatives can be taken at all: those whose operators all have one.

An alternative that no device of the fleet can run closes, and its operators get no rows, so that no solver looks at it;
only where no alternative of a choice is left is what is missing an error.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from costmodel.errors import CostError
from placement.operators import OperatorSpec
from placement.options import Rows, rows_of
from placement.pricing import Pricing
from placement.structure import Alternative, Structure


def rows_of_all(specs: Sequence[OperatorSpec], structure: Structure, pricing: Pricing) -> list[Rows]:
    """[operator] its rows; none, with the reason, in an alternative that closes.

    Raises `CostError` for an operator that nothing prices and that cannot be avoided.
    """
    known = {spec: _rows_or_error(spec, pricing) for spec in dict.fromkeys(specs)}  # alternatives share theirs
    found = [known[spec] for spec in specs]
    closed = closed_alternatives([not isinstance(each, CostError) and bool(each.rows) for each in found], structure)
    table: list[Rows] = []
    for spec, rows, within in zip(specs, found, structure.alternatives, strict=True):
        if isinstance(rows, CostError):
            if within not in closed:
                raise rows
            table.append(Rows((), (str(rows),)))
        elif within in closed and rows.rows:
            table.append(replace(rows, rows=(), rejected=(f"{spec.id}: another part of its alternative has no place",)))
        else:
            table.append(rows)
    return table


def _rows_or_error(spec: OperatorSpec, pricing: Pricing) -> Rows | CostError:
    try:
        return rows_of(spec, pricing)
    except CostError as error:
        return error


def closed_alternatives(has_rows: Sequence[bool], structure: Structure) -> Set[Alternative]:
    """The alternatives with an operator that has no row, where another one of the same choice is without.

    `has_rows` [operator] says whether it has one.
    """
    empty = {within for has, within in zip(has_rows, structure.alternatives, strict=True) if within and not has}
    return {
        (choice, index)
        for choice, index in empty
        if any((choice, other) not in empty for other in range(len(structure.choices[choice].regions)))
    }
