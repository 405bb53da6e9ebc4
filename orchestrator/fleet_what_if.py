"""Plans of a load under a changed fleet, price, SLA or rate, each held beside the plan as it is.

A change edits the fleet or the load and nothing else; the answer is an ordinary plan, judged like one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError
from orchestrator.fleet_classes import with_classes
from orchestrator.fleet_pipeline import FleetPlan, FleetRequest, plan_fleet
from orchestrator.graph import Graph
from orchestrator.load_rules import with_demand
from orchestrator.what_if import Move, moves_between, with_devices, with_price

if TYPE_CHECKING:
    from costmodel.fleet import Fleet
    from placement.load import Load

FORMS = (
    "+1:h200_sxm, -1:a40, sla=p95=3s, sla:AGENT=p95=3s, rate:AGENT=2.5 (runs a second), price:h100_sxm=2.5, or several "
    "with commas between"
)

_COUNT = re.compile(r"([+-]\d+):(.+)")
_PRICE = re.compile(r"price:([^=]+)=(.+)")
_SLA = re.compile(r"sla(?::([^=]+))?=(.+)")
_RATE = re.compile(r"rate:([^=]+)=(.+)")


class FleetWhatIfError(OrchestratorError):
    """A change of a load that cannot be read, or that names nothing of it."""


@dataclass(frozen=True, slots=True)
class FleetWhatIf:
    """A change as written, the plan under it, and what moves: operators as `agent/operator`, then replicas of pools.

    `more_usd_per_hour` against the base plan; None where either plan is missing.
    """

    change: str
    plan: FleetPlan
    more_usd_per_hour: float | None
    moves: tuple[Move, ...]


def fleet_what_if(
    graphs: Mapping[str, Graph], base: FleetPlan, request: FleetRequest, changes: Sequence[str]
) -> tuple[FleetWhatIf, ...]:
    """The plan under each change alone. Raises `FleetWhatIfError`, or what planning raises."""
    wanted = [changed(base.fleet, base.load, change) for change in changes]
    return tuple(
        _answer(base, change, with_classes(plan_fleet(graphs, fleet, load, request), request.time_limit_s))
        for change, (fleet, load) in zip(changes, wanted, strict=True)
    )


def changed(fleet: Fleet, load: Load, change: str) -> tuple[Fleet, Load]:
    """The fleet and the load with every part of a change."""
    for part in (text.strip() for text in change.split(",")):
        if found := _COUNT.fullmatch(part):
            fleet = with_devices(fleet, found[2].strip(), int(found[1]))
        elif found := _PRICE.fullmatch(part):
            fleet = with_price(fleet, found[1].strip(), found[2])
        elif found := _SLA.fullmatch(part):
            load = _limited(load, found[1], found[2])
        elif found := _RATE.fullmatch(part):
            load = _rated(load, found[1].strip(), found[2])
        else:
            raise FleetWhatIfError(f"--what-if {part!r} is no change that can be read", f"write it as {FORMS}")
    return fleet, load


def _limited(load: Load, agent: str | None, text: str) -> Load:
    """Another SLA of one agent, or of all."""
    from ir.sla import parse_sla

    sla = parse_sla(text)
    if agent is None:
        return replace(load, agents=tuple(replace(each, sla=sla) for each in load.agents))
    return with_demand(load, _agent(load, agent.strip()), lambda each: replace(each, sla=sla))


def _rated(load: Load, agent: str, text: str) -> Load:
    try:
        rate_per_s = float(text)
    except ValueError:
        rate_per_s = math.nan
    if not 0.0 < rate_per_s < math.inf:
        raise FleetWhatIfError(f"--what-if rate {text!r} is no rate", "give runs a second, more than 0")
    return with_demand(load, _agent(load, agent), lambda each: replace(each, rate_per_s=rate_per_s))


def _agent(load: Load, name: str) -> str:
    names = [each.agent for each in load.agents]
    if name not in names:
        raise FleetWhatIfError(f"--what-if names the agent {name!r}", f"the load has {', '.join(names)}")
    return name


def _answer(base: FleetPlan, change: str, plan: FleetPlan) -> FleetWhatIf:
    if base.answer is None or plan.answer is None:
        return FleetWhatIf(change, plan, None, ())
    more_usd = plan.answer.evaluation.usd_per_hour - base.answer.evaluation.usd_per_hour
    return FleetWhatIf(change, plan, more_usd, (*_moved(base, plan), *_resized(base, plan)))


def _moved(base: FleetPlan, plan: FleetPlan) -> Iterator[Move]:
    for before, after in zip(base.plans, plan.plans, strict=True):
        for move in moves_between(before, after):
            yield replace(move, name=f"{after.agent}/{move.name}")


def _resized(base: FleetPlan, plan: FleetPlan) -> Iterator[Move]:
    """Pools with another number of replicas, pools of one plan only included."""
    old, new = _replicas(base), _replicas(plan)
    for pool in dict.fromkeys([*new, *old]):
        if old.get(pool) != new.get(pool):
            yield Move(f"replicas of {pool}", str(old.get(pool, 0)), str(new.get(pool, 0)))


def _replicas(plan: FleetPlan) -> dict[str, int]:
    assert plan.answer is not None, "only plans have replicas"
    levels = zip(plan.shared.problem.levels, plan.answer.placement.replicas, strict=True)
    return {level.pool.id: count for level, count in levels if count}
