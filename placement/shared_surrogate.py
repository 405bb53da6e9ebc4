"""The provisioned problem with waiting and deviation as constants, so that each agent is a metered problem again.

Waiting depends on load and replicas, and a percentile on everything; neither is linear. Here a level waits as one
replica does at its cap, and an operator takes its mean, that wait and `kappa` deviations; a `kappa` below 0 leaves off
that share of the wait, which is an upper bound where replicas are many. The judge corrects `kappa`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ir.sla import Stat
from placement.held import held_at_most
from placement.prepared import Prepared, with_tables
from placement.problem import DeviceCapacity, Edge, Operator, Option, Placement, Problem, Transfer
from placement.queueing import Arrivals, offered_slots, waiting
from placement.shared_prepared import PreparedAgent, PreparedShared, prepare_shared
from placement.shared_problem import AgentLoad, Level, Service, SharedProblem

HOUR_S = 3600.0
FULL = 0.98
"""The largest utilisation at which waiting is taken, since at 1 it has no end; the judge looks at the real one."""

UNLIMITED = 10**9
"""Devices of a class in an agent's own table: the counts hold for all agents together, and for replicas."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is minimised, per hour: dollars, watts, grams of CO2e, and seconds of the agents' statistics, each weighed.

    Seconds count once for each agent (`latency`: by how much each second weighs). Fees and traffic count as dollars.
    """

    usd: float = 1.0
    watts: float = 0.0
    gco2e: float = 0.0
    latency: float = 0.0


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A shared problem at one `kappa` for each agent.

    `agents` [agent] are metered problems: an option's `latency_s` is (7)'s tau, its `cost_usd` dollars an hour of a
    visit's fees, as much as they weigh. `shares` [agent][operator][option] is the share of one replica of its level
    that the operator keeps busy, over the cap; replicas are the sum of shares, rounded up. `fees` likewise are dollars
    an hour. `prices` [level] is what a replica adds to the aim; `most` [level] how many the fleet has room for.
    """

    problem: SharedProblem
    aim: Aim
    kappas: tuple[float, ...]
    agents: tuple[Prepared, ...]
    shares: tuple[tuple[tuple[float, ...], ...], ...]
    fees: tuple[tuple[tuple[float, ...], ...], ...]
    prices: tuple[float, ...]
    most: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Constants:
    """What is the same at every `kappa`: `services` [agent][operator][option] as limits see them, `waits` [level]."""

    prepared: PreparedShared
    services: tuple[tuple[tuple[Service, ...], ...], ...]
    waits: tuple[float, ...]


def constants(problem: SharedProblem) -> Constants:
    """The constants of a shared problem. Raises `ProblemError` where a table contradicts itself."""
    return constants_of(prepare_shared(problem))


def constants_of(prepared: PreparedShared) -> Constants:
    """As `constants`, for a problem that is prepared."""
    problem = prepared.problem
    return Constants(prepared, held_at_most(problem.agents, problem.margin), tuple(level_waits(prepared)))


def surrogate(problem: SharedProblem, kappas: Sequence[float], aim: Aim) -> Surrogate:
    """The surrogate of a shared problem. Raises `ProblemError` where a table contradicts itself."""
    return surrogate_at(constants(problem), kappas, aim)


def surrogate_at(known: Constants, kappas: Sequence[float], aim: Aim) -> Surrogate:
    """As `surrogate`, for a problem whose constants are known."""
    prepared, services, waits = known.prepared, known.services, known.waits
    problem = prepared.problem
    levels = problem.levels
    return Surrogate(
        problem=problem,
        aim=aim,
        kappas=tuple(kappas),
        agents=tuple(
            with_tables(agent.prepared, _metered(agent, held, waits, (kappa, aim)))
            for agent, held, kappa in zip(prepared.agents, services, kappas, strict=True)
        ),
        shares=tuple(_shares(problem, agent, held) for agent, held in zip(problem.agents, services, strict=True)),
        fees=tuple(_fees(agent) for agent in problem.agents),
        prices=tuple(_price(aim, level) for level in levels),
        most=tuple(prepared.counts[level.pool.device] // level.pool.tp for level in levels),
    )


def _price(aim: Aim, level: Level) -> float:
    return aim.usd * level.usd_per_hour + aim.watts * level.watts + aim.gco2e * level.gco2e_per_hour


def level_waits(prepared: PreparedShared) -> list[float]:
    """[level] mean seconds of waiting of one replica at its cap, if all operators that may use it did alike.

    More replicas at the same utilisation wait less, so that this is an upper bound for that mix of operators.
    """
    held = held_at_most(prepared.problem.agents, prepared.problem.margin)
    users: list[list[Arrivals]] = [[] for _ in prepared.problem.levels]
    for agent, of_agent in zip(prepared.agents, held, strict=True):
        for index, (operator, services) in enumerate(zip(agent.load.problem.operators, of_agent, strict=True)):
            for option, service in zip(operator.options, services, strict=True):
                rate, batch = agent.load.rate_per_s * operator.visits, agent.batches[index]
                row = Arrivals(rate, service.slot_s, service.slot_sd_s, agent.load.arrival_cv2, batch)
                users[option.pool].append(row)
    found: list[float] = []
    for level, rows in zip(prepared.problem.levels, users, strict=True):
        offered = offered_slots(rows)
        scale = min(level.cap, FULL) * level.slots / offered if offered > 0.0 else 0.0
        waits = waiting([replace(row, calls_per_s=row.calls_per_s * scale) for row in rows], level.slots)
        weights = zip(rows, waits, strict=True)
        calls = math.fsum(row.calls_per_s for row in rows)
        found.append(
            math.fsum(row.calls_per_s * wait.mean_s for row, wait in weights) / calls if offered > 0.0 else 0.0
        )
    return found


def tau_s(service: Service, wait_s: float, kappa_and_spread: tuple[float, float], stat: Stat) -> float:
    """Seconds of a visit: its mean, its wait, and `kappa` of the deviations of the slowest of its fan-out's items."""
    kappa, spread = kappa_and_spread
    deviations = 0.0 if stat == "worst" else max(0.0, kappa) * spread
    return service.visit_s + deviations * service.sd_s + (1.0 + min(0.0, kappa)) * wait_s


def _metered(
    agent: PreparedAgent, held: Sequence[Sequence[Service]], waits: Sequence[float], how: tuple[float, Aim]
) -> Problem:
    kappa, aim = how
    problem = agent.prepared.problem
    per_hour = aim.usd * HOUR_S * agent.load.rate_per_s
    operators: list[Operator] = []
    for operator, services, spread in zip(problem.operators, held, agent.spreads, strict=True):
        rows: list[Option] = []
        for option, service in zip(operator.options, services, strict=True):
            tau = tau_s(service, waits[option.pool], (kappa, spread), agent.prepared.stat)
            rows.append(replace(option, latency_s=tau, cost_usd=option.cost_usd * per_hour))
        operators.append(replace(operator, options=tuple(rows)))
    tables: dict[int, Mapping[tuple[str, str], Transfer]] = {}
    penalty = problem.penalty_usd_per_s
    return replace(
        problem,
        operators=tuple(operators),
        edges=tuple(_priced(edge, per_hour, tables) for edge in problem.edges),
        capacities=tuple(DeviceCapacity(row.device, UNLIMITED) for row in problem.capacities),
        penalty_usd_per_s=None if penalty is None else penalty * per_hour,
    )


def _priced(edge: Edge, per_hour: float, tables: dict[int, Mapping[tuple[str, str], Transfer]]) -> Edge:
    if id(edge.table) not in tables:
        rows = edge.table.items()
        tables[id(edge.table)] = {pair: replace(move, cost_usd=move.cost_usd * per_hour) for pair, move in rows}
    return replace(edge, table=tables[id(edge.table)])


def _shares(
    problem: SharedProblem, agent: AgentLoad, held: Sequence[Sequence[Service]]
) -> tuple[tuple[float, ...], ...]:
    found: list[tuple[float, ...]] = []
    for operator, services in zip(agent.problem.operators, held, strict=True):
        rows: list[float] = []
        for option, service in zip(operator.options, services, strict=True):
            level = problem.levels[option.pool]
            busy = agent.rate_per_s * operator.visits * service.slot_s
            rows.append(busy / (level.cap * level.slots))
        found.append(tuple(rows))
    return tuple(found)


def _fees(agent: AgentLoad) -> tuple[tuple[float, ...], ...]:
    per_hour = HOUR_S * agent.rate_per_s
    rows = agent.problem.operators
    return tuple(tuple(row.visits * option.cost_usd * per_hour for option in row.options) for row in rows)


def fees_of(table: Surrogate, placements: Sequence[Placement]) -> float:
    """Dollars an hour that the operators cost beside their levels; transfers are not among them."""
    return math.fsum(
        row[option]
        for fees, placement in zip(table.fees, placements, strict=True)
        for row, option in zip(fees, placement.option, strict=True)
        if option is not None
    )


def allowed(problem: SharedProblem, agent: int, level: int) -> bool:
    """Whether the agent may use the level: a level of a tenant serves that tenant only."""
    tenant = problem.levels[level].tenant
    return tenant is None or tenant == problem.agents[agent].tenant


def replicas_of(table: Surrogate, placements: Sequence[Placement]) -> tuple[int, ...]:
    """[level] the fewest replicas that keep every cap."""
    return tuple(math.ceil(share * (1.0 - 1e-9)) for share in level_shares(table, placements))


def level_shares(table: Surrogate, placements: Sequence[Placement]) -> list[float]:
    """[level] replicas that would be busy at the cap, before rounding up."""
    found = [0.0] * len(table.prices)
    for prepared, rows, placement in zip(table.agents, table.shares, placements, strict=True):
        for operator, shares, option in zip(prepared.problem.operators, rows, placement.option, strict=True):
            if option is not None:
                found[operator.options[option].pool] += shares[option]
    # An operator of no load still needs a replica to run on.
    for prepared, placement in zip(table.agents, placements, strict=True):
        for operator, option in zip(prepared.problem.operators, placement.option, strict=True):
            if option is not None:
                pool = operator.options[option].pool
                found[pool] = max(found[pool], 1e-6)
    return found
