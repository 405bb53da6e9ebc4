"""What `replan` prints: the steps in their order, what moves and why, what stays, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.text import percent, usd
from orchestrator.replanned import Replanned

_KINDS = {
    "start": "start {pool}",
    "route": "route {operator} to {pool}",
    "drain": "let {pool} finish what it runs",
    "stop": "stop {pool}",
}


def replan_text(found: Replanned) -> str:
    """The answer as text, feasible or not."""
    if not found.feasible:
        return f"infeasible: {found.name}: {found.why.removeprefix(f'{found.name}: ')}"
    return "\n".join((f"{found.name}, replanned", *_steps(found), *_moves(found), *_costs(found)))


def replan_json(found: Replanned) -> dict[str, Any]:
    """The same as a document; money in US dollars, times in seconds."""
    if not found.feasible:
        return {"feasible": False, "name": found.name, "message": found.why}
    per = f"usd_per_{found.unit}"
    return {
        "feasible": True,
        "name": found.name,
        "steps": [asdict(step) for step in found.steps],
        "moved": [asdict(one) for one in found.moved],
        "stays": list(found.stays),
        f"{per}_before": found.before_usd,
        per: found.after_usd,
        f"{per}_kept": found.kept_usd,
        "kept_breaks": list(found.broken),
        "change_usd": found.change_usd,
        "pays_within": {f"{found.unit}s": found.over},
        "gap": found.gap,
        "bound_scope": found.bound_scope,
        "solve_s": found.solve_s,
        "notes": list(found.notes),
    }


def _steps(found: Replanned) -> Iterator[str]:
    if not found.steps:
        yield "steps: none"
        return
    yield "steps:"
    for number, step in enumerate(found.steps, 1):
        text = _KINDS[step.kind].format(pool=step.pool, operator=step.operator)
        times = f", {step.replicas} replicas" if step.replicas > 1 else ""
        times += f", {step.share:.1%} of runs" if step.share < 1.0 else ""
        yield f"  {number}. {text}{times}{'; calls wait meanwhile' if step.interrupts else ''}"


def _moves(found: Replanned) -> Iterator[str]:
    for one in found.moved:
        yield f"moves: {one.operator}: {one.before or 'did not run'} -> {one.after} ({one.why})"
    if not found.moved:
        yield "moves: nothing"
    yield f"stays: {', '.join(found.stays) or 'nothing'}"


def _costs(found: Replanned) -> Iterator[str]:
    yield f"cost: {usd(found.before_usd)} -> {usd(found.after_usd)} per {found.unit}"
    if found.kept_usd is not None:
        yield f"keeping everything as it was: {usd(found.kept_usd)} per {found.unit}"
    else:
        yield f"keeping everything as it was: not possible ({'; '.join(found.broken)})"
    if found.change_usd:
        yield f"change: {usd(found.change_usd)}, to pay within {found.over:g} {found.unit}s"
    gap = "everything is kept" if found.gap is None else f"gap {percent(found.gap)} (of: {found.bound_scope})"
    yield from (f"note: {text}" for text in found.notes)
    yield gap
    yield f"planned in {format_duration(found.solve_s)}"
