"""Between which latencies a plan lies if all its estimates err alike: the judge's verdict at both ends of their
intervals."""

from __future__ import annotations

from dataclasses import replace

from placement.evaluate import evaluate
from placement.problem import Option, Placement, Problem


def latency_interval_s(problem: Problem, placement: Placement) -> tuple[float, float] | None:
    """The SLA's statistic with every taken row at its `low_s`, and at its `high_s`; rows without keep their mean.

    None where no taken row has an interval. Both ends are of estimates that err alike; errors that differ cancel.
    """
    taken = [
        each.options[option]
        for each, option in zip(problem.operators, placement.option, strict=True)
        if option is not None
    ]
    if all(row.low_s is None and row.high_s is None for row in taken):
        return None
    low, high = (evaluate(_at(problem, end), placement).latency_s for end in ("low", "high"))
    return low, high


def _at(problem: Problem, end: str) -> Problem:
    operators = (
        replace(each, options=tuple(_row(row, row.low_s if end == "low" else row.high_s) for row in each.options))
        for each in problem.operators
    )
    return replace(problem, operators=tuple(operators))


def _row(row: Option, seconds: float | None) -> Option:
    return row if seconds is None else replace(row, latency_s=seconds)
