"""`plan --load --what-if`: the plan under each change beside the plan as it is, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.text import percent, usd
from orchestrator.fleet_pipeline import FleetPlan
from orchestrator.fleet_what_if import FleetWhatIf
from placement.shared_plans import Answer


def fleet_what_if_lines(answers: Sequence[FleetWhatIf]) -> Iterator[str]:
    """A line for each change, and below it what moves."""
    for answer in answers:
        yield ""
        yield f"what if {answer.change}: {_verdict(answer)}"
        for move in answer.moves:
            yield f"  {move.name}: {move.before or 'not there'} -> {move.after or 'not there'}"


def fleet_what_if_json(answers: Sequence[FleetWhatIf]) -> list[dict[str, Any]]:
    """The same as documents: US dollars an hour, and seconds of each agent's statistic."""
    return [_document(answer) for answer in answers]


def _verdict(answer: FleetWhatIf) -> str:
    found = answer.plan.answer
    if found is None:
        return f"infeasible: {answer.plan.why}"
    parts = [
        f"{usd(found.evaluation.usd_per_hour)} per hour{_more(answer.more_usd_per_hour)}, gap {percent(found.gap)}",
        f"on {', '.join(f'{count} {device}' for device, count in _devices(found).items())}",
        *(f"{agent} {text}" for agent, text in _latencies(answer.plan, found)),
    ]
    nothing = "" if answer.moves or answer.more_usd_per_hour is None else "; nothing moves"
    return "; ".join(parts) + nothing


def _latencies(plan: FleetPlan, found: Answer) -> Iterator[tuple[str, str]]:
    for load, verdict in zip(plan.shared.problem.agents, found.evaluation.agents, strict=True):
        if load.problem.sla is not None:
            yield load.name, f"{load.problem.sla.stat} {format_duration(verdict.latency_s)}"


def _devices(found: Answer) -> dict[str, int]:
    return {device: count for device, count in found.evaluation.devices_used.items() if count}


def _more(difference: float | None) -> str:
    if difference is None:
        return ""
    return f" ({'+' if difference >= 0 else '-'}{usd(abs(difference))})"


def _document(answer: FleetWhatIf) -> dict[str, Any]:
    found = answer.plan.answer
    if found is None:
        return {"change": answer.change, "feasible": False, "message": answer.plan.why}
    return {
        "change": answer.change,
        "feasible": True,
        "usd_per_hour": found.evaluation.usd_per_hour,
        "more_usd_per_hour": answer.more_usd_per_hour,
        "gap": found.gap,
        "bound_scope": found.bound_scope,
        "latency_s": {agent.name: agent.latency_s for agent in found.evaluation.agents},
        "devices": _devices(found),
        "moves": [asdict(move) for move in answer.moves],
    }
