"""Drops options that a better option of the same operator makes useless, so that the program to solve is smaller.

Only what provably keeps the optimum is dropped: from any placement that uses a dropped option, a move to the better one
breaks no limit and makes nothing dearer or slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from placement.prepared import Prepared
from placement.problem import Option, Placement, Problem


@dataclass(frozen=True, slots=True)
class Reduced:
    """A problem with fewer options; `kept` [operator] are the indices of its options in the original."""

    problem: Problem
    kept: tuple[tuple[int, ...], ...]

    def restore(self, placement: Placement) -> Placement:
        """The same placement in the original's indices."""
        pairs = zip(placement.option, self.kept, strict=True)
        return Placement(tuple(None if k is None else kept[k] for k, kept in pairs), placement.alternative)

    def reduce(self, placement: Placement) -> Placement | None:
        """The same placement in the reduced indices; None where it uses a dropped option."""
        pairs = list(zip(placement.option, self.kept, strict=True))
        if any(k is not None and k not in kept for k, kept in pairs):
            return None
        return Placement(tuple(None if k is None else kept.index(k) for k, kept in pairs), placement.alternative)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What decides whether a move is safe.

    Classes whose pools all fit at once; by pool, the operators that may use it; by operator, the kinds of its edges;
    the members of groups.
    """

    problem: Problem
    roomy: frozenset[str]
    users: Sequence[set[int]]
    edges_by: Sequence[frozenset[str]]
    grouped: frozenset[int]


def presolve(prepared: Prepared) -> Reduced:
    """Drops every option that another one dominates; the first of equal ones stays."""
    problem = prepared.problem
    facts = _facts(prepared)
    kept = tuple(_kept(facts, index) for index in range(len(problem.operators)))
    operators = tuple(
        replace(operator, options=tuple(operator.options[index] for index in indices))
        for operator, indices in zip(problem.operators, kept, strict=True)
    )
    return Reduced(replace(problem, operators=operators), kept)


def _facts(prepared: Prepared) -> _Facts:
    problem = prepared.problem
    users: list[set[int]] = [set() for _ in problem.pools]
    for index, operator in enumerate(problem.operators):
        for option in operator.options:
            users[option.pool].add(index)
    taken = dict.fromkeys(prepared.counts, 0)
    for pool, members in zip(problem.pools, users, strict=True):
        taken[pool.device] += pool.tp if members else 0
    edges_by: list[set[str]] = [set() for _ in problem.operators]
    for edge in problem.edges:
        edges_by[edge.src].add(edge.by)
        edges_by[edge.dst].add(edge.by)
    return _Facts(
        problem=problem,
        roomy=frozenset(device for device, count in prepared.counts.items() if taken[device] <= count),
        users=users,
        edges_by=[frozenset(kinds) for kinds in edges_by],
        grouped=frozenset(member for group in problem.groups for member in group),
    )


def _kept(facts: _Facts, operator: int) -> tuple[int, ...]:
    """One pass in order of latency, cost and index, in which only an earlier option can dominate a later one.

    Only options that are kept are looked at, so every dropped one has a safe move to a kept one.
    """
    options = facts.problem.operators[operator].options
    kept: list[int] = []
    for index in sorted(range(len(options)), key=lambda one: (options[one].latency_s, options[one].cost_usd, one)):
        if not any(_dominates(facts, operator, options[better], options[index]) for better in kept):
            kept.append(index)
    return tuple(sorted(kept))


def _dominates(facts: _Facts, operator: int, better: Option, worse: Option) -> bool:
    if better.latency_s > worse.latency_s or better.cost_usd > worse.cost_usd:
        return False
    if better.pool == worse.pool:
        return True
    if operator in facts.grouped:
        return False
    one, other = facts.problem.pools[better.pool], facts.problem.pools[worse.pool]
    by = facts.edges_by[operator]
    if ("place" in by and one.place != other.place) or ("kv_place" in by and one.kv_place != other.kv_place):
        return False
    # The better pool adds no devices where its class has room for every pool, or where it takes the worse one's place.
    alone = facts.users[worse.pool] == {operator}
    return one.device in facts.roomy or (alone and one.device == other.device and one.tp <= other.tp)
