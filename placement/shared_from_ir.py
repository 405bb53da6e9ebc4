"""From several lowered agents, a fleet and their load to the provisioned problem: shared pools, levels, services.

Each agent is read as in metered mode; ways to run its operators become levels that all agents share, a few for each
model and phase, and rules of the load file delete options with their reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from costmodel.calibration import Calibration
from costmodel.errors import FleetError
from ir.dialects.agent import GraphOp
from ir.duration import format_duration
from placement.asked import asked_of, assumptions, call_limits
from placement.first_output import first_output_of
from placement.from_ir import Lowered, edge_of, operator_ids
from placement.kept_turns import kept_note
from placement.levels import Spot, check_priced, rents, without_power
from placement.load import AgentDemand, Load
from placement.measured_sizes import with_measured_sizes
from placement.offer import NONE_NAMED, LevelKey, Named, Offered, level_keys, level_of, spot_id
from placement.open_alternatives import closed_alternatives
from placement.options import Rows, with_known_models
from placement.own_margins import with_margin
from placement.pricing import Pricing, Row, check_drivers
from placement.problem import DeviceCapacity, Operator, Option, Pool, Problem
from placement.rules import check_rules, why_not
from placement.several_models import Several, several_models
from placement.shared_problem import AgentLoad, FirstOutput, Level, Service, SharedProblem
from placement.specs_from_ir import read_specs
from placement.streaming import streaming_edges
from placement.structure import Structure, names_of_choice, read_structure
from placement.ways import Asked, Way, Ways, ways_of


@dataclass(frozen=True, slots=True)
class AgentIr:
    """A lowered agent, and what the load file says of it, its SLA included."""

    graph: GraphOp
    demand: AgentDemand
    penalty_usd_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class SharedLowered:
    """A shared problem with what it was made from; `agents` are in its order, each with its part as `problem`.

    `assumptions` hold for every plan, those of `level_notes` for plans that use the level.
    """

    problem: SharedProblem
    agents: tuple[Lowered, ...]
    load: Load
    assumptions: tuple[str, ...]
    level_notes: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Agent:
    """An agent on the way: what each operator asks and the ways that no rule forbids."""

    ir: AgentIr
    structure: Structure
    asked: tuple[Asked, ...]
    ways: tuple[Ways, ...]


def shared_from_ir(
    agents: Sequence[AgentIr],
    pricing: Pricing,
    load: Load,
    calibration: Calibration | None = None,
    named: Named = NONE_NAMED,
) -> SharedLowered:
    """The problem of several agents on one provisioned fleet; text generators as `calibration` predicts them.

    Levels that are `named` are offered beside those that are chosen here, or alone.

    Raises `CostError` for an operator that nothing prices, `FleetError` for a fleet that cannot be rented by the hour,
    `LoadError` for a rule that names nothing.
    """
    check_drivers(pricing.fleet)
    check_priced(pricing.fleet)
    read = [_read(each, pricing, load) for each in agents]
    every = [asked for _, of_agent in read for asked in of_agent]
    table = with_margin(ways_of(every, pricing, calibration), load.margin)
    found = [_Agent(ir, structure, asked, ()) for ir, (structure, asked) in zip(agents, read, strict=True)]
    several = several_models([(each.ir.demand, each.asked) for each in found], pricing)
    found = [replace(each, ways=_open(each, tuple(_allowed(each, table, several, load)))) for each in found]
    offered = [Offered(each.ir.demand, each.asked, each.ways) for each in found]
    keys = tuple(level_keys(offered, pricing.fleet, load.factor, named))
    _check_power(load, pricing, keys)
    keeps = _keeps(found)
    levels = tuple(level_of(key, rents(pricing.fleet, key[0][0]), keeps.get(key[0], 0)) for key in keys)
    number = {key: position for position, key in enumerate(keys)}
    lowered = [_lowered(each, levels, number, pricing) for each in found]
    problem = SharedProblem(
        name=load.name,
        levels=levels,
        agents=tuple(_agent(each, *made) for each, made in zip(found, lowered, strict=True)),
        capacities=tuple(DeviceCapacity(each.id, each.count) for each in pricing.fleet.classes),
        budget=load.budget,
        margin=load.factor,
    )
    notes = tuple(assumptions([asked for each in found for asked in each.asked]))
    of_pool = several.notes(pricing)
    of_level = {position: of_pool[key[0][0]] for key, position in number.items() if key[0][0] in of_pool}
    of_level |= {position: kept_note(level) for position, level in enumerate(levels) if level.keeps}
    return SharedLowered(problem, tuple(part for part, _, _ in lowered), load, notes, of_level)


def _keeps(agents: Sequence[_Agent]) -> dict[Spot, int]:
    """The calls whose KV a replica keeps between turns: of the operators that come there the most."""
    ways = [way for agent in agents for each in agent.ways for way in each.ways if way.keeps]
    return {
        spot: max(way.keeps for way in ways if (way.pool, way.slots) == spot)
        for spot in {(way.pool, way.slots) for way in ways}
    }


def _agent(
    agent: _Agent, lowered: Lowered, services: tuple[tuple[Service, ...], ...], first: FirstOutput | None
) -> AgentLoad:
    demand = agent.ir.demand
    return AgentLoad(
        problem=lowered.problem,
        rate_per_s=demand.rate_per_s,
        services=services,
        arrival_cv2=demand.arrival_cv2,
        tenant=demand.tenant,
        first_output=first,
        calls=call_limits(agent.asked, agent.structure, demand),
    )


def _read(agent: AgentIr, pricing: Pricing, load: Load) -> tuple[Structure, tuple[Asked, ...]]:
    structure = read_structure(agent.graph)
    known = [with_known_models(spec, pricing.models) for spec in read_specs(structure.operations)]
    specs = with_measured_sizes(known, pricing.fleet.profile)
    check_rules(agent.demand, specs, pricing.fleet)
    return structure, asked_of(
        specs,
        structure,
        agent.demand,
        keeps_prefixes=load.keeps_prefixes,
        splits_encoders=load.splits_encoders,
        keeps_turns=load.keeps_turns,
    )


def _allowed(agent: _Agent, table: Mapping[Asked, Ways], several: Several, load: Load) -> Iterator[Ways]:
    """The ways of each operator, in pools of several models too, that rules and limits leave, and why not others."""
    demand = agent.ir.demand
    for asked in agent.asked:
        every = table[asked]
        ways = [*every.ways, *several.ways(asked, every.ways)]
        reasons = [why_not(asked.spec, way.pool, demand) or _too_slow(asked, way, demand, load.factor) for way in ways]
        refused = [
            f"{spot_id((way.pool, way.slots))}: {why}"
            for way, why in zip(ways, reasons, strict=True)
            if why is not None
        ]
        left = tuple(way for way, why in zip(ways, reasons, strict=True) if why is None)
        yield Ways(left, (*every.rejected, *dict.fromkeys(refused)))


def _open(agent: _Agent, ways: tuple[Ways, ...]) -> tuple[Ways, ...]:
    """The ways without those in alternatives that cannot be taken whole."""
    closed = closed_alternatives([bool(each.ways) for each in ways], agent.structure)
    whole = zip(agent.asked, ways, agent.structure.alternatives, strict=True)
    return tuple(
        replace(each, ways=(), rejected=(f"{asked.spec.id}: another part of its alternative has no place",))
        if within in closed and each.ways
        else each
        for asked, each, within in whole
    )


def _too_slow(asked: Asked, way: Way, demand: AgentDemand, margin: float) -> str | None:
    """The limit on tokens that a way breaks before anything waits, times taken with the margin."""
    limits = demand.limits.get(asked.spec.function)
    if limits is None:
        return None
    factor = way.service.factor_at(margin)
    if limits.token_time_s is not None and way.token_s is not None and factor * way.token_s > limits.token_time_s:
        token_s, limit_s = format_duration(factor * way.token_s), format_duration(limits.token_time_s)
        return f"a token takes {token_s} with the margin, its limit is {limit_s}"
    first_s = way.service.held(margin).visit_s
    if limits.ttft is not None and asked.spec.phase == "prefill" and first_s > limits.ttft.limit_s:
        return f"a prompt takes {format_duration(first_s)} with the margin, the first token's limit is {limits.ttft}"
    return None


def _check_power(load: Load, pricing: Pricing, keys: Sequence[LevelKey]) -> None:
    unknown = without_power(pricing.fleet, [key[0][0] for key in keys])
    if unknown and (load.budget.watts is not None or load.budget.gco2e_per_hour is not None):
        raise FleetError(
            f"the load has a budget of watts or carbon, but nobody says what {', '.join(unknown)} draws; name a class "
            "of the catalog, or take the budget out"
        )


def _lowered(
    agent: _Agent, levels: Sequence[Level], number: Mapping[LevelKey, int], pricing: Pricing
) -> tuple[Lowered, tuple[tuple[Service, ...], ...], FirstOutput | None]:
    specs = tuple(asked.spec for asked in agent.asked)
    demand = agent.ir.demand
    options: list[list[tuple[Option, Service]]] = []
    for ways in agent.ways:
        options.append([_option(way, level, levels) for way in ways.ways for level in _of(way, demand.tenant, number)])
    table = [Rows(tuple(_row(option, levels) for option, _ in each), ()) for each in options]
    operators = tuple(
        Operator(id_, spec.op, spec.visits, tuple(option for option, _ in each), ways.rejected)
        for id_, spec, each, ways in zip(operator_ids(agent.structure, specs), specs, options, agent.ways, strict=True)
    )
    streamed = streaming_edges(agent.structure.edges, specs, table)
    edges = [each for each in streamed if not each.is_internal]
    problem = Problem(
        name=agent.ir.graph.sym_name.data,
        operators=operators,
        pools=tuple(level.pool for level in levels),
        capacities=(),
        edges=tuple(edge_of(edge, specs, table, pricing) for edge in edges),
        root=agent.structure.root,
        choices=tuple(names_of_choice(choice) for choice in agent.structure.choices),
        groups=agent.structure.groups,
        sla=demand.sla,
        penalty_usd_per_s=agent.ir.penalty_usd_per_s,
    )
    lowered = Lowered(agent.ir.graph, problem, specs, agent.structure, pricing)
    first = first_output_of(agent.ir.graph, agent.structure, streamed, specs, table)
    return lowered, tuple(tuple(service for _, service in each) for each in options), first


def _of(way: Way, tenant: str | None, number: Mapping[LevelKey, int]) -> Iterator[int]:
    """The levels of a way: one for each cap that is offered."""
    return (
        position for (spot, _, whose), position in number.items() if spot == (way.pool, way.slots) and whose == tenant
    )


def _option(way: Way, level: int, levels: Sequence[Level]) -> tuple[Option, Service]:
    service = way.service
    option = Option(
        pool=level,
        latency_s=service.visit_s,
        cost_usd=way.fee_usd,
        batch=way.slots,
        source=way.source,
        bound_by=way.bound_by,
        notes=way.notes,
        device_s=levels[level].pool.tp * service.slot_s / way.slots,
    )
    return option, service


def _row(option: Option, levels: Sequence[Level]) -> Row:
    """An option as the tables of transfers read it."""
    pool: Pool = levels[option.pool].pool
    return Row(pool, option.latency_s, option.cost_usd, option.source, option.batch)
