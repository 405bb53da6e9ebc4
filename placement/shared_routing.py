"""Which options of a shared placement serve what share of runs, and what its data transfers take.

With `routes` an operator uses several levels; then a time is a mean over them, or the largest of them, by statistic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from placement.evaluate import PlacementError, chosen_options, place_pair
from placement.problem import Edge, Placement, Transfer
from placement.shared_prepared import PreparedAgent, PreparedShared
from placement.shared_problem import SharedPlacement

_SHARE_TOLERANCE = 1e-9

Shares = tuple[tuple[int, float], ...]
"""(option, share of runs) of an operator, in the order of their levels; empty where its alternative is not taken."""

Move = tuple[float, int, int, Transfer]
"""The share of runs that go from one option to another, and the transfer that this takes."""


@dataclass(frozen=True, slots=True)
class Routed:
    """One agent's placement: by operator its `shares`, by edge its `moves`, and the pairs that cannot exchange data."""

    placement: Placement
    shares: tuple[Shares, ...]
    moves: tuple[tuple[Move, ...], ...]
    forbidden: tuple[str, ...]


def route(prepared: PreparedShared, placement: SharedPlacement) -> tuple[Routed, ...]:
    """[agent] what runs where. Raises `PlacementError` for a placement that does not fit its problem."""
    levels = len(prepared.problem.levels)
    if len(placement.agents) != len(prepared.agents) or len(placement.replicas) != levels:
        raise PlacementError("a shared placement has one placement for each agent and one count for each level")
    for level, replicas in zip(prepared.problem.levels, placement.replicas, strict=True):
        if replicas < 0:
            raise PlacementError(f"level {level.pool.id} has {replicas} replicas; a count is >= 0")
    by_agent: list[dict[int, Mapping[int, float]]] = [{} for _ in prepared.agents]
    for (agent, operator), shares in placement.routes.items():
        if not 0 <= agent < len(by_agent) or not 0 <= operator < len(prepared.agents[agent].load.services):
            raise PlacementError(f"a route is for operator {operator} of agent {agent}, which is absent")
        by_agent[agent][operator] = shares
    rows = zip(prepared.agents, placement.agents, by_agent, strict=True)
    return tuple(_routed(agent, one, routes) for agent, one, routes in rows)


def mixed(pairs: Iterable[tuple[float, float]], stat: str) -> float:
    """Of (share, value) pairs the mean, or for any statistic but the mean the largest; 0 where there are none."""
    if stat == "mean":
        return math.fsum(share * value for share, value in pairs)
    return max((value for share, value in pairs if share > 0.0), default=0.0)


def _routed(agent: PreparedAgent, placement: Placement, routes: Mapping[int, Mapping[int, float]]) -> Routed:
    problem = agent.load.problem
    chosen_options(agent.prepared, placement)
    shares: list[Shares] = []
    for operator, option in enumerate(placement.option):
        found: Shares = () if option is None else ((option, 1.0),)
        if operator in routes:
            found = _checked(agent, operator, option, routes[operator])
        shares.append(found)
    forbidden: list[str] = []
    moves = [_moves(agent, edge, shares, forbidden.append) for edge in problem.edges]
    return Routed(placement, tuple(shares), tuple(moves), tuple(forbidden))


def _checked(agent: PreparedAgent, operator: int, option: int | None, routes: Mapping[int, float]) -> Shares:
    row = agent.load.problem.operators[operator]
    name = f"agent {agent.load.name}, operator {row.id}"
    if option is None or option not in routes:
        raise PlacementError(f"{name}: its route {dict(routes)} does not serve its option {option}")
    if not all(0 <= one < len(row.options) and share > 0.0 for one, share in routes.items()):
        raise PlacementError(f"{name}: its route {dict(routes)} names an absent option or a share that is not over 0")
    total = math.fsum(routes.values())
    if abs(total - 1.0) > _SHARE_TOLERANCE:
        raise PlacementError(f"{name}: the shares of its route {dict(routes)} sum to {total}, not to 1")
    return tuple(sorted(routes.items(), key=lambda pair: (row.options[pair[0]].pool, pair[0])))


def _moves(
    agent: PreparedAgent, edge: Edge, shares: Sequence[Shares], forbid: Callable[[str], None]
) -> tuple[Move, ...]:
    source, target = shares[edge.src], shares[edge.dst]
    if not source or not target:
        return ()
    problem = agent.load.problem
    src, dst = problem.operators[edge.src], problem.operators[edge.dst]
    joint = _together if agent.group[edge.src] == agent.group[edge.dst] else _apart
    found: list[Move] = []
    for share, one, other in joint(source, target):
        pair = place_pair(problem, edge, src.options[one], dst.options[other])
        move = edge.table.get(pair)
        if move is None:
            forbid(f"{agent.load.name}: {src.id} at {pair[0]} -> {dst.id} at {pair[1]}")
        else:
            found.append((share, one, other, move))
    return tuple(found)


def _apart(one: Shares, other: Shares) -> list[tuple[float, int, int]]:
    return [(p * q, source, target) for source, p in one for target, q in other]


def _together(one: Shares, other: Shares) -> list[tuple[float, int, int]]:
    """Both choose by one random number, in the order of levels: equal routes always choose the same level."""
    found: list[tuple[float, int, int]] = []
    i = j = 0
    left, right = one[0][1], other[0][1]
    while i < len(one) and j < len(other):
        share = min(left, right)
        if share > _SHARE_TOLERANCE:
            found.append((share, one[i][0], other[j][0]))
        left, right = left - share, right - share
        if left <= _SHARE_TOLERANCE:
            i += 1
            left = one[i][1] if i < len(one) else 0.0
        if right <= _SHARE_TOLERANCE:
            j += 1
            right = other[j][1] if j < len(other) else 0.0
    return found
