"""The smallest changes of a placement: one operator, or one group that shares a pool, to another option.

Heuristics walk along these moves, and an explanation names the next best one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placement.evaluate import place_pair, runs
from placement.prepared import Prepared
from placement.problem import Operator, Placement

Unit = tuple[int, ...]
"""Operators that move together."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The units that run under some alternatives, and for each operator the edges that touch it."""

    prepared: Prepared
    units: tuple[Unit, ...]
    edges: tuple[tuple[int, ...], ...]


def neighbourhood(prepared: Prepared, alternative: Sequence[int]) -> Neighbourhood:
    """The moves of placements with these alternatives."""
    edges: list[list[int]] = [[] for _ in prepared.problem.operators]
    for index, edge in enumerate(prepared.problem.edges):
        for operator in {edge.src, edge.dst}:
            edges[operator].append(index)
    return Neighbourhood(prepared, _units(prepared, alternative), tuple(map(tuple, edges)))


def _units(prepared: Prepared, alternative: Sequence[int]) -> tuple[Unit, ...]:
    leader = list(range(len(prepared.problem.operators)))
    running = [runs(prepared, index, alternative) for index in leader]
    for group in prepared.problem.groups:
        members = [leader[member] for member in group if running[member]]
        leader = [min(members) if one in members else one for one in leader]
    together: dict[int, list[int]] = {}
    for operator, first in enumerate(leader):
        if running[operator]:
            together.setdefault(first, []).append(operator)
    return tuple(map(tuple, together.values()))


def candidates(prepared: Prepared, unit: Unit) -> list[tuple[int, ...]]:
    """The ways to place a unit, one option for each member: every option of one, or a pool that all members share.

    On a shared pool each member takes its cheapest or each its fastest option.
    """
    operators = [prepared.problem.operators[member] for member in unit]
    if len(operators) == 1:
        return [(index,) for index in range(len(operators[0].options))]
    shared = {option.pool for option in operators[0].options}
    for operator in operators[1:]:
        shared &= {option.pool for option in operator.options}
    found: list[tuple[int, ...]] = []
    for pool in sorted(shared):
        cheapest = tuple(_least(operator, pool, by_cost=True) for operator in operators)
        fastest = tuple(_least(operator, pool, by_cost=False) for operator in operators)
        found += [cheapest] if cheapest == fastest else [cheapest, fastest]
    return found


def _least(operator: Operator, pool: int, *, by_cost: bool) -> int:
    def key(index: int) -> tuple[float, float]:
        option = operator.options[index]
        return (option.cost_usd, option.latency_s) if by_cost else (option.latency_s, option.cost_usd)

    return min((index for index, option in enumerate(operator.options) if option.pool == pool), key=key)


def moved(placement: Placement, unit: Unit, options: Sequence[int]) -> Placement:
    """The placement with the unit's operators at other options."""
    option = list(placement.option)
    for member, index in zip(unit, options, strict=True):
        option[member] = index
    return Placement(tuple(option), placement.alternative)


def price(around: Neighbourhood, option: Sequence[int | None], unit: Unit, usd_per_s: float) -> float:
    """Dollars a run that a unit and the transfers at its ends cost, with each second at a price; infinite if forbidden.

    Operators that are None have no place yet, and transfers to and from them cost nothing.
    """
    problem = around.prepared.problem
    total = 0.0
    touched: set[int] = set()
    for member in unit:
        index = option[member]
        if index is None:
            continue
        row = problem.operators[member].options[index]
        total += problem.operators[member].visits * (row.cost_usd + usd_per_s * row.latency_s)
        touched.update(around.edges[member])
    for index in touched:
        edge = problem.edges[index]
        src, dst = option[edge.src], option[edge.dst]
        if src is None or dst is None:
            continue
        ends = problem.operators[edge.src].options[src], problem.operators[edge.dst].options[dst]
        move = edge.table.get(place_pair(problem, edge, *ends))
        if move is None:
            return math.inf
        total += edge.visits * (move.cost_usd + usd_per_s * move.latency_s)
    return total
