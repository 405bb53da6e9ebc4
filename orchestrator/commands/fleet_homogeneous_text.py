"""The best fleet of one accelerator class for a load, for each class, as lines and JSON beside the plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.commands.homogeneous_text import ratio_text
from orchestrator.commands.text import percent, usd

if TYPE_CHECKING:
    from placement.shared_homogeneous import SharedHomogeneous

_PROVEN = 0.005
"""A gap below this is not worth a word."""


def fleet_homogeneous_lines(rows: Sequence[SharedHomogeneous], ours_usd: float | None) -> Iterator[str]:
    """One line for each class: what an hour would cost with it and CPU cores alone, or why it cannot be."""
    for row in rows:
        yield f"only {row.device}: {_verdict(row, ours_usd)}"


def fleet_homogeneous_json(rows: Sequence[SharedHomogeneous]) -> dict[str, Any]:
    """As a key of the answer: US dollars an hour, devices, and each agent's seconds (the SLA's statistic)."""
    return {"homogeneous": [_document(row) for row in rows]}


def _verdict(row: SharedHomogeneous, ours_usd: float | None) -> str:
    if row.evaluation is None:
        return row.why
    used = f"{row.devices} of them" if row.devices else "on CPU cores alone"
    more = f" though the fleet has {row.had}" if row.devices > row.had else ""
    gap = f" (gap {percent(row.gap)})" if row.gap > _PROVEN else ""
    ratio = "" if ours_usd is None else f", {ratio_text(row.evaluation.usd_per_hour, ours_usd)}"
    return f"{usd(row.evaluation.usd_per_hour)} per hour{gap}{ratio}, {used}{more}, all limits kept"


def _document(row: SharedHomogeneous) -> dict[str, Any]:
    if row.evaluation is None:
        return {"device": row.device, "feasible": False, "why": row.why}
    return {
        "device": row.device,
        "feasible": True,
        "usd_per_hour": row.evaluation.usd_per_hour,
        "gap": row.gap,
        "devices": row.devices,
        "devices_of_fleet": row.had,
        "watts": row.evaluation.watts,
        "gco2e_per_hour": row.evaluation.gco2e_per_hour,
        "latency_s": {agent.name: agent.latency_s for agent in row.evaluation.agents},
    }
