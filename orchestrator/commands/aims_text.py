"""What a plan of one agent minimises where that is not dollars alone, and its margin, as lines and parts of lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ir.duration import format_duration
from orchestrator.commands.text import percent
from orchestrator.pipeline import PlanResult
from orchestrator.provenance import margin_text
from orchestrator.run_objective import ReachedAim, reached_aims
from placement.solve import BOUND_SCOPE

_EQUAL = 1e-6
"""Amounts that differ by this share or less are equal."""


def aim_lines(result: PlanResult) -> Iterator[str]:
    """The aim and what was reached of each, with bound and gap; nothing for the cheapest plan."""
    if not result.reached:
        return
    yield f"objective: {result.objective.meaning}"
    for row in _rows(result):
        scope = f"gap {percent(row.gap)} (of: {BOUND_SCOPE})"
        held = " with the margin" if result.request.margin != 1.0 and "latency" in row.aim else ""
        yield f"reached: {row.aim} {_amount(row.value, row.unit)}{held}, bound {_amount(row.bound, row.unit)}, {scope}"


def margin_line(result: PlanResult) -> Iterator[str]:
    """The margin and the latency that limits see; nothing without one."""
    margin, solution = result.request.margin, result.solution
    if margin == 1.0:
        return
    text = f"margin: {margin_text(margin)}"
    if solution is None:
        yield f"{text}; the latencies told are with it"
        return
    held_s = format_duration(solution.evaluation.latency_s)
    yield f"{text}: {held_s} with it; slacks and other plans' latencies are with it, times in the table are estimates"


def held_times(result: PlanResult) -> Iterator[str]:
    """That all times shown are with the margin; nothing without one."""
    if result.request.margin != 1.0:
        yield f"margin {result.request.margin}: times are with it"


def beside_text(result: PlanResult, values: Sequence[float]) -> str:
    """What another plan reaches of the aims but dollars beside this one: `; energy 812 J/run, 12.1% more`."""
    parts = [(row, value) for row, value in zip(_rows(result), values, strict=False) if row.aim != "cost"]
    return "".join(f"; {row.aim} {_amount(value, row.unit)}, {_more(value, row.value)}" for row, value in parts)


def change_text(result: PlanResult, base: PlanResult) -> str:
    """What a plan under a change reaches of the aims, and how much more that is than without the change."""
    before = [row.value for row in base.reached]
    rows = _rows(result)
    more = [f" ({value.value - old:+.4g})" for value, old in zip(rows, before, strict=False)] or [""] * len(rows)
    told = (f"{row.aim} {_amount(row.value, row.unit)}{each}" for row, each in zip(rows, more, strict=True))
    return "".join(f"; {text}, gap {percent(row.gap)}" for text, row in zip(told, rows, strict=True))


def _rows(result: PlanResult) -> tuple[ReachedAim, ...]:
    return reached_aims(result.objective, result.reached)


def _amount(value: float, unit: str) -> str:
    return f"{value:.6g} {unit}".rstrip()


def _more(value: float, ours: float) -> str:
    if abs(value - ours) <= _EQUAL * max(value, ours):
        return "as much"
    if not ours:
        return "more"
    more = value / ours - 1.0
    return f"{abs(more):.1%} {'more' if more > 0 else 'less'}"
