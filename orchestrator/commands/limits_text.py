"""`plan --explain limits`: which limits bind and what loosening them is worth; the critical path and every slack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.aims_text import held_times
from orchestrator.commands.text import table, usd
from orchestrator.pipeline import PlanResult
from orchestrator.report import slack_rows
from placement.shadow import ShadowPrice, shadow_prices
from placement.solve import Solution

LIMITS = "limits"
"""The word after `--explain` that asks for this instead of an operator."""


def limits_text(result: PlanResult, solution: Solution) -> str:
    """A line for each limit that binds, then each operator's slack."""
    prices = shadow_prices(result.problem, solution)
    lines = [_line(price) for price in prices] or ["no limit binds: without any a run would cost as much"]
    rows = [_row(row) for row in slack_rows(result, solution)]
    header = ("operator", "critical", "mean time", "slack")
    return "\n".join([*lines, *held_times(result), "", table(header, rows, ("mean time", "slack"))])


def limits_json(result: PlanResult, solution: Solution) -> dict[str, Any]:
    """The same as a document: seconds, devices, dollars of a run."""
    return {
        "limits": [asdict(price) for price in shadow_prices(result.problem, solution)],
        "operators": slack_rows(result, solution),
    }


def _line(price: ShadowPrice) -> str:
    return "; ".join(_parts(price))


def _parts(price: ShadowPrice) -> Iterator[str]:
    if price.kind == "sla":
        unit, step = "second", f"the next cheaper plan takes {format_duration(price.limit + price.step)}"
        yield f"SLA {price.what} {format_duration(price.limit)} binds: a run saves {_usd(price.free_usd)} without it"
    else:
        unit, step = "device", "one more"
        yield f"{price.limit:.0f} {price.what} bind: a run saves {_usd(price.free_usd)} with as many as help"
    if price.unit_usd is None:
        yield "what a little more saves was not found in time"
    elif not price.saves_usd:
        yield f"{step} saves nothing"
    else:
        each = "" if price.step == 1.0 else f", {_usd(price.unit_usd)} a {unit}"
        yield (
            f"{step} and saves {_usd(price.saves_usd)}{each}"
            if price.kind == "sla"
            else f"{step} saves " + _usd(price.saves_usd)
        )
    if price.dual_usd is not None:
        yield f"dual of the relaxation {_usd(price.dual_usd)} a {unit}"


def _usd(amount: float) -> str:
    return usd(float(f"{amount:.6g}"))


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    slack = "not counted" if row["slack_s"] is None else format_duration(max(row["slack_s"], 0.0))
    return row["name"], "yes" if row["critical"] else "", format_duration(row["latency_s"]), slack
