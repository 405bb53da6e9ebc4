"""`plan --load --explain limits`: which limits of shared pools bind and their prices; every agent's critical path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.fleet_explain_text import held_of, slack_text
from orchestrator.commands.text import table, usd
from orchestrator.fleet_pipeline import FleetPlan
from orchestrator.route_rows import RouteRow, route_rows
from placement.shared_limits import Limit
from placement.shared_plans import Answer
from placement.shared_shadow import DEVICES, SharedPrice, SharedPrices, shared_prices

HEADER = ("agent", "operator", "critical", "time", "waiting", "slack")
NUMBERS = ("time", "waiting")
FULL = 0.9
"""Limits of which at least this share is taken are listed: what more load will break first."""

UNITS = {"usd_per_hour": "dollar", "watts": "watt", "gco2e_per_hour": "gram"}


def fleet_limits_text(plan: FleetPlan, answer: Answer) -> str:
    """A line for each limit that binds, those nearly used up, then each operator's slack, agent by agent."""
    found = _prices(plan, answer)
    lines = [_line(plan, price) for price in found.prices]
    if not lines:
        lines = ["no limit binds: without any, all replicas would cost as much"]
    if not found.is_complete:
        lines.append("note: the time for questions ended the search, so that more limits may bind")
    full = [f"{limit.used:.0%} taken: {_taken(limit)}" for limit in answer.evaluation.binding(FULL)]
    rows = list(route_rows(plan.shared, answer))
    if all(row.share == 1.0 for row in rows):
        return "\n".join([*lines, *full, "", table(HEADER, [_row(row) for row in rows], NUMBERS)])
    split = [(*_row(row), f"{row.share:.1%}", row.pool) for row in rows]
    return "\n".join([*lines, *full, "", table((*HEADER, "share", "pool"), split, (*NUMBERS, "share"))])


def fleet_limits_json(plan: FleetPlan, answer: Answer) -> dict[str, Any]:
    """The same as a document: seconds, devices, watts, grams; dollars an hour of all replicas."""
    found = _prices(plan, answer)
    return {
        "limits": [asdict(price) for price in found.prices],
        "is_complete": found.is_complete,
        "nearly_used_up": [
            {"kind": limit.kind, "what": limit.what, "value": limit.value, "limit": limit.limit}
            for limit in answer.evaluation.binding(FULL)
        ],
        "operators": [asdict(row) for row in route_rows(plan.shared, answer)],
    }


def _prices(plan: FleetPlan, answer: Answer) -> SharedPrices:
    return shared_prices(plan.shared.problem, held_of(answer))


def _line(plan: FleetPlan, price: SharedPrice) -> str:
    return "; ".join(_parts(plan, price))


def _parts(plan: FleetPlan, price: SharedPrice) -> Iterator[str]:
    saves = f"all replicas cost {_usd(price.free_usd)} an hour less"
    if price.kind == "sla":
        sla = next(each.problem.sla for each in plan.shared.agents if each.problem.name == price.what)
        stat = "" if sla is None else f" {sla.stat}"
        unit, step = "second", format_duration(price.step)
        yield f"SLA{stat} {format_duration(price.limit)} of {price.what} binds: {saves} without it"
    elif price.kind == "calls":
        yield f"limits of calls of {price.what} bind: {saves} without them"
        return
    elif price.kind == "devices":
        unit, step = "device", f"{price.step:.0f}"
        yield f"{price.limit:.0f} {price.what} bind: {saves} with as many as help"
    else:
        unit = UNITS[price.what]
        step = f"{price.step:.4g} {unit}s"
        yield f"the budget of {price.limit:g} {unit}s binds: {saves} without it"
    if price.unit_usd is None:
        yield f"{DEVICES[-1]} more save nothing" if price.kind == "devices" else "twice as much saves nothing"
    else:
        yield f"{step} more saves {_usd(price.saves_usd)}, {_usd(price.unit_usd)} an hour for a {unit}"
    if price.dual_usd is not None:
        yield f"dual of the relaxation {_usd(price.dual_usd)} for a {unit}"


def _taken(limit: Limit) -> str:
    if limit.kind in ("sla", "first_output", "ttft", "token_time"):
        return f"{limit.kind} of {limit.what}, {format_duration(limit.value)} of {format_duration(limit.limit)}"
    return f"{limit.kind} of {limit.what}, {limit.value:.4g} of {limit.limit:.4g}"


def _usd(amount: float) -> str:
    return usd(float(f"{amount:.4g}"))


def _row(row: RouteRow) -> tuple[str, ...]:
    slack = "not counted" if row.slack_s is None else slack_text(row.slack_s).removeprefix("it may take ")
    return (
        row.agent,
        row.operator,
        "yes" if row.critical else "",
        format_duration(row.time_s),
        format_duration(row.waiting_s),
        slack.removesuffix(" longer"),
    )
