"""Drops levels that another level makes useless for every operator, so that the program to solve is smaller.

Only what provably keeps the optimum is dropped: all users of a dropped level can move to the better one, one after
another, and break no limit, take no longer, and need no more replicas, dollars, watts or devices of a scarce class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from placement.prepared import Prepared, with_tables
from placement.presolve import Facts, dominates, facts_of
from placement.problem import Placement
from placement.shared_problem import FirstOutput
from placement.shared_surrogate import Surrogate, allowed


@dataclass(frozen=True, slots=True)
class ReducedShared:
    """A surrogate with fewer options; `kept` [agent][operator] are the indices of its options in the original."""

    table: Surrogate
    kept: tuple[tuple[tuple[int, ...], ...], ...]
    levels: int

    def restore(self, placements: Sequence[Placement]) -> tuple[Placement, ...]:
        """The same placements in the original's indices."""
        return tuple(
            Placement(
                tuple(None if k is None else rows[k] for k, rows in zip(one.option, kept, strict=True)), one.alternative
            )
            for one, kept in zip(placements, self.kept, strict=True)
        )

    def narrow(self, placements: Sequence[Placement]) -> tuple[Placement, ...] | None:
        """The same placements in the reduced indices; None where one uses an option that was dropped."""
        found: list[Placement] = []
        for one, kept in zip(placements, self.kept, strict=True):
            option: list[int | None] = []
            for k, rows in zip(one.option, kept, strict=True):
                if k is not None and k not in rows:
                    return None
                option.append(None if k is None else rows.index(k))
            found.append(Placement(tuple(option), one.alternative))
        return tuple(found)


_Users = Mapping[tuple[int, int], Sequence[int]]
"""By (agent, operator), its options at a level."""


def _with_sources(facts: Facts, first: FirstOutput | None) -> Facts:
    """What gives the first output is like the source of a stream: a transfer after it does not make up for its time."""
    sources = {operator for operator, _ in first.sources} if first else set[int]()
    return replace(facts, streaming=facts.streaming | sources)


def presolve_shared(table: Surrogate) -> ReducedShared:
    """Drops every level that another dominates, one after another, and what a tenant's rule forbids."""
    worse = dominating_levels(table)
    return _reduced(table, frozenset(level for level, rows in enumerate(_users(table)) if rows and level not in worse))


def dominating_levels(table: Surrogate) -> dict[int, int]:
    """By level that can be dropped, the one that is kept and dominates it."""
    users = _users(table)
    facts = [
        _with_sources(facts_of(prepared), load.first_output)
        for prepared, load in zip(table.agents, table.problem.agents, strict=True)
    ]
    roomy = _roomy(table, users)
    kept: list[int] = []
    found: dict[int, int] = {}
    order = sorted(
        (level for level, rows in enumerate(users) if rows), key=lambda at: (table.prices[at], -len(users[at]), at)
    )
    for level in order:
        pairs = ((other, (users[other], users[level])) for other in kept)
        better = next((one for one, both in pairs if _dominates_level(table, both, (one, level), facts, roomy)), None)
        if better is None:
            kept.append(level)
        else:
            found[level] = better
    return found


def _users(table: Surrogate) -> list[dict[tuple[int, int], list[int]]]:
    users: list[dict[tuple[int, int], list[int]]] = [{} for _ in table.prices]
    for agent, prepared in enumerate(table.agents):
        for index, operator in enumerate(prepared.problem.operators):
            for option, row in enumerate(operator.options):
                if allowed(table.problem, agent, row.pool):
                    users[row.pool].setdefault((agent, index), []).append(option)
    return users


def _roomy(table: Surrogate, users: Sequence[_Users]) -> frozenset[str]:
    """The classes whose devices suffice for every level at the load of all that may use it."""
    taken = {row.device: 0 for row in table.problem.capacities}
    for level, rows in enumerate(users):
        most = math.fsum(max(table.shares[a][o][k] for k in options) for (a, o), options in rows.items())
        pool = table.problem.levels[level].pool
        taken[pool.device] += pool.tp * (math.ceil(most) + 1 if rows else 0)
    return frozenset(row.device for row in table.problem.capacities if taken[row.device] <= row.count)


def _dominates_level(
    table: Surrogate, users: tuple[_Users, _Users], pair: tuple[int, int], facts: Sequence[Facts], roomy: frozenset[str]
) -> bool:
    better, worse = table.problem.levels[pair[0]], table.problem.levels[pair[1]]
    if table.prices[pair[0]] > table.prices[pair[1]]:
        return False
    budget = table.problem.budget
    dearer = (
        budget.usd_per_hour is not None and better.usd_per_hour > worse.usd_per_hour,
        budget.watts is not None and better.watts > worse.watts,
        budget.gco2e_per_hour is not None and better.gco2e_per_hour > worse.gco2e_per_hour,
    )
    takes_place = better.pool.device == worse.pool.device and better.pool.tp <= worse.pool.tp
    if any(dearer) or not (takes_place or better.pool.device in roomy):
        return False
    return all(_has_better(table, facts, user, options, users[0].get(user, ())) for user, options in users[1].items())


def _has_better(
    table: Surrogate, facts: Sequence[Facts], user: tuple[int, int], worse: Sequence[int], better: Sequence[int]
) -> bool:
    agent, operator = user
    rows, shares = table.agents[agent].problem.operators[operator].options, table.shares[agent][operator]
    fees = table.fees[agent][operator]
    return all(
        any(
            shares[b] <= shares[w] and fees[b] <= fees[w] and dominates(facts[agent], operator, rows[b], rows[w])
            for b in better
        )
        for w in worse
    )


def _reduced(table: Surrogate, levels: frozenset[int]) -> ReducedShared:
    agents: list[Prepared] = []
    shares: list[tuple[tuple[float, ...], ...]] = []
    fees: list[tuple[tuple[float, ...], ...]] = []
    kept: list[tuple[tuple[int, ...], ...]] = []
    for agent, (prepared, rows) in enumerate(zip(table.agents, table.shares, strict=True)):
        indices = tuple(
            tuple(
                k
                for k, option in enumerate(operator.options)
                if option.pool in levels and allowed(table.problem, agent, option.pool)
            )
            for operator in prepared.problem.operators
        )
        pairs = list(zip(prepared.problem.operators, indices, strict=True))
        operators = tuple(replace(o, options=tuple(o.options[k] for k in ks)) for o, ks in pairs)
        agents.append(with_tables(prepared, replace(prepared.problem, operators=operators)))
        shares.append(tuple(tuple(row[k] for k in ks) for row, ks in zip(rows, indices, strict=True)))
        fees.append(tuple(tuple(row[k] for k in ks) for row, ks in zip(table.fees[agent], indices, strict=True)))
        kept.append(indices)
    return ReducedShared(
        replace(table, agents=tuple(agents), shares=tuple(shares), fees=tuple(fees)), tuple(kept), len(levels)
    )
