"""What `plan --load --explain WORD` answers: an operator's options, or the limits; as text and as JSON."""

from __future__ import annotations

from typing import Any

from orchestrator.commands.fleet_explain_text import fleet_explain_json, fleet_explain_text
from orchestrator.commands.fleet_limits_text import fleet_limits_json, fleet_limits_text
from orchestrator.commands.fleet_text import fleet_text
from orchestrator.commands.limits_text import LIMITS
from orchestrator.fleet_pipeline import FleetPlan


def fleet_reasons_text(plan: FleetPlan, word: str) -> str:
    """The text in place of the plan's tables."""
    if word != LIMITS:
        return fleet_explain_text(plan, word)
    return fleet_text(plan) if plan.answer is None else fleet_limits_text(plan, plan.answer)


def fleet_reasons_json(plan: FleetPlan, word: str) -> dict[str, Any]:
    """The key `explain`, or `limits`; nothing of limits where there is no plan to hold them against."""
    if word != LIMITS:
        return {"explain": fleet_explain_json(plan, word)}
    return {} if plan.answer is None else {"limits": fleet_limits_json(plan, plan.answer)}
