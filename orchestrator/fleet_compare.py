"""Today's placement of a load beside the plan, both by the sampled judge of shared placements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.fleet_pipeline import FleetPlan, FleetRequest, price_fleet
from orchestrator.graph import Graph
from orchestrator.what_if import Move

if TYPE_CHECKING:
    from placement.offer import Named
    from placement.shared_evaluate import SharedEvaluation
    from placement.shared_from_ir import SharedLowered
    from placement.shared_limits import Limit
    from placement.shared_problem import SharedPlacement
    from placement.today import Today


@dataclass(frozen=True, slots=True)
class AgentSide:
    """One agent: US dollars of a run, seconds of the SLA's statistic (infinite where calls never end), and the SLA."""

    agent: str
    usd_per_run: float
    stat: str
    latency_s: float
    limit_s: float | None


@dataclass(frozen=True, slots=True)
class FleetSide:
    """One of the two placements. `watts` and `gco2e_per_hour` are None where a class in use has no known power.

    `pools` are replicas by level, `broken` the limits that do not hold.
    """

    usd_per_hour: float
    watts: float | None
    gco2e_per_hour: float | None
    devices: dict[str, int]
    pools: dict[str, int]
    agents: tuple[AgentSide, ...]
    broken: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class FleetComparison:
    """`ours` is None where no plan keeps the limits. `moves` are of `AGENT.OP` between levels."""

    name: str
    today: FleetSide
    ours: FleetSide | None
    moves: tuple[Move, ...]
    unsaid: tuple[str, ...]


def compare_file(graphs: Mapping[str, Graph], plan: FleetPlan, request: FleetRequest, path: Path) -> FleetComparison:
    """As `fleet_compare`, with the rules of a file."""
    from placement.today_document import load_today

    return fleet_compare(graphs, plan, request, load_today(path))


def fleet_compare(graphs: Mapping[str, Graph], plan: FleetPlan, request: FleetRequest, today: Today) -> FleetComparison:
    """Judges today's placement on a table that also offers the pools that the file names. Raises `TodayError`."""
    from placement.shared_today import shared_today_of
    from placement.today import TodayError, unused

    shared = price_fleet(graphs, plan.fleet, plan.load, request, _named(today))
    names = [[spec.id for spec in lowered.specs] for lowered in shared.agents]
    agents = [each.name for each in shared.problem.agents]
    for wrong in unused(today, dict(zip(agents, names, strict=True))):
        raise TodayError(wrong)
    agreed = shared_today_of(shared.problem, today, names, request.time_limit_s)
    side = _side(shared, agreed.placement, agreed.evaluation)
    answer = plan.answer
    if answer is None:
        return FleetComparison(today.name, side, None, (), agreed.unsaid)
    ours = _side(plan.shared, answer.placement, answer.evaluation)
    moves = tuple(_moves(dict(_places(shared, agreed.placement)), dict(_places(plan.shared, answer.placement))))
    return FleetComparison(today.name, side, ours, moves, agreed.unsaid)


def _named(today: Today) -> Named:
    """The levels that a file names whole, or up to their cap."""
    from placement.levels import CAPS
    from placement.offer import Named

    rules = (*today.common, *(rule for rules in today.agents.values() for rule in rules))
    return Named(frozenset(f"{rule.place}{cap}" for rule in rules for cap in ("", *(f"/u{each:g}" for each in CAPS))))


def _side(shared: SharedLowered, placement: SharedPlacement, found: SharedEvaluation) -> FleetSide:
    used = [
        (level, replicas) for level, replicas in zip(shared.problem.levels, placement.replicas, strict=True) if replicas
    ]
    is_known = all(level.watts > 0.0 for level, _ in used)
    return FleetSide(
        usd_per_hour=found.usd_per_hour,
        watts=found.watts if is_known else None,
        gco2e_per_hour=found.gco2e_per_hour if is_known else None,
        devices={device: count for device, count in found.devices_used.items() if count},
        pools={level.pool.id: replicas for level, replicas in used},
        agents=tuple(_agents(shared, found)),
        broken=found.violations,
    )


def _agents(shared: SharedLowered, found: SharedEvaluation) -> Iterator[AgentSide]:
    for load, each in zip(shared.problem.agents, found.agents, strict=True):
        sla = load.problem.sla
        latency_s = math.inf if math.isnan(each.latency_s) else each.latency_s
        stat, limit_s = ("worst", None) if sla is None else (sla.stat, sla.limit_s)
        yield AgentSide(load.name, each.usd_per_run, stat, latency_s, limit_s)


def _places(shared: SharedLowered, placement: SharedPlacement) -> Iterator[tuple[str, str]]:
    """The level of each operator that runs; all of them where its traffic is split."""
    for agent, (lowered, one) in enumerate(zip(shared.agents, placement.agents, strict=True)):
        for index, (spec, row) in enumerate(zip(lowered.specs, lowered.problem.operators, strict=True)):
            option = one.option[index]
            if option is not None:
                routes = sorted(placement.routes.get((agent, index), {option: 1.0}))
                levels = (shared.problem.levels[row.options[each].pool].pool.id for each in routes)
                yield f"{lowered.problem.name}.{spec.id}", " and ".join(levels)


def _moves(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Move]:
    for name in dict.fromkeys([*after, *before]):
        if before.get(name) != after.get(name):
            yield Move(name, before.get(name), after.get(name))
