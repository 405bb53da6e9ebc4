"""What `plan --load` answers beside the plan: why there is none, what if, and the front of cost and latency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.fleet_pipeline import FleetPlan, FleetRequest
from orchestrator.graph import Graph


@dataclass(frozen=True, slots=True)
class FleetAnswers:
    """Lines to print below the plan, and keys to add to its document."""

    lines: list[str]
    document: dict[str, Any]


def fleet_answers(graphs: Mapping[str, Graph], plan: FleetPlan, request: FleetRequest) -> FleetAnswers:
    """The answers to all that was asked, in order."""
    found = FleetAnswers([], {})
    if not plan.feasible:
        _relaxed(graphs, plan, request, found)
    return found


def _relaxed(graphs: Mapping[str, Graph], plan: FleetPlan, request: FleetRequest, found: FleetAnswers) -> None:
    from orchestrator.commands.fleet_relaxed_text import fleet_relaxed_json, fleet_relaxed_lines
    from orchestrator.fleet_relaxed import fleet_relaxed

    relaxed = fleet_relaxed(graphs, plan, request)
    found.lines.extend(fleet_relaxed_lines(relaxed))
    found.document.update(fleet_relaxed_json(relaxed))
