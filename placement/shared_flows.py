"""What share of each unit's traffic goes to which level, and which moves of traffic make a plan cheaper.

Replicas are whole and a unit's load is not: the last replica of a level may be mostly idle, and devices of the best
class may run out. A part of the traffic at another level saves the one and fills up the other. Here is only the
arithmetic of loads, prices and devices; the judge says what holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from placement.problem import Pool
from placement.shared_problem import SharedPlacement
from placement.shared_surrogate import Surrogate
from placement.shared_units import Units, placements_of, units_of

_ROUND = 1e-9
_LEAST_SHARE = 1e-6
_MOST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Flows:
    """A plan: `parts` [unit] is the share of runs by level, summing to 1; `replicas` [level].

    A unit at a level keeps `parts` times `units.shares` replicas busy up to their cap. Those that `stays` names by
    index are not moved.
    """

    table: Surrogate
    units: Units
    parts: tuple[Mapping[int, float], ...]
    replicas: tuple[int, ...]
    stays: frozenset[int] = frozenset()

    def load(self, level: int) -> float:
        """Replicas of a level that the traffic fills up to their cap."""
        here = ((unit, parts[level]) for unit, parts in enumerate(self.parts) if level in parts)
        return math.fsum(float(self.units.shares[unit, level]) * part for unit, part in here)

    def with_fewest(self) -> Flows:
        """With as many replicas as the traffic needs; none where none goes."""
        used = {level for parts in self.parts for level in parts}
        needed = [math.ceil(self.load(level) - _ROUND) for level in range(len(self.table.prices))]
        replicas = tuple(max(count, int(level in used)) for level, count in enumerate(needed))
        return replace(self, replicas=replicas)

    def over(self) -> int:
        """Devices that there are not."""
        problem = self.table.problem
        left = {row.device: row.count for row in problem.capacities}
        for level, count in zip(problem.levels, self.replicas, strict=True):
            left[level.pool.device] -= level.pool.tp * count
        return -sum(min(0, count) for count in left.values())

    def price(self) -> float:
        """The aim an hour: replicas and what calls cost beside them."""
        replicas = (price * count for price, count in zip(self.table.prices, self.replicas, strict=True))
        fees = (
            part * self.units.fees[unit, level]
            for unit, parts in enumerate(self.parts)
            for level, part in parts.items()
        )
        return math.fsum(replicas) + math.fsum(fees)

    @property
    def is_split(self) -> bool:
        """Whether the traffic of some unit goes to several levels."""
        return any(len(parts) > 1 for parts in self.parts)

    def placement(self) -> SharedPlacement:
        """The record that is judged; of several levels the one with the largest share stands in `agents`."""
        main = [max(parts, key=lambda level: (parts[level], -level)) for parts in self.parts]
        routes: dict[tuple[int, int], dict[int, float]] = {}
        for unit, parts in zip(self.units.units, self.parts, strict=True):
            if len(parts) > 1:
                for index, member in enumerate(unit.members):
                    routes[unit.agent, member] = {unit.places[at][index]: part for at, part in sorted(parts.items())}
        return SharedPlacement(placements_of(self.table, self.units, main), self.replicas, routes)


def flows_of(table: Surrogate, plan: SharedPlacement) -> Flows | None:
    """A plan as flows; None where its units' options are not the first of several at their level."""
    units = units_of(table, [one.alternative for one in plan.agents])
    parts: list[Mapping[int, float]] = []
    for unit in units.units:
        shares = [_by_level(table, plan, unit.agent, member) for member in unit.members]
        levels = {level: tuple(row[level][0] for row in shares) for level in shares[0]}
        if any(unit.places.get(level) != options for level, options in levels.items()):
            return None
        parts.append({level: share for level, (_, share) in shares[0].items()})
    return Flows(table, units, tuple(parts), plan.replicas)


def _by_level(table: Surrogate, plan: SharedPlacement, agent: int, operator: int) -> dict[int, tuple[int, float]]:
    """By level that an operator is at, its option and the share of runs."""
    options = table.agents[agent].problem.operators[operator].options
    option = plan.agents[agent].option[operator]
    assert option is not None, "units are of operators that run"
    return {options[one].pool: (one, share) for one, share in plan.routes.get((agent, operator), {option: 1.0}).items()}


def cheaper(flows: Flows) -> list[Flows]:
    """Moves of traffic from one level to another that cost less, or need fewer devices that are absent; best first."""
    over, price = flows.over(), flows.price()
    found: list[tuple[int, float, int, Flows]] = []
    used = [level for level, count in enumerate(flows.replicas) if count]
    for source in used:
        for target in range(len(flows.replicas)):
            if target == source:
                continue
            for moved in _moves(flows, source, target):
                new_over, new_price = moved.over(), moved.price()
                if new_over < over or (new_over == over == 0 and new_price < price * (1.0 - _ROUND)):
                    found.append((new_over, new_price, len(found), moved))
    return [moved for *_, moved in sorted(found, key=lambda row: row[:3])]


def _moves(flows: Flows, source: int, target: int) -> Iterator[Flows]:
    """Moves that leave fewer replicas at `source`: as little traffic as that takes, and half as much again."""
    movable = _movable(flows, source, target)
    if not movable:
        return
    pools = [level.pool for level in flows.table.problem.levels]
    load, there = flows.load(source), flows.load(target)
    count = flows.replicas[source]
    room = flows.replicas[target] + _spare(flows, pools[source], pools[target], count)
    full = _taken(flows, movable, (source, target), math.inf, room - there)
    left = max(0.0, load - sum(part * flows.units.shares[unit, source] for unit, part in full.items()))
    fewest = math.ceil(left - _ROUND)
    counts = {fewest, *range(count - 1, max(fewest, count - _MOST_STEPS) - 1, -1)}
    for fewer in sorted(one for one in counts if fewest <= one < count):
        need = max(0.0, load - fewer)
        for amount in (need, need + 0.5 * max(0.0, load - left - need)):
            moved = _taken(flows, movable, (source, target), amount, room - there)
            if moved and amount > 0.0:
                yield _after(flows, moved, (source, target), fewer)


def _movable(flows: Flows, source: int, target: int) -> list[int]:
    """The units at `source` that may go to `target`, those first whose load there is smallest for theirs here."""
    shares, pools = flows.units.shares, [level.pool for level in flows.table.problem.levels]
    if not _alike(pools[source], pools[target]):
        return []
    found = [
        index
        for index, unit in enumerate(flows.units.units)
        if target in unit.places
        and flows.parts[index].get(source, 0.0) > 0.0
        and shares[index, source] > 0.0
        and index not in flows.stays
    ]
    return sorted(found, key=lambda unit: shares[unit, target] / shares[unit, source])


def _alike(one: Pool, other: Pool) -> bool:
    """A plan document says once for an operator which model answers and what drives it."""
    return (one.model, one.driver) == (other.model, other.driver)


def _spare(flows: Flows, source: Pool, target: Pool, replicas: int) -> int:
    """Replicas of `target` that free devices, and those of `source` where the class is the same, have room for."""
    problem = flows.table.problem
    free = sum(row.count for row in problem.capacities if row.device == target.device)
    for level, count in zip(problem.levels, flows.replicas, strict=True):
        free -= level.pool.tp * count if level.pool.device == target.device else 0
    if source.device == target.device:
        free += source.tp * replicas
    return max(0, free // target.tp)


def _taken(flows: Flows, units: list[int], ends: tuple[int, int], amount: float, room: float) -> dict[int, float]:
    """By unit the part of all runs that moves, until `amount` has left the source or `room` at the target is full."""
    source, target = ends
    found: dict[int, float] = {}
    for unit in units:
        here, there = float(flows.units.shares[unit, source]), float(flows.units.shares[unit, target])
        part = min(flows.parts[unit][source], amount / here, max(0.0, room) / there if there else math.inf)
        if part > _LEAST_SHARE:
            found[unit] = part
            amount, room = amount - part * here, room - part * there
    return found


def _after(flows: Flows, moved: Mapping[int, float], ends: tuple[int, int], fewer: int) -> Flows:
    source, target = ends
    parts = list(flows.parts)
    for unit, part in moved.items():
        row = dict(parts[unit])
        left = row.pop(source) - part
        if left > _LEAST_SHARE:
            row[source] = left
        row[target] = row.get(target, 0.0) + (part if left > _LEAST_SHARE else part + left)
        parts[unit] = row
    replicas = list(flows.replicas)
    after = replace(flows, parts=tuple(parts))
    is_used = any(target in row for row in parts)
    replicas[source] = max(fewer, math.ceil(after.load(source) - _ROUND), int(any(source in row for row in parts)))
    replicas[target] = max(replicas[target], math.ceil(after.load(target) - _ROUND), int(is_used))
    return replace(after, replicas=tuple(replicas))
