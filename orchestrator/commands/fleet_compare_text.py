"""`plan --load --compare`: today's pools beside the plan's, side by side, as text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.compare_text import UNKNOWN, devices_text, difference
from orchestrator.commands.text import table, usd
from orchestrator.fleet_compare import AgentSide, FleetComparison, FleetSide


def fleet_compare_lines(found: FleetComparison) -> Iterator[str]:
    """A table with a column for each placement, then what moves and what the file does not say."""
    sides = [found.today, *([] if found.ours is None else [found.ours])]
    header = ("", found.name, "this plan")[: len(sides) + 1]
    yield ""
    yield table(header, [(what, *cells) for what, *cells in _rows(sides)])
    if found.ours is None:
        yield "no plan keeps the limits, so there is nothing to hold beside it"
    yield from (f"{found.name} breaks {text}" for text in _broken(found.today))
    yield from difference(found.today.usd_per_hour, None if found.ours is None else found.ours.usd_per_hour)
    yield from (
        f"moves: {each.name}: {each.before or 'not there'} -> {each.after or 'not there'}" for each in found.moves
    )
    if found.unsaid:
        yield f"note: {found.name} says nothing of {', '.join(found.unsaid)}: placed as is best for it"


def fleet_compare_json(found: FleetComparison) -> dict[str, Any]:
    """The same as a document: US dollars, watts, grams of CO2 equivalent an hour, seconds; null for what never ends."""
    return {
        "name": found.name,
        "today": _document(found.today),
        "plan": None if found.ours is None else _document(found.ours),
        "moves": [asdict(move) for move in found.moves],
        "unsaid": list(found.unsaid),
    }


def _rows(sides: list[FleetSide]) -> Iterator[tuple[str, ...]]:
    yield "cost per hour", *(usd(side.usd_per_hour) for side in sides)
    yield "power", *(UNKNOWN if side.watts is None else f"{side.watts:,.0f} W" for side in sides)
    yield (
        "carbon per hour",
        *(UNKNOWN if side.gco2e_per_hour is None else f"{side.gco2e_per_hour:,.0f} gCO2e" for side in sides),
    )
    for index, agent in enumerate(sides[0].agents):
        limit = "" if agent.limit_s is None else f" <= {format_duration(agent.limit_s)}"
        yield f"{agent.agent}, {agent.stat}{limit}", *(_latency(side.agents[index]) for side in sides)
        yield f"{agent.agent}, cost per run", *(usd(side.agents[index].usd_per_run) for side in sides)
    yield "devices", *(devices_text(side.devices) for side in sides)
    for pool in dict.fromkeys(pool for side in sides for pool in side.pools):
        yield f"replicas of {pool}", *(str(side.pools.get(pool, 0)) for side in sides)


def _latency(side: AgentSide) -> str:
    if math.isinf(side.latency_s):
        return "never ends"
    if side.limit_s is None:
        return format_duration(side.latency_s)
    kept = "kept" if side.latency_s <= side.limit_s else "missed"
    return f"{format_duration(side.latency_s)}, {kept}"


def _broken(side: FleetSide) -> Iterator[str]:
    for limit in side.broken:
        if limit.kind in ("sla", "first_output", "ttft", "token_time"):
            value = "never" if math.isinf(limit.value) else format_duration(limit.value)
            yield f"{limit.kind} of {limit.what}: {value} of {format_duration(limit.limit)}"
        else:
            yield f"{limit.kind} of {limit.what}: {limit.value:.4g} of {limit.limit:.4g}"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _document(side: FleetSide) -> dict[str, Any]:
    return {
        "usd_per_hour": side.usd_per_hour,
        "watts": side.watts,
        "gco2e_per_hour": side.gco2e_per_hour,
        "devices": side.devices,
        "pools": side.pools,
        "agents": [{**asdict(each), "latency_s": _finite(each.latency_s)} for each in side.agents],
        "broken": [
            {"kind": each.kind, "what": each.what, "value": _finite(each.value), "limit": each.limit}
            for each in side.broken
        ],
    }
