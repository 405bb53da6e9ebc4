"""What `plan --load` answers beside the plan: fleets of one class, why there is none, what if, the front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.fleet_pipeline import FleetPlan, FleetRequest
from orchestrator.graph import Graph


@dataclass(frozen=True, slots=True)
class FleetAnswers:
    """Lines to print below the plan, and keys to add to its document."""

    lines: list[str]
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FleetQuestions:
    """What was asked beside the plan; where a part of it is explained, fleets of one class do not stand beside it.

    `agent` is the one that the front is of; None: the slowest relative to its SLA.
    """

    explains: bool = False
    what_if: Sequence[str] = ()
    pareto: bool = False
    agent: str | None = None
    figure: Path | None = None


def fleet_answers(
    graphs: Mapping[str, Graph], plan: FleetPlan, request: FleetRequest, asked: FleetQuestions
) -> FleetAnswers:
    """The answers to what was asked, in order."""
    found = FleetAnswers([], {})
    if not plan.feasible:
        _relaxed(graphs, plan, request, found)
    if not asked.explains:
        _homogeneous(plan, found)
    if asked.what_if:
        from orchestrator.commands.fleet_what_if_text import fleet_what_if_json, fleet_what_if_lines
        from orchestrator.fleet_what_if import fleet_what_if

        answers = fleet_what_if(graphs, plan, request, asked.what_if)
        found.lines.extend(fleet_what_if_lines(answers))
        found.document["what_if"] = fleet_what_if_json(answers)
    if asked.pareto or asked.figure is not None:
        _pareto(plan, request, asked, found)
    return found


def _pareto(plan: FleetPlan, request: FleetRequest, asked: FleetQuestions, found: FleetAnswers) -> None:
    from orchestrator.commands.fleet_pareto_text import (
        draw_fleet_front,
        fleet_pareto,
        fleet_pareto_json,
        fleet_pareto_lines,
    )
    from orchestrator.commands.pareto_figure import check_drawable

    if asked.figure is not None:
        check_drawable()
    front = fleet_pareto(plan, asked.agent, request.time_limit_s)
    found.lines.extend(fleet_pareto_lines(front, plan))
    found.document["pareto"] = fleet_pareto_json(front, plan)
    if asked.figure is not None:
        draw_fleet_front(front, plan, asked.figure)


def _homogeneous(plan: FleetPlan, found: FleetAnswers) -> None:
    from orchestrator.commands.fleet_homogeneous_text import (
        fleet_homogeneous_json,
        fleet_homogeneous_lines,
    )

    ours_usd = None if plan.answer is None else plan.answer.evaluation.usd_per_hour
    found.lines.extend(fleet_homogeneous_lines(plan.homogeneous, ours_usd))
    found.document.update(fleet_homogeneous_json(plan.homogeneous))


def _relaxed(graphs: Mapping[str, Graph], plan: FleetPlan, request: FleetRequest, found: FleetAnswers) -> None:
    from orchestrator.commands.fleet_relaxed_text import fleet_relaxed_json, fleet_relaxed_lines
    from orchestrator.fleet_relaxed import fleet_relaxed

    relaxed = fleet_relaxed(graphs, plan, request)
    found.lines.extend(fleet_relaxed_lines(relaxed))
    found.document.update(fleet_relaxed_json(relaxed))
