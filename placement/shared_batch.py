"""Costs, broken limits and latencies of many shared placements at once, for the search of `shared_greedy`.

A placement here is a level for each unit; a batch is a matrix of levels, one column a placement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placement.shared_paths import FORBIDDEN_S, edge_times, latencies
from placement.shared_surrogate import Surrogate
from placement.shared_units import Floats, Units

Levels = NDArray[np.int32]

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class _Agent:
    """`rows` are (operator, unit, seconds by level); `edges` (edge, source unit, target unit, seconds by levels)."""

    rows: list[tuple[int, int, Floats]]
    edges: list[tuple[int, int, int, Floats]]
    limit_s: float
    penalty: float | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What evaluates batches for one surrogate and one choice of alternatives."""

    table: Surrogate
    units: Units
    agents: list[_Agent]
    devices: Floats
    counts: Floats

    def costs(self, levels: Levels) -> tuple[Floats, Floats]:
        """[placement] the aim without latency and penalties, and by how much devices and budgets are exceeded."""
        return self.costs_of(levels, self.replicas(levels))

    def replicas(self, levels: Levels) -> Floats:
        """[level, placement] the fewest replicas that keep every cap."""
        columns = np.arange(levels.shape[1], dtype=np.intp)
        shares = np.zeros((len(self.table.prices), levels.shape[1]))
        for unit, row in enumerate(levels):
            shares[row, columns] += np.maximum(self.units.shares[unit, row], _ROUNDING)
        return np.ceil(shares * (1.0 - _ROUNDING))

    def costs_of(self, levels: Levels, replicas: Floats) -> tuple[Floats, Floats]:
        """As `costs`, with these replicas [level, placement]."""
        cost = np.array(self.table.prices) @ replicas
        for unit, row in enumerate(levels):
            cost = cost + self.units.fees[unit, row]
        over = np.maximum(self.devices @ replicas - self.counts[:, None], 0.0)
        return cost, np.where(over > _ROUNDING * self.counts[:, None], over, 0.0).sum(axis=0)

    def seconds(self, levels: Levels, waits: Floats | None = None) -> Floats:
        """[agent, placement] the statistic of each agent; `waits` [level, placement] are added to each visit."""
        columns = np.arange(levels.shape[1], dtype=np.intp)
        found: list[Floats] = []
        for index, agent in enumerate(self.agents):
            prepared = self.table.agents[index]
            operator_s = np.zeros((len(prepared.problem.operators), levels.shape[1]))
            for operator, unit, seconds in agent.rows:
                operator_s[operator] = seconds[levels[unit]]
                if waits is not None:
                    operator_s[operator] += waits[levels[unit], columns]
            edge_s = {edge: table[levels[src], levels[dst]] for edge, src, dst, table in agent.edges}
            found.append(latencies(prepared, operator_s, edge_s, self.units.alternatives[index]))
        return np.array(found)

    def merits(self, cost: Floats, broken: Floats, seconds: Floats) -> Floats:
        """[placement] the smaller the better: cost with penalties, plus far more for what is broken or late."""
        total = cost + self.table.aim.latency * seconds.sum(axis=0)
        scale = 1e3 * (1.0 + np.abs(cost))
        for agent, row in zip(self.agents, seconds, strict=True):
            over = np.maximum(0.0, row - agent.limit_s * (1.0 + _ROUNDING))
            total = total + (over * agent.penalty if agent.penalty is not None else 0.0)
            if agent.penalty is None or np.any(row >= FORBIDDEN_S):
                total = total + np.where(over > 0.0, scale * (0.01 + over / max(agent.limit_s, 1e-12)), 0.0)
        return total + np.where(broken > 0.0, 1e3 * scale * (1.0 + broken), 0.0)

    @property
    def limits(self) -> Floats:
        """[agent] seconds of a hard SLA; infinite where there is none."""
        return np.array([agent.limit_s if agent.penalty is None else np.inf for agent in self.agents])


def batch(table: Surrogate, units: Units) -> Batch:
    """Prepares the arrays."""
    where = [
        {m: u for u, each in enumerate(units.units) if each.agent == a for m in each.members}
        for a in range(len(table.agents))
    ]
    agents = [_agent(table, units, index, unit_of) for index, unit_of in enumerate(where)]
    problem = table.problem
    names = [row.device for row in problem.capacities]
    devices = np.zeros((len(names) + 3, len(table.prices)))
    for index, level in enumerate(problem.levels):
        devices[names.index(level.pool.device), index] = level.pool.tp
        devices[-3:, index] = level.usd_per_hour, level.watts, level.gco2e_per_hour
    budget = problem.budget
    limits = [np.inf if x is None else x for x in (budget.usd_per_hour, budget.watts, budget.gco2e_per_hour)]
    counts = np.array([*(float(row.count) for row in problem.capacities), *limits])
    kept = np.isfinite(counts)
    return Batch(table, units, agents, devices[kept], counts[kept])


def _agent(table: Surrogate, units: Units, index: int, unit_of: dict[int, int]) -> _Agent:
    prepared = table.agents[index]
    operators = prepared.problem.operators
    rows: list[tuple[int, int, Floats]] = []
    option_at: dict[int, NDArray[np.intp]] = {}
    for operator, unit in unit_of.items():
        each = units.units[unit]
        place = each.members.index(operator)
        option_at[operator] = np.zeros(len(table.prices), dtype=np.intp)
        seconds = np.full(len(table.prices), FORBIDDEN_S)
        for level, options in each.places.items():
            option_at[operator][level] = options[place]
            seconds[level] = operators[operator].options[options[place]].latency_s
        rows.append((operator, unit, seconds))
    edges = [
        (one.edge, unit_of[one.src], unit_of[one.dst], one.seconds[np.ix_(option_at[one.src], option_at[one.dst])])
        for one in edge_times(prepared)
        if one.src in unit_of and one.dst in unit_of
    ]
    sla, penalty = prepared.problem.sla, prepared.problem.penalty_usd_per_s
    return _Agent(rows, edges, sla.limit_s if sla else np.inf, penalty)
