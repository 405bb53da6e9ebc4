"""`plan --compare`: today's placement beside the plan, side by side, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.text import percent, table, usd
from orchestrator.compare import Comparison, Side
from placement.evaluate import Violation

UNKNOWN = "not known"


def compare_lines(found: Comparison) -> Iterator[str]:
    """A table with a column for each placement, then what moves and what the file does not say."""
    sides = [found.today, *([] if found.ours is None else [found.ours])]
    header = ("", found.name, "this plan")[: len(sides) + 1]
    yield ""
    yield table(header, [(what, *cells) for what, *cells in _rows(sides)])
    if found.ours is None:
        yield "no plan keeps the limits, so there is nothing to hold beside it"
    yield from difference(found.today.cost_usd, None if found.ours is None else found.ours.cost_usd)
    yield from (
        f"moves: {each.name}: {each.before or 'not there'} -> {each.after or 'not there'}" for each in found.moves
    )
    if found.unsaid:
        yield f"note: {found.name} says nothing of {', '.join(found.unsaid)}: placed as is best for it"


def difference(today_usd: float, ours_usd: float | None) -> Iterator[str]:
    """By how much this plan is cheaper, as a ratio and a share."""
    if not ours_usd or not today_usd:
        return
    ratio = today_usd / ours_usd
    if ratio >= 1.0:
        yield f"this plan is {ratio:.2f} times cheaper: {percent(1.0 - 1.0 / ratio)} less"
    else:
        yield f"this plan is {percent(1.0 / ratio - 1.0)} dearer"


def compare_json(found: Comparison) -> dict[str, Any]:
    """The same as a document, of a run: US dollars, seconds, joules, grams of CO2 equivalent."""
    return {
        "name": found.name,
        "today": _document(found.today),
        "plan": None if found.ours is None else _document(found.ours),
        "moves": [asdict(move) for move in found.moves],
        "unsaid": list(found.unsaid),
    }


def _rows(sides: list[Side]) -> Iterator[tuple[str, ...]]:
    sla = sides[0].plan.sla
    stat = "worst" if sla is None else sla.stat
    yield "cost per run", *(usd(side.cost_usd) for side in sides)
    yield f"latency, {stat}", *(format_duration(side.latency_s) for side in sides)
    if stat != "mean":
        yield "latency, mean", *(format_duration(side.latency_mean_s) for side in sides)
    if sla is not None:
        name = f"SLA {sla.stat} <= {format_duration(sla.limit_s)}"
        yield name, *(_kept(side.latency_s, sla.limit_s) for side in sides)
    yield "other limits", *(_broken(side.broken) for side in sides)
    yield "energy per run", *(UNKNOWN if side.facility_j is None else f"{side.facility_j:.4g} J" for side in sides)
    yield "carbon per run", *(UNKNOWN if side.gco2e is None else f"{side.gco2e:.4g} gCO2e" for side in sides)
    yield "devices", *(devices_text(side.devices) for side in sides)


def devices_text(devices: Mapping[str, int]) -> str:
    """`2 a40, 1 gaudi3`."""
    return ", ".join(f"{count} {device}" for device, count in devices.items() if count)


def _kept(latency_s: float, limit_s: float) -> str:
    from placement.evaluate import exceeds

    if exceeds(latency_s, limit_s):
        return f"missed by {format_duration(latency_s - limit_s)}"
    return f"kept, slack {format_duration(max(0.0, limit_s - latency_s))}"


def _broken(broken: tuple[Violation, ...]) -> str:
    others = [f"{each.what}: {each.value:g} of {each.limit:g}" for each in broken if each.kind != "sla"]
    return "broken: " + "; ".join(others) if others else "kept"


def _document(side: Side) -> dict[str, Any]:
    return {
        "cost_usd": side.cost_usd,
        "latency_s": side.latency_s,
        "latency_mean_s": side.latency_mean_s,
        "facility_j": side.facility_j,
        "operational_gco2e": side.gco2e,
        "devices": side.devices,
        "broken": [asdict(each) for each in side.broken],
    }
