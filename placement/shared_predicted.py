"""What plans near one that was judged would take, many at a time: real waiting by formula, as far off as at that plan.

A verdict draws thousands of runs. Most neighbours of a plan cost more or are plainly late, and a formula tells which.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from placement.held import held_at_most
from placement.queueing import Arrivals
from placement.shared_batch import Batch, Levels
from placement.shared_load import arrivals_of, waits_at
from placement.shared_prepared import PreparedShared
from placement.shared_problem import Level
from placement.shared_units import Floats

ENDLESS_S = 1e9
"""For a wait without end, so that sums of it stay numbers."""

_Here = tuple[int, frozenset[int], int]
"""A level, the units on it and its replicas."""


@dataclass(slots=True)
class Waits:
    """Mean seconds that a call waits at a level, by who is there; known ones are kept."""

    rows: Batch
    arrivals: list[dict[int, tuple[Arrivals, ...]]]
    known: dict[_Here, float] = field(default_factory=dict[_Here, float])

    def at(self, level: int, users: frozenset[int], replicas: int) -> float:
        """The mean over all calls; 0 where nobody is there."""
        key = level, users, replicas
        if key not in self.known:
            calls = [each for unit in sorted(users) for each in self.arrivals[unit][level]]
            self.known[key] = _mean(calls, self.rows.table.problem.levels[level], replicas)
        return self.known[key]

    def of(self, levels: Levels, replicas: Floats) -> Floats:
        """[level] the waits of one plan."""
        found = np.zeros(len(replicas))
        for level, users in users_of(levels).items():
            found[level] = self.at(level, users, int(replicas[level]))
        return found

    def after(self, base: tuple[Levels, Floats, Floats], levels: Levels, replicas: Floats) -> Floats:
        """[level, plan] the waits of many plans near the base (its levels, replicas and waits)."""
        base_levels, base_replicas, base_waits = base
        found = np.repeat(base_waits[:, None], levels.shape[1], axis=1)
        users = users_of(base_levels)
        none: frozenset[int] = frozenset()
        for column in range(levels.shape[1]):
            moved = np.flatnonzero(levels[:, column] != base_levels)
            changed = set(np.flatnonzero(replicas[:, column] != base_replicas).tolist())
            now: dict[int, set[int]] = {}
            for unit in moved.tolist():
                source, target = int(base_levels[unit]), int(levels[unit, column])
                now.setdefault(source, set(users.get(source, none))).discard(unit)
                now.setdefault(target, set(users.get(target, none))).add(unit)
            for level in changed | now.keys():
                here = frozenset(now[level]) if level in now else users.get(level, none)
                found[level, column] = self.at(level, here, int(replicas[level, column]))
        return found


def waits_for(prepared: PreparedShared, rows: Batch) -> Waits:
    """The calls of every unit at every level where it has a place, at the upper end of their times."""
    held = held_at_most(prepared.problem.agents, prepared.problem.margin)
    arrivals: list[dict[int, tuple[Arrivals, ...]]] = []
    for unit in rows.units.units:
        agent = prepared.agents[unit.agent]
        by_level: dict[int, tuple[Arrivals, ...]] = {}
        for level, options in unit.places.items():
            calls: list[Arrivals] = []
            for operator, option in zip(unit.members, options, strict=True):
                service = held[unit.agent][operator][option]
                calls.append(arrivals_of(agent, operator, service, 1.0))
            by_level[level] = tuple(calls)
        arrivals.append(by_level)
    return Waits(rows, arrivals)


def users_of(levels: Levels) -> dict[int, frozenset[int]]:
    """By level the units on it."""
    found: dict[int, set[int]] = {}
    for unit, level in enumerate(levels.tolist()):
        found.setdefault(level, set()).add(unit)
    return {level: frozenset(units) for level, units in found.items()}


def applied(levels: Levels, moves: Iterable[Sequence[tuple[Sequence[int], int]]]) -> Levels:
    """[unit, plan] the levels after each plan's moves of units (first) to a level (second)."""
    columns: list[Levels] = []
    for each in moves:
        column = levels.copy()
        for units, target in each:
            column[list(units)] = target
        columns.append(column)
    return np.array(columns, dtype=levels.dtype).reshape(len(columns), len(levels)).T


def _mean(calls: Sequence[Arrivals], level: Level, replicas: int) -> float:
    rate = sum(each.calls_per_s for each in calls)
    if not calls or rate == 0.0:
        return 0.0
    if replicas <= 0:
        return ENDLESS_S
    found = waits_at(calls, level, replicas)
    mean = sum(each.calls_per_s * wait.mean_s for each, wait in zip(calls, found, strict=True)) / rate
    return min(ENDLESS_S, mean)
