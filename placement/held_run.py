"""A metered problem as limits see it: calls that take longer than estimated, by one factor or each by its own interval.

A plan is chosen and judged in this table and promises the estimates; what calls cost is paid for the estimates too.
"""

from __future__ import annotations

from dataclasses import replace

from placement.load import INTERVAL, Margin
from placement.problem import Operator, Option, Problem


class MarginError(ValueError):
    """A margin that the estimates do not have."""


def hold(problem: Problem, margin: Margin) -> Problem:
    """The problem with every call's time times the margin, or at the upper end of its own 80 % interval.

    Moves of data have no margin. Raises `MarginError` for an interval that a formula does not have.
    """
    if margin == 1.0:
        return problem
    operators = (
        replace(each, options=tuple(_held(each, row, margin) for row in each.options)) for each in problem.operators
    )
    return replace(problem, operators=tuple(operators))


def _held(operator: Operator, row: Option, margin: Margin) -> Option:
    if margin != INTERVAL:
        return replace(row, latency_s=float(margin) * row.latency_s)
    if row.high_s is not None:
        return replace(row, latency_s=max(row.high_s, row.latency_s))
    if row.source == "roofline":
        raise MarginError(
            f"margin {INTERVAL}, but without a calibration nobody knows how far off {operator.id} may be; give a "
            "number, or plan with a calibration"
        )
    return row
