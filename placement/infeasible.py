"""Why no placement keeps all limits: which limit binds, by how much, and the smallest change that would help.

Limits are added one kind after another (options, links, capacity, SLA); the first that cannot be kept is named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ir.duration import format_duration
from ir.sla import Sla
from placement.evaluate import LIMIT_TOLERANCE, Evaluation, judge
from placement.highs import Limits
from placement.milp_columns import Form, seconds_unit
from placement.optimise import optimise
from placement.prepared import Prepared, prepare
from placement.problem import Placement, Problem


@dataclass(frozen=True, slots=True)
class Infeasibility:
    """The limit that binds and the smallest fix. `what` names operators, links or device classes; `text` is one line.

    `option`: operators without an option. `link`: groups and transfers, the fewest that must be broken. `capacity`:
    `missing_devices` by class. `sla`: `value` is the best achievable latency in seconds under all other limits, `limit`
    the SLA's, `placement` the cheapest that achieves it, and `missing_devices` what would keep the SLA instead, if
    anything would. `proven` is False where the time limit ended the search, so that a smaller fix may exist.
    """

    kind: Literal["option", "link", "capacity", "sla"]
    what: tuple[str, ...]
    value: float
    limit: float
    text: str
    missing_devices: Mapping[str, int]
    placement: Placement | None = None
    evaluation: Evaluation | None = None
    proven: bool = True


class InfeasibleError(ValueError):
    """No placement keeps all limits; `report` says which one binds."""

    def __init__(self, report: Infeasibility) -> None:
        super().__init__(report.text)
        self.report = report


class UndecidedError(RuntimeError):
    """The time limit ended the search with neither a placement nor a proof that there is none."""


def diagnose(problem: Problem, limits: Limits) -> Infeasibility:
    """Says why the problem has no placement. Raises `UndecidedError` where time runs out, or where there is one."""
    prepared = prepare(problem)
    found = _links(prepared, limits) or _capacity(prepared, limits) or _sla(prepared, limits)
    if found is None:
        raise UndecidedError(f"{problem.name}: no limit stands in the way; allow more time")
    return found


def _links(prepared: Prepared, limits: Limits) -> Infeasibility | None:
    problem = prepared.problem
    solved = optimise(prepared, Form("links", keep_sla=False, keep_capacity=False), limits)
    if solved.placement is None and solved.status == "infeasible":
        empty = _without_options(prepared)
        text = f"no device can run {', '.join(empty)}; add a device class, a profile row or a model that fits"
        return Infeasibility("option", empty, float(len(empty)), 0.0, text, {})
    placement = _placed(solved.placement, problem)
    broken = [one for one in judge(prepared, placement).violations if one.kind in ("group", "transfer")]
    if not broken:
        return None
    names = tuple(one.what for one in broken)
    fixes = {
        "group": "give {} a pool that can run them all",
        "transfer": "add a link or profile row for {}, or options that need none",
    }
    text = "; ".join(fixes[one.kind].format(one.what) for one in broken)
    proven = solved.status == "optimal"
    return Infeasibility("link", names, float(len(broken)), 0.0, f"no placement can connect: {text}", {}, proven=proven)


def _without_options(prepared: Prepared) -> tuple[str, ...]:
    """Operators that no device can run, but for those of an alternative beside one that can be taken."""
    operators, needs = prepared.problem.operators, prepared.needs
    empty = [index for index, operator in enumerate(operators) if not operator.options]
    closed = {needs[index][-1] for index in empty if needs[index]}
    avoidable = {
        (choice, index)
        for choice, index in closed
        if any((choice, other) not in closed for other in range(len(prepared.problem.choices[choice])))
    }
    return tuple(operators[index].id for index in empty if not avoidable.intersection(needs[index][-1:]))


def _capacity(prepared: Prepared, limits: Limits) -> Infeasibility | None:
    solved = optimise(prepared, Form("devices", keep_sla=False), limits)
    missing = _missing_devices(prepared, _placed(solved.placement, prepared.problem))
    if not missing:
        return None
    have = sum(prepared.counts[device] for device in missing)
    text = f"the fleet is too small; the smallest fix is {_devices(prepared, missing)}"
    value = float(have + sum(missing.values()))
    proven = solved.status == "optimal"
    return Infeasibility("capacity", tuple(missing), value, float(have), text, missing, proven=proven)


def _sla(prepared: Prepared, limits: Limits) -> Infeasibility | None:
    problem = prepared.problem
    if problem.sla is None:
        return None
    seconds = seconds_unit(prepared)
    fastest = optimise(prepared, Form("latency", keep_sla=False, seconds=seconds), limits)
    placement = _placed(fastest.placement, problem)
    best = judge(prepared, placement)
    if best.feasible:
        return None
    placement = _cheapest_at(prepared, best.latency_s, placement, limits)
    best = judge(prepared, placement)
    missing = _devices_for_sla(prepared, seconds, limits)
    limit = f"SLA {problem.sla.stat} {format_duration(problem.sla.limit_s)}"
    text = f"{limit} cannot be kept: the best achievable is {rounded_up(best.latency_s)}; "
    text += f"smallest fix: {limit} -> {rounded_up(best.latency_s)}"
    if missing:
        text += f", or {_devices(prepared, missing)}"
    proven = fastest.status == "optimal"
    return Infeasibility(
        "sla", (problem.sla.stat,), best.latency_s, problem.sla.limit_s, text, missing, placement, best, proven
    )


def _cheapest_at(prepared: Prepared, latency_s: float, placement: Placement, limits: Limits) -> Placement:
    """The cheapest placement that is as fast as this one."""
    limited = prepare(replace(prepared.problem, sla=Sla(prepared.stat, latency_s), penalty_usd_per_s=None))
    known = judge(limited, placement).cost_usd
    if known == 0.0:
        return placement
    form = Form("cost", usd=known / 1000.0, seconds=latency_s / 1000.0, cutoff_usd=known * 1.000001)
    return optimise(limited, form, limits, placement).placement or placement


def _devices_for_sla(prepared: Prepared, seconds: float, limits: Limits) -> Mapping[str, int]:
    """The fewest more devices with which the SLA could be kept; empty where none help."""
    placement = optimise(prepared, Form("devices", seconds=seconds), limits).placement
    return _missing_devices(prepared, placement) if placement else {}


def _missing_devices(prepared: Prepared, placement: Placement) -> dict[str, int]:
    over = (one for one in judge(prepared, placement).violations if one.kind == "capacity")
    return {one.what: round(one.value - one.limit) for one in over}


def _placed(placement: Placement | None, problem: Problem) -> Placement:
    if placement is None:
        raise UndecidedError(f"{problem.name}: the time limit ended the search for what stands in the way; allow more")
    return placement


def _devices(prepared: Prepared, missing: Mapping[str, int]) -> str:
    have = prepared.counts
    return ", ".join(f"{device} {have[device]} -> {have[device] + more}" for device, more in missing.items())


def rounded_up(seconds: float) -> str:
    """The duration as text, never less than it is, so that the text can be used as the new limit."""
    if seconds <= 0.0:
        return format_duration(0.0)
    step = 10.0 ** (math.floor(math.log10(seconds)) - (2 if seconds < 1e-3 else 3))
    return format_duration(step * math.ceil(seconds / step * (1.0 - LIMIT_TOLERANCE / 2)))
