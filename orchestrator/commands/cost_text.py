"""`plan --explain cost`: where the dollars, the joules and the grams of a plan come from, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from costmodel.fleet import Fleet
from orchestrator.commands.text import table, usd
from orchestrator.cost_breakdown import CostBreakdown, CostRow, cost_breakdown, fleet_cost_breakdown
from orchestrator.pipeline import PlanResult
from placement.plan import Plan

if TYPE_CHECKING:
    from orchestrator.fleet_pipeline import FleetPlan
    from placement.shared_plans import Answer

COST = "cost"
"""The word after `--explain` that asks for this instead of an operator."""

LOWER_BOUND = "embodied carbon counts hours in use only, and only of devices whose making somebody measured"


def cost_text(plan: Plan, result: PlanResult) -> str:
    """Prices by term, then each operator's part of a run and the totals."""
    found = cost_breakdown(plan, result)
    title = f"{plan.agent} on fleet {plan.provenance.fleet}: {usd(plan.promised.cost_usd)} per run"
    return _text(title, found, result.fleet, ("operator", "device", "device time"), "cost/run")


def fleet_cost_text(plan: FleetPlan, answer: Answer) -> str:
    """The same of an hour of a load: prices by term, then each pool's part and the totals."""
    title = f"{plan.load.name} on fleet {plan.fleet.name}: {usd(answer.evaluation.usd_per_hour)} per hour"
    found = fleet_cost_breakdown(plan, answer)
    return _text(title, found, plan.fleet, ("pool", "device", "device time"), "cost/hour")


def _text(title: str, found: CostBreakdown, fleet: Fleet, columns: tuple[str, ...], cost: str) -> str:
    lines = [title, ""]
    for device, price in found.prices.items():
        terms = " + ".join(f"{name} {usd(amount)}" for name, amount in price.terms.items())
        lines.append(f"{device}: {usd(price.usd_per_hour)} an hour = {terms}")
        lines.append(f"  {price.basis}{_rent(device, fleet)}")
    return "\n".join([*lines, "", _table(found, columns, cost), "", *_grounds(found, fleet)])


def cost_json(plan: Plan, result: PlanResult) -> dict[str, Any]:
    """The same as a document: US dollars of a run by term, device seconds, joules at the meter, grams of CO2e."""
    found = cost_breakdown(plan, result)
    return {
        "cost_usd": plan.promised.cost_usd,
        "prices": _prices(found),
        "operators": [_document(row) for row in found.rows],
    }


def fleet_cost_json(plan: FleetPlan, answer: Answer) -> dict[str, Any]:
    """The same of an hour of a load, with a row for each pool."""
    found = fleet_cost_breakdown(plan, answer)
    return {
        "usd_per_hour": answer.evaluation.usd_per_hour,
        "prices": _prices(found),
        "pools": [_document(row) for row in found.rows],
    }


def _prices(found: CostBreakdown) -> dict[str, Any]:
    return {
        device: {"usd_per_hour": price.usd_per_hour, "terms": dict(price.terms), "basis": price.basis}
        for device, price in found.prices.items()
    }


def _rent(device: str, fleet: Fleet) -> str:
    """The alternative: what a cloud asks for the device, where the catalog knows and the price is another."""
    hardware = fleet.device_class(device).device
    if hardware is None or hardware.cloud_usd_per_hour is None or fleet.device_class(device).bought == "cloud":
        return ""
    return f"; a cloud asks {usd(hardware.cloud_usd_per_hour)} (midpoint; price: cloud plans with it)"


def _table(found: CostBreakdown, columns: tuple[str, ...], cost: str) -> str:
    terms = list(dict.fromkeys(term for row in found.rows for term in row.usd))
    header = (*columns, *terms, cost, "energy", "CO2e in use", "CO2e embodied")
    rows = [_row(row, terms) for row in found.rows]
    return table(header, [*rows, _sums(found, terms)], header[2:])


def _row(row: CostRow, terms: list[str]) -> tuple[str, ...]:
    used = row.used
    return (
        row.name,
        row.device,
        "" if row.device_s is None else f"{row.device_s:.4g} s",
        *(usd(row.usd[term]) if term in row.usd else "" for term in terms),
        usd(row.cost_usd),
        "" if used is None else f"{used.facility_j:.4g} J",
        "" if used is None else f"{used.operational_gco2e:.4g} g",
        "" if used is None or used.embodied_gco2e is None else f"{used.embodied_gco2e:.4g} g",
    )


def _sums(found: CostBreakdown, terms: list[str]) -> tuple[str, ...]:
    uses = [row.used for row in found.rows if row.used is not None]
    return (
        "all",
        "",
        "",
        *(usd(sum(row.usd.get(term, 0.0) for row in found.rows)) for term in terms),
        usd(sum(row.cost_usd for row in found.rows)),
        f"{sum(used.facility_j for used in uses):.4g} J" if uses else "",
        _grams([used.operational_gco2e for used in uses]),
        _grams([used.embodied_gco2e for used in uses]),
    )


def _grams(amounts: list[float | None]) -> str:
    """The sum of what is known; nothing where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return f"{sum(known):.4g} g" if known else ""


def _grounds(found: CostBreakdown, fleet: Fleet) -> Iterator[str]:
    per_kwh = fleet.catalog.gco2e_per_kwh if fleet.gco2e_per_kwh is None else fleet.gco2e_per_kwh
    bases = ", ".join(dict.fromkeys(row.used.basis for row in found.rows if row.used is not None))
    if bases:
        yield f"assumption: a busy device draws {bases}; energy is at the meter, PUE {fleet.pue:g}"
        yield f"assumption: electricity {usd(fleet.electricity_usd_per_kwh)} and {per_kwh:g} gCO2e per kWh"
        yield f"note: {LOWER_BOUND}"
    unknown = [row.name for row in found.rows if row.used is None and row.device]
    if unknown:
        yield f"note: no energy is known of {', '.join(unknown)}"


def _document(row: CostRow) -> dict[str, Any]:
    used = row.used
    return {
        "name": row.name,
        "device": row.device or None,
        "device_s": row.device_s,
        "usd": dict(row.usd),
        "energy_j": None if used is None else used.facility_j,
        "operational_gco2e": None if used is None else used.operational_gco2e,
        "embodied_gco2e": None if used is None else used.embodied_gco2e,
    }
