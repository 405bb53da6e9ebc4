"""Drops options that a better option of the same operator makes useless, so that the program to solve is smaller.

Only what provably keeps the optimum is dropped: from any placement that uses a dropped option, a move to the better one
breaks no limit and makes nothing dearer or slower, wherever the operator's neighbours are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from placement.evaluate import place_pair
from placement.prepared import Prepared, TimedBlock
from placement.presolve_chain import drop_replaced_places
from placement.problem import OpNode, Option, Placement, Problem


@dataclass(frozen=True, slots=True)
class Reduced:
    """A problem with fewer options; `kept` [operator] are the indices of its options in the original."""

    problem: Problem
    kept: tuple[tuple[int, ...], ...]

    def restore(self, placement: Placement) -> Placement:
        """The same placement in the original's indices."""
        pairs = zip(placement.option, self.kept, strict=True)
        return Placement(tuple(None if k is None else kept[k] for k, kept in pairs), placement.alternative)


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether a move is safe.

    Classes whose pools all fit at once; by pool, the operators that may use it; by operator, the edges that touch it;
    the members of groups; the edges whose latency only ever follows their source's own; the operators at the ends of a
    stream, whose time does not count in full before or after the transfer.
    """

    problem: Problem
    roomy: frozenset[str]
    users: Sequence[set[int]]
    edges: Sequence[set[int]]
    grouped: frozenset[int]
    following: frozenset[int]
    streaming: frozenset[int]


def presolve(prepared: Prepared) -> Reduced:
    """Drops every option that another one dominates, and places that a shorter chain replaces.

    The first of equal options stays.
    """
    problem, dead = drop_replaced_places(prepared.problem)
    facts = facts_of(replace(prepared, problem=problem))
    kept = tuple(() if index in dead else _kept(facts, index) for index in range(len(problem.operators)))
    operators = tuple(
        replace(operator, options=tuple(operator.options[index] for index in indices))
        for operator, indices in zip(problem.operators, kept, strict=True)
    )
    return Reduced(replace(problem, operators=operators), kept)


def facts_of(prepared: Prepared) -> Facts:
    """What decides whether moves of a problem are safe."""
    problem = prepared.problem
    users: list[set[int]] = [set() for _ in problem.pools]
    for index, operator in enumerate(problem.operators):
        for option in operator.options:
            users[option.pool].add(index)
    taken = dict.fromkeys(prepared.counts, 0)
    for pool, members in zip(problem.pools, users, strict=True):
        taken[pool.device] += pool.tp if members else 0
    edges: list[set[int]] = [set() for _ in problem.operators]
    for index, edge in enumerate(problem.edges):
        edges[edge.src].add(index)
        edges[edge.dst].add(index)
    return Facts(
        problem=problem,
        roomy=frozenset(device for device, count in prepared.counts.items() if taken[device] <= count),
        users=users,
        edges=edges,
        grouped=frozenset(member for group in problem.groups for member in group),
        following=frozenset(_following(prepared.root)),
        streaming=frozenset(end for edge in problem.edges if edge.items for end in (edge.src, edge.dst)),
    )


def _following(block: TimedBlock) -> Iterator[int]:
    """The edges that delay a node after an operator of the same block, so that every path along them passes it."""
    for step in block.steps:
        for wait in step.waits:
            if isinstance(block.steps[wait.position].node, OpNode):
                yield from wait.edges
        for inner in step.blocks:
            yield from _following(inner)


def _kept(facts: Facts, operator: int) -> tuple[int, ...]:
    """One pass in order of latency, cost and index, in which only an earlier option can dominate a later one.

    Only options that are kept are looked at, so every dropped one has a safe move to a kept one.
    """
    options = facts.problem.operators[operator].options
    kept: list[int] = []
    for index in sorted(range(len(options)), key=lambda one: (options[one].latency_s, options[one].cost_usd, one)):
        if not any(dominates(facts, operator, options[better], options[index]) for better in kept):
            kept.append(index)
    return tuple(sorted(kept))


def dominates(facts: Facts, operator: int, better: Option, worse: Option) -> bool:
    """Whether the operator may move from the worse option to the better one, wherever its neighbours are."""
    if better.latency_s > worse.latency_s or better.cost_usd > worse.cost_usd:
        return False
    if better.pool == worse.pool:
        return True
    if operator in facts.grouped or not _fits(facts, operator, better, worse):
        return False
    more = [0.0, 0.0]  # seconds more before the operator, and after it
    more_usd = 0.0
    for index in facts.edges[operator]:
        found = _worst_move(facts, operator, index, (better, worse))
        is_source = facts.problem.edges[index].src == operator
        if found is None or (found[0] > 0.0 and is_source and index not in facts.following):
            return False
        if found[0] > 0.0 and operator in facts.streaming:
            return False
        more[is_source] = max(more[is_source], found[0])
        more_usd += facts.problem.edges[index].visits * found[1]
    visits = facts.problem.operators[operator].visits
    saved_usd = visits * (worse.cost_usd - better.cost_usd)
    return sum(more) <= worse.latency_s - better.latency_s and more_usd <= saved_usd


def _fits(facts: Facts, operator: int, better: Option, worse: Option) -> bool:
    """The better pool adds no devices: its class has room for every pool, or it takes the place of the worse one."""
    one, other = facts.problem.pools[better.pool], facts.problem.pools[worse.pool]
    alone = facts.users[worse.pool] == {operator}
    return one.device in facts.roomy or (alone and one.device == other.device and one.tp <= other.tp)


def _worst_move(facts: Facts, operator: int, index: int, pair: tuple[Option, Option]) -> tuple[float, float] | None:
    """The most seconds and dollars that the edge takes more at the better option than at the worse one, at least 0.

    Over all places of the other end; None where the better option forbids what the worse one allows.
    """
    problem = facts.problem
    edge = problem.edges[index]
    better, worse = pair
    if edge.src == edge.dst:
        same = place_pair(problem, edge, better, better) == place_pair(problem, edge, worse, worse)
        return (0.0, 0.0) if same else None
    seconds, usd = 0.0, 0.0
    is_source = edge.src == operator
    for other in problem.operators[edge.dst if is_source else edge.src].options:
        then, now = (
            edge.table.get(
                place_pair(problem, edge, mine, other) if is_source else place_pair(problem, edge, other, mine)
            )
            for mine in (better, worse)
        )
        if now is None:
            continue
        if then is None:
            return None
        seconds = max(seconds, then.latency_s - now.latency_s)
        usd = max(usd, then.cost_usd - now.cost_usd)
    return seconds, usd
