"""The levels that agents are offered together: by tenant, model and phase, few of each.

Between the ways of single operators and the table of the shared problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from costmodel.fleet import Fleet
from placement.levels import CAPS, Flow, Rent, Spot, cheapest, pick
from placement.load import AgentDemand
from placement.packs import CLASSES_A_SET, PACK_CAP
from placement.shared_problem import Level
from placement.ways import FUNCTIONS, Asked, Way, Ways

LevelKey = tuple[Spot, float, str | None]
"""A pool with slots, a cap, and the tenant that it is for."""

_PACK = "pack"
_LEAST_RATE = 1e-12
"""Calls a second of an operator that never runs: it needs an option all the same."""


@dataclass(frozen=True, slots=True)
class Offered:
    """An agent's demand, what its operators ask, and the ways that no rule forbids."""

    demand: AgentDemand
    asked: tuple[Asked, ...]
    ways: tuple[Ways, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Levels by id that are offered where a call can run on them; `only`: and no others."""

    ids: frozenset[str] = frozenset()
    only: bool = False


NONE_NAMED = Named()


def level_keys(agents: Sequence[Offered], fleet: Fleet, margin: float, named: Named = NONE_NAMED) -> Iterator[LevelKey]:
    """The levels that are offered, in a fixed order: few of each family, and those that are named."""
    families: dict[tuple[str | None, str, str], list[Flow]] = {}
    for agent in agents:
        for asked, found in zip(agent.asked, agent.ways, strict=True):
            by_model: dict[str, dict[Spot, Way]] = {}
            for way in _quick(found.ways, agent.demand, margin):
                by_model.setdefault(way.pool.model or FUNCTIONS, {})[way.pool, way.slots] = way
            calls_per_s = max(agent.demand.rate_per_s * asked.spec.visits, _LEAST_RATE)
            for model, ways in by_model.items():
                family = agent.demand.tenant, model, _PACK if "+" in model else asked.phase
                families.setdefault(family, []).append(Flow(calls_per_s, ways))
    for (tenant, _, phase), flows in families.items():
        wanted = [key for key in _every(flows, phase, tenant) if id_of(key) in named.ids]
        if not named.only:
            wanted += _few(flows, phase, tenant, fleet)
        yield from dict.fromkeys(wanted)


def _few(flows: Sequence[Flow], phase: str, tenant: str | None, fleet: Fleet) -> list[LevelKey]:
    if phase == _PACK:
        return [(spot, PACK_CAP, tenant) for spot in cheapest(flows, fleet, PACK_CAP, CLASSES_A_SET)]
    return [(spot, cap, tenant) for spot, cap in pick(flows, fleet)]


def _every(flows: Sequence[Flow], phase: str, tenant: str | None) -> Iterator[LevelKey]:
    caps = (PACK_CAP,) if phase == _PACK else CAPS
    spots = dict.fromkeys(spot for flow in flows for spot in flow.ways)
    return ((spot, cap, tenant) for spot in spots for cap in caps)


def _quick(ways: Sequence[Way], demand: AgentDemand, margin: float) -> Sequence[Way]:
    """The ways of which one visit leaves something of the SLA, all where none does: others are not worth a level."""
    if demand.sla is None:
        return ways
    return [way for way in ways if way.service.held(margin).visit_s < demand.sla.limit_s] or ways


def level_of(key: LevelKey, rent: Rent) -> Level:
    """The level, with an id of its own."""
    (pool, slots), cap, tenant = key
    named = replace(pool, id=id_of(key))
    return Level(named, slots, cap, rent.usd_per_hour, rent.watts, rent.gco2e_per_hour, tenant)


def id_of(key: LevelKey) -> str:
    """The id of a level: `h100_sxm/llama3.1-8b/tp1/fp16/serve/b16/u0.7`."""
    spot, cap, tenant = key
    return f"{spot_id(spot)}/u{cap:g}" + ("" if tenant is None else f"/{tenant}")


def at_cap(level: str, cap: float) -> str:
    """The id of the same level at another cap."""
    pool, _, rest = level.rpartition("/u")
    _, slash, tenant = rest.partition("/")
    return f"{pool}/u{cap:g}{slash}{tenant}"


def spot_id(spot: Spot) -> str:
    """The pool's id, with its slots where a replica has several."""
    return spot[0].id if spot[1] == 1 else f"{spot[0].id}/b{spot[1]}"
