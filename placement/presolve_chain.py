"""Drops places of a chain of three that a shorter chain of the same choice makes useless, before a program is built.

An offloaded decode runs prefill, attention and linear layers; a whole decode in the pool of the linear layers needs no
other pool, so it fits wherever the halves do. Where it is no dearer and no slower than the halves between two places,
moves counted, an optimum without that pair of places exists. On two devices of one class that is nearly always so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import product

from placement.evaluate import place_pair
from placement.prepared import inner_blocks
from placement.problem import Block, ChooseNode, Edge, OpNode, Option, Problem, Transfer

_ROUNDING = 1.0 + 1e-12
"""Sums of the same parts in another order are equal."""

_FREE = Transfer(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Long:
    """Operators `first`, `middle` and `last` of an alternative, one after another, and what moves between them."""

    first: int
    middle: int
    last: int
    into_middle: Edge
    between: int


@dataclass(frozen=True, slots=True)
class _Short:
    """Operators of an alternative that stand for a longer chain's. `move` is None where they share a pool."""

    first: int
    last: int
    move: Edge | None


def drop_replaced_places(problem: Problem) -> tuple[Problem, Set[int]]:
    """The problem without pairs of places that a shorter chain replaces, and the operators that cannot run then."""
    edges, dead = list(problem.edges), set[int]()
    for choose in _choices(problem.root):
        chains = [_operators(block) for block in choose.blocks]
        short = [found for one in chains if one and (found := _short(problem, one))]
        for one in chains:
            long = _long(problem, one) if one else None
            like = [each for each in short if long and _alike(problem, long, each)]
            if long is None or not like:
                continue
            between = edges[long.between]
            table = {pair: move for pair, move in between.table.items() if not _replaced(problem, long, like, pair)}
            edges[long.between] = replace(between, table=table)
            dead |= set() if table else {long.first, long.middle, long.last}
    return replace(problem, edges=tuple(edges)), dead


def _choices(block: Block) -> Iterator[ChooseNode]:
    for node in block.nodes:
        if isinstance(node, ChooseNode):
            yield node
        for inner in inner_blocks(node):
            yield from _choices(inner)


def _operators(block: Block) -> list[int] | None:
    """The operators of a block in which each waits for the one before; None for any other block."""
    found = [node.operator for node in block.nodes if isinstance(node, OpNode)]
    is_chain = all(index == 0 or index - 1 in waits for index, waits in enumerate(block.waits_for))
    return found if is_chain and len(found) == len(block.nodes) else None


def _between(problem: Problem, src: int, dst: int) -> list[int]:
    return [index for index, edge in enumerate(problem.edges) if (edge.src, edge.dst) == (src, dst)]


def _long(problem: Problem, chain: list[int]) -> _Long | None:
    if len(chain) != 3 or any(chain[0] in group or chain[1] in group or chain[2] in group for group in problem.groups):
        return None
    first, middle, last = chain
    into, between = _between(problem, first, middle), _between(problem, middle, last)
    touching = [edge for edge in problem.edges if middle in (edge.src, edge.dst)]
    if len(into) != 1 or len(between) != 1 or len(touching) != 2:
        return None
    return _Long(first, middle, last, problem.edges[into[0]], between[0])


def _short(problem: Problem, chain: list[int]) -> _Short | None:
    if len(chain) != 2:
        return None
    first, last = chain
    groups = [group for group in problem.groups if first in group or last in group]
    moves = _between(problem, first, last)
    if groups:
        return _Short(first, last, None) if [set(group) for group in groups] == [{first, last}] and not moves else None
    return _Short(first, last, problem.edges[moves[0]]) if len(moves) == 1 else None


def _alike(problem: Problem, long: _Long, short: _Short) -> bool:
    """Both chains begin with the same options, run as often, and exchange the same with what is outside, as wholes."""
    operators = problem.operators
    touched = {long.first, long.middle, long.last, short.first, short.last}
    if any(edge.items is not None and not touched.isdisjoint((edge.src, edge.dst)) for edge in problem.edges):
        return False
    same = operators[long.first].options == operators[short.first].options
    visits = {operators[one].visits for one in (long.first, long.middle, long.last, short.first, short.last)}
    pools = [problem.pools[option.pool] for option in operators[long.last].options]
    ends = {place for pool in pools for place in (pool.place, pool.kv_place)}
    return same and len(visits) == 1 and _outside(problem, long, ends) == _outside(problem, short, ends)


def _outside(problem: Problem, chain: _Long | _Short, ends: Set[str]) -> list[tuple[object, ...]]:
    """The edges between a chain and what is outside, with the chain's ends named alike; those that leave, from `ends`.

    A whole may run where its last part cannot; what leaves from there does not matter.
    """
    names = {chain.first: "first", chain.last: "last"}
    inside = {chain.first, chain.last, chain.middle if isinstance(chain, _Long) else chain.first}
    found: list[tuple[object, ...]] = []
    for edge in problem.edges:
        if (edge.src in inside) == (edge.dst in inside):
            continue
        leaves = edge.src in inside
        table = {pair: move for pair, move in edge.table.items() if not leaves or pair[0] in ends}
        found.append((names.get(edge.src, edge.src), names.get(edge.dst, edge.dst), edge.by, edge.visits, table))
    return found


def _replaced(problem: Problem, long: _Long, like: list[_Short], pair: tuple[str, str]) -> bool:
    """Whether a shorter chain stands for every choice of options between these two places."""
    by = problem.edges[long.between].by
    middles, lasts = (_at(problem, one, by, place) for one, place in zip((long.middle, long.last), pair, strict=True))
    for last in lasts:
        wholes = [
            (short, [each for each in problem.operators[short.last].options if each.pool == last.pool])
            for short in like
        ]
        for middle, first in product(middles, _firsts(problem, long.first, last)):
            options = first, middle, last
            if not any(_stands_for(problem, long, short, whole, options) for short, whole in wholes):
                return False
    return True


def _firsts(problem: Problem, operator: int, last: Option) -> list[Option]:
    """An option for each way in which the first operator's pool matters: its places, and whether it is the last's."""
    ways: dict[tuple[str, str, bool], Option] = {}
    for option in problem.operators[operator].options:
        pool = problem.pools[option.pool]
        ways.setdefault((pool.place, pool.kv_place, option.pool == last.pool), option)
    return list(ways.values())


def _at(problem: Problem, operator: int, by: str, place: str) -> list[Option]:
    """The operator's options at a place."""
    pools = problem.pools
    return [
        option
        for option in problem.operators[operator].options
        if (pools[option.pool].place if by == "place" else pools[option.pool].kv_place) == place
    ]


def _stands_for(
    problem: Problem, long: _Long, short: _Short, wholes: Sequence[Option], options: tuple[Option, Option, Option]
) -> bool:
    """Whether the shorter chain, its last operator in the longer's last pool, is no slower and no dearer."""
    first, middle, last = options
    visits = problem.operators[long.last].visits
    seconds, usd = middle.latency_s + last.latency_s, visits * (middle.cost_usd + last.cost_usd)
    for edge, src, dst in ((long.into_middle, first, middle), (problem.edges[long.between], middle, last)):
        move = edge.table.get(place_pair(problem, edge, src, dst))
        if move is None:
            return True
        seconds, usd = seconds + move.latency_s, usd + edge.visits * move.cost_usd
    moves = short.move.visits if short.move else 0.0
    return any(
        whole.latency_s + move.latency_s <= seconds
        and visits * whole.cost_usd + moves * move.cost_usd <= usd * _ROUNDING
        for whole in wholes
        if (move := _moved(problem, short, first, whole)) is not None
    )


def _moved(problem: Problem, short: _Short, first: Option, whole: Option) -> Transfer | None:
    """What goes from the first of a shorter chain to its last; None where that is forbidden."""
    if short.move is None:
        return _FREE if first.pool == whole.pool else None
    return short.move.table.get(place_pair(problem, short.move, first, whole))
