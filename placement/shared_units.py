"""What moves as one in a search for shared placements: an operator, or a group that must share a level.

The search sees units and, for each, what it would take at every level; how a unit's operators look is not its business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placement.moves import candidates, neighbourhood
from placement.problem import Placement
from placement.shared_surrogate import Surrogate, allowed

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Unit:
    """`members` of `agent`; `places` maps a level to the members' options there, the first of several."""

    agent: int
    members: tuple[int, ...]
    places: dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Units:
    """All units that run, and by [unit, level]: share of a replica, dollars of fees an hour, seconds a run in all.

    Infinite where the unit has no place.
    """

    units: tuple[Unit, ...]
    alternatives: tuple[tuple[int, ...], ...]
    shares: Floats
    fees: Floats
    seconds: Floats


def units_of(table: Surrogate, alternatives: Sequence[Sequence[int]]) -> Units:
    """The units under the alternatives [agent][choice]."""
    units: list[Unit] = []
    for agent, (prepared, taken) in enumerate(zip(table.agents, alternatives, strict=True)):
        for members in neighbourhood(prepared, taken).units:
            places: dict[int, tuple[int, ...]] = {}
            for options in candidates(prepared, members):
                level = prepared.problem.operators[members[0]].options[options[0]].pool
                if allowed(table.problem, agent, level):
                    places.setdefault(level, options)
            units.append(Unit(agent, members, places))
    shape = len(units), len(table.prices)
    found = Units(
        tuple(units),
        tuple(tuple(row) for row in alternatives),
        np.full(shape, np.inf),
        np.full(shape, np.inf),
        np.full(shape, np.inf),
    )
    for index, unit in enumerate(units):
        operators = table.agents[unit.agent].problem.operators
        for level, options in unit.places.items():
            rows = list(zip(unit.members, options, strict=True))
            found.shares[index, level] = sum(table.shares[unit.agent][o][k] for o, k in rows)
            found.fees[index, level] = sum(operators[o].visits * operators[o].options[k].cost_usd for o, k in rows)
            found.seconds[index, level] = sum(operators[o].visits * operators[o].options[k].latency_s for o, k in rows)
    return found


def placements_of(table: Surrogate, units: Units, levels: Sequence[int]) -> tuple[Placement, ...]:
    """[agent] its placement when each unit is at its level."""
    options: list[list[int | None]] = [[None] * len(one.problem.operators) for one in table.agents]
    for unit, level in zip(units.units, levels, strict=True):
        for member, option in zip(unit.members, unit.places[level], strict=True):
            options[unit.agent][member] = option
    return tuple(Placement(tuple(row), taken) for row, taken in zip(options, units.alternatives, strict=True))
