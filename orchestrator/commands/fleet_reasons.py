"""What `plan --load --explain WORD` answers: an operator's options, the limits, or the cost; as text and as JSON."""

from __future__ import annotations

from typing import Any

from orchestrator.commands.cost_text import COST, fleet_cost_json, fleet_cost_text
from orchestrator.commands.fleet_explain_text import Patience, fleet_explain_json, fleet_explain_text, positions
from orchestrator.commands.fleet_limits_text import fleet_limits_json, fleet_limits_text
from orchestrator.commands.fleet_text import fleet_text
from orchestrator.commands.limits_text import LIMITS
from orchestrator.fleet_pipeline import FleetPlan
from placement.shared_from_ir import SharedLowered


def check_operator(shared: SharedLowered, word: str) -> None:
    """Raises `UnknownOperatorError` for a word that names nothing to explain, before any time is spent on a plan."""
    if word not in (COST, LIMITS):
        positions(shared, word)


def fleet_reasons_text(plan: FleetPlan, word: str, patience: Patience) -> str:
    """The text in place of the plan's tables."""
    if word not in (COST, LIMITS):
        return fleet_explain_text(plan, word, patience)
    if plan.answer is None:
        return fleet_text(plan)
    return (fleet_cost_text if word == COST else fleet_limits_text)(plan, plan.answer)


def fleet_reasons_json(plan: FleetPlan, word: str, patience: Patience) -> dict[str, Any]:
    """The key `explain`, `limits` or `cost`; nothing of the last two where there is no plan."""
    if word not in (COST, LIMITS):
        return {"explain": fleet_explain_json(plan, word, patience)}
    if plan.answer is None:
        return {}
    return {word: (fleet_cost_json if word == COST else fleet_limits_json)(plan, plan.answer)}
