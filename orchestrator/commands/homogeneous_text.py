"""The best plan on each accelerator class, as lines beside a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ir.duration import format_duration
from orchestrator.commands.aims_text import beside_text
from orchestrator.commands.text import percent, usd
from orchestrator.pipeline import PlanResult
from placement.homogeneous import Homogeneous

_EQUAL = 1e-6
"""Costs that differ by this share or less are equal."""


def homogeneous_lines(
    rows: Sequence[Homogeneous], ours_usd: float | None, ours: PlanResult | None = None
) -> Iterator[str]:
    """One line for each class: what a run would cost with it and CPU cores alone, or why it cannot be.

    `ours_usd` is the plan's own cost, None where there is no plan; `ours` the plan, if its other aims are to be told.
    """
    for row in rows:
        beside = "" if ours is None else beside_text(ours, row.reached)
        yield f"only {row.device}: {_verdict(row, ours_usd)}{beside}"


def _verdict(row: Homogeneous, ours_usd: float | None) -> str:
    if row.cost_usd is None or row.latency_s is None:
        return row.why
    used = f"{row.devices} of them" if row.devices else "on CPU cores alone"
    unproven = "" if row.is_proven else f" (gap {percent(row.gap)})"
    ratio = "" if ours_usd is None else f", {ratio_text(row.cost_usd, ours_usd)}"
    return f"{usd(row.cost_usd)} per run{unproven}{ratio}, {format_duration(row.latency_s)}, {used}"


def ratio_text(cost_usd: float, ours_usd: float) -> str:
    """How much dearer or cheaper a cost is than ours."""
    if abs(cost_usd - ours_usd) <= _EQUAL * max(cost_usd, ours_usd):
        return "as cheap"
    more = cost_usd / ours_usd - 1.0 if ours_usd else 0.0
    if not more:
        return f"{usd(cost_usd - ours_usd)} dearer"
    return f"{abs(more):.1%} {'dearer' if more > 0 else 'cheaper'}"
