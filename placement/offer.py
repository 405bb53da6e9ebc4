"""The levels that agents are offered together: by tenant, model and phase, few of each.

Between the ways of single operators and the table of the shared problem.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from costmodel.fleet import Fleet
from placement.kept_turns import KEEP, KEEP_CAPS
from placement.levels import CAPS, MOST_LEVELS, Flow, Rent, Spot, balanced, cheapest, pick
from placement.load import AgentDemand
from placement.packs import CLASSES_A_SET, PACK_CAP
from placement.problem import Pool
from placement.shared_problem import Level
from placement.switching import switched
from placement.turns import takes_turns
from placement.ways import DECODE_ENCODED, ENCODE, FUNCTIONS, Asked, Way, Ways

LevelKey = tuple[Spot, float, str | None]
"""A pool with slots, a cap, and the tenant that it is for."""

_PACK, _TURNS = "pack", "turns"
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
            by_kind: dict[tuple[str, str], dict[Spot, Way]] = {}
            for way in _quick(found.ways, agent.demand, margin):
                kind = way.pool.model or FUNCTIONS, _kind(way.pool, asked.phase)
                by_kind.setdefault(kind, {})[way.pool, way.slots] = way
            calls_per_s = max(agent.demand.rate_per_s * asked.spec.visits, _LEAST_RATE)
            for kind, ways in by_kind.items():
                families.setdefault((agent.demand.tenant, *kind), []).append(Flow(calls_per_s, ways))
    for (tenant, _, phase), flows in families.items():
        wanted = [key for key in _every(flows, phase, tenant) if id_of(key) in named.ids]
        if not named.only:
            wanted += _few(flows, phase, tenant, fleet)
        yield from dict.fromkeys(wanted)


def _few(flows: Sequence[Flow], phase: str, tenant: str | None, fleet: Fleet) -> list[LevelKey]:
    if phase == _TURNS:
        return [(spot, PACK_CAP, tenant) for spot in _that_pay(flows, fleet)]
    if phase == _PACK:
        return [(spot, PACK_CAP, tenant) for spot in cheapest(flows, fleet, PACK_CAP, CLASSES_A_SET)]
    if phase == KEEP:
        chosen = pick(flows, fleet, caps=KEEP_CAPS)
    else:
        chosen = balanced(flows, fleet) if phase in {ENCODE, DECODE_ENCODED} else pick(flows, fleet)
    return [(spot, cap, tenant) for spot, cap in chosen]


def _every(flows: Sequence[Flow], phase: str, tenant: str | None) -> Iterator[LevelKey]:
    caps = (PACK_CAP,) if phase in {_PACK, _TURNS} else KEEP_CAPS if phase == KEEP else CAPS
    spots = dict.fromkeys(spot for flow in flows for spot in flow.ways)
    return ((spot, cap, tenant) for spot in spots for cap in caps)


def _kind(pool: Pool, phase: str) -> str:
    """What is picked together, of one model or of one set of models."""
    if takes_turns(pool):
        return _TURNS
    return _PACK if "+" in (pool.model or "") else phase


def _that_pay(flows: Sequence[Flow], fleet: Fleet) -> Sequence[Spot]:
    """The cheapest spots where models take turns on fewer replicas than there are models, if every call must load.

    With as many replicas each model may have its own, and nothing would switch.
    """
    loaded = [
        Flow(flow.calls_per_s, {at: replace(way, service=switched(way.service, 1.0)) for at, way in flow.ways.items()})
        for flow in flows
    ]
    found: list[Spot] = []
    for spot in cheapest(loaded, fleet, PACK_CAP, MOST_LEVELS):
        models = {way.service.loading.model for flow in flows if (way := flow.ways.get(spot)) and way.service.loading}
        rows = ((flow.calls_per_s, flow.ways[spot].service.held(1.0).slot_s) for flow in loaded if spot in flow.ways)
        busy = math.fsum(calls_per_s * slot_s for calls_per_s, slot_s in rows)
        if len(models) > math.ceil(busy / PACK_CAP - 1e-9):
            found.append(spot)
    return found[:CLASSES_A_SET]


def _quick(ways: Sequence[Way], demand: AgentDemand, margin: float) -> Sequence[Way]:
    """The ways of which one visit leaves something of the SLA, all where none does: others are not worth a level."""
    if demand.sla is None:
        return ways
    return [way for way in ways if way.service.held(margin).visit_s < demand.sla.limit_s] or ways


def level_of(key: LevelKey, rent: Rent, keeps: int = 0) -> Level:
    """The level, with an id of its own; a replica keeps the KV of so many calls whose tools work."""
    (pool, slots), cap, tenant = key
    named = replace(pool, id=id_of(key))
    return Level(named, slots, cap, rent.usd_per_hour, rent.watts, rent.gco2e_per_hour, tenant, keeps)


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
