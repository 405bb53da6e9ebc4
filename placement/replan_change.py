"""What an event changes for a running placement: which options are kept, and which operators it concerns.

The table before and the table after are of the same agent; what differs is the fleet, its prices or the SLA.
"""

from __future__ import annotations

from dataclasses import dataclass

from placement.check import ProblemError
from placement.evaluate import place_pair
from placement.prepared import Prepared, prepare
from placement.problem import Edge, Placement, Problem, Transfer

Row = tuple[float, float]
"""Seconds and dollars of one visit."""

Key = tuple[str, int, int]
"""A pool's id, the batch, and the how manieth such option: what tells an option again in another table."""


@dataclass(frozen=True, slots=True)
class Change:
    """`kept` [operator] is the same option in the table after; None where it is gone, or did not run.

    `concerned` are the operators that the event touches: their row, transfer or pool has changed or is short of
    devices, or an option of theirs is new, better, or of a class with more devices; with another SLA all of them.
    """

    before: Prepared
    after: Prepared
    running: Placement
    kept: tuple[int | None, ...]
    concerned: frozenset[int]


def change(before: Problem, running: Placement, after: Problem) -> Change:
    """Compares two tables of one agent. Raises `ProblemError` where they are of different agents."""
    _check_same(before, after)
    kept = tuple(_kept(before, after, index, option) for index, option in enumerate(running.option))
    concerned = set(_all(before) if _asks_otherwise(before, after) else ())
    concerned |= (
        _short(after, kept) | _changed_rows(before, running, after) | _changed_transfers(before, running, after)
    )
    concerned |= _better_off(before, after)
    for _ in after.groups:
        for group in after.groups:
            if concerned.intersection(group):
                concerned.update(group)
    return Change(prepare(before), prepare(after), running, kept, frozenset(concerned))


def _keys(problem: Problem, operator: int) -> list[Key]:
    seen: dict[tuple[str, int], int] = {}
    found: list[Key] = []
    for row in problem.operators[operator].options:
        name = problem.pools[row.pool].id, row.batch
        seen[name] = seen.get(name, 0) + 1
        found.append((*name, seen[name]))
    return found


def _check_same(before: Problem, after: Problem) -> None:
    same = [one.id for one in before.operators] == [one.id for one in after.operators]
    if not same or before.choices != after.choices or len(before.edges) != len(after.edges):
        raise ProblemError(
            f"{before.name} and {after.name} have different operators or choices; replan an agent as it was planned"
        )


def _all(problem: Problem) -> range:
    return range(len(problem.operators))


def _asks_otherwise(before: Problem, after: Problem) -> bool:
    return before.sla != after.sla or before.penalty_usd_per_s != after.penalty_usd_per_s


def _kept(before: Problem, after: Problem, index: int, option: int | None) -> int | None:
    if option is None:
        return None
    wanted, keys = _keys(before, index)[option], _keys(after, index)
    return keys.index(wanted) if wanted in keys else None


def _short(after: Problem, kept: tuple[int | None, ...]) -> set[int]:
    """Operators on classes that have fewer devices than the pools in use take."""
    used = {
        operator: row.options[option].pool
        for operator, (row, option) in enumerate(zip(after.operators, kept, strict=True))
        if option is not None
    }
    taken = {row.device: 0 for row in after.capacities}
    for pool in set(used.values()):
        taken[after.pools[pool].device] += after.pools[pool].tp
    short = {row.device for row in after.capacities if taken[row.device] > row.count}
    return {operator for operator, pool in used.items() if after.pools[pool].device in short}


def _changed_rows(before: Problem, running: Placement, after: Problem) -> set[int]:
    found: set[int] = set()
    for index, option in enumerate(running.option):
        if option is not None:
            wanted = _keys(before, index)[option]
            if _rows(after, index).get(wanted) != _rows(before, index)[wanted]:
                found.add(index)
    return found


def _rows(problem: Problem, operator: int) -> dict[Key, Row]:
    rows = zip(_keys(problem, operator), problem.operators[operator].options, strict=True)
    return {key: (row.latency_s, row.cost_usd) for key, row in rows}


def _changed_transfers(before: Problem, running: Placement, after: Problem) -> set[int]:
    found: set[int] = set()
    for edge, then in zip(before.edges, after.edges, strict=True):
        if edge.table is not then.table and _move(before, running, edge) != _move(before, running, then):
            found |= {edge.src, edge.dst}
    return found


def _move(problem: Problem, running: Placement, edge: Edge) -> Transfer | None:
    src, dst = running.option[edge.src], running.option[edge.dst]
    if src is None or dst is None:
        return None
    rows = problem.operators[edge.src].options[src], problem.operators[edge.dst].options[dst]
    return edge.table.get(place_pair(problem, edge, *rows))


def _better_off(before: Problem, after: Problem) -> set[int]:
    """Operators with an option that is new, faster, cheaper, or of a class that has more devices than before."""
    counts = {row.device: row.count for row in before.capacities}
    more = {row.device for row in after.capacities if row.count > counts.get(row.device, 0)}
    found: set[int] = set()
    for index, operator in enumerate(after.operators):
        known = _rows(before, index)
        for key, row in zip(_keys(after, index), operator.options, strict=True):
            old = known.get(key)
            if old is None or row.latency_s < old[0] or row.cost_usd < old[1] or after.pools[row.pool].device in more:
                found.add(index)
                break
    return found
