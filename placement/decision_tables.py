"""A metered problem as arrays: dollars and seconds of every option, and of every pair of options at a transfer's ends.

For solvers that look at many placements at once. Alternatives and streams are left to the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placement.elimination import Elimination, Floats, Pair, order_of, plan_elimination
from placement.evaluate import place_pair
from placement.path_weights import weighs
from placement.prepared import Prepared
from placement.problem import Edge, Placement
from placement.shared_paths import latencies

Labels = NDArray[np.intp]

_COLUMNS = 2048
"""Placements judged at once."""


@dataclass(frozen=True, slots=True)
class Tables:
    """`kept` [operator] are its options; `usd`, `seconds` [operator] and `pair_usd`, `pair_seconds` [pair] are by them.

    `pairs` are the ends of `edges` [pair] (None: the two must share a pool); infinite dollars forbid.
    """

    prepared: Prepared
    kept: tuple[tuple[int, ...], ...]
    usd: tuple[Floats, ...]
    seconds: tuple[Floats, ...]
    pairs: tuple[Pair, ...]
    edges: tuple[int | None, ...]
    pair_usd: tuple[Floats, ...]
    pair_seconds: tuple[Floats, ...]
    order: tuple[tuple[int, tuple[int, ...]], ...]
    plan: Elimination

    def judge(self, chosen: Labels) -> tuple[Floats, Floats]:
        """Dollars (infinite where forbidden) and seconds of [placement], from choices [operator, placement]."""
        found = [self._judge(chosen[:, first : first + _COLUMNS]) for first in range(0, chosen.shape[1], _COLUMNS)]
        return np.concatenate([usd for usd, _ in found]), np.concatenate([seconds for _, seconds in found])

    def _judge(self, chosen: Labels) -> tuple[Floats, Floats]:
        usd = np.zeros(chosen.shape[1])
        operator_s = np.zeros(chosen.shape)
        edge_s: dict[int, Floats] = {}
        for operator, row in enumerate(chosen):
            usd += self.usd[operator][row]
            operator_s[operator] = self.seconds[operator][row]
        for pair, (src, dst) in enumerate(self.pairs):
            usd += self.pair_usd[pair][chosen[src], chosen[dst]]
            edge = self.edges[pair]
            if edge is not None:
                edge_s[edge] = self.pair_seconds[pair][chosen[src], chosen[dst]]
        return usd, latencies(self.prepared, operator_s, edge_s, ())

    def placement(self, chosen: Sequence[int]) -> Placement:
        """The placement of these choices, in the problem's options."""
        return Placement(tuple(kept[one] for kept, one in zip(self.kept, chosen, strict=True)), ())

    def pools(self, operator: int) -> list[int]:
        """[choice] its pool."""
        options = self.prepared.problem.operators[operator].options
        return [options[index].pool for index in self.kept[operator]]

    def within(self, is_open: frozenset[int]) -> Tables | None:
        """Only the options of these pools; None where an operator has none left."""
        rows = [np.flatnonzero([pool in is_open for pool in self.pools(one)]) for one in range(len(self.kept))]
        if any(not len(row) for row in rows):
            return None
        ends = [np.ix_(rows[src], rows[dst]) for src, dst in self.pairs]
        sizes = [len(row) for row in rows]
        return replace(
            self,
            kept=tuple(tuple(kept[k] for k in row.tolist()) for kept, row in zip(self.kept, rows, strict=True)),
            usd=tuple(usd[row] for usd, row in zip(self.usd, rows, strict=True)),
            seconds=tuple(seconds[row] for seconds, row in zip(self.seconds, rows, strict=True)),
            pair_usd=tuple(table[at] for table, at in zip(self.pair_usd, ends, strict=True)),
            pair_seconds=tuple(table[at] for table, at in zip(self.pair_seconds, ends, strict=True)),
            plan=plan_elimination(sizes, self.pairs, self.order),
        )


def tables_of(prepared: Prepared) -> Tables | None:
    """The arrays; None for a problem with alternatives or streams, or with an operator that nothing can run."""
    problem = prepared.problem
    if not problem.operators or not weighs(prepared) or any(edge.src == edge.dst for edge in problem.edges):
        return None
    if any(not operator.options for operator in problem.operators):
        return None
    found = [_edge_tables(prepared, edge) for edge in problem.edges]
    pairs: list[Pair] = [(edge.src, edge.dst) for edge in problem.edges]
    edges: list[int | None] = list(range(len(pairs)))
    for first, *others in (sorted(set(group)) for group in problem.groups if group):
        for other in others:
            pairs.append((first, other))
            edges.append(None)
            found.append(_same_pool(prepared, first, other))
    sizes = [len(operator.options) for operator in problem.operators]
    order = order_of(sizes, pairs)
    return Tables(
        prepared=prepared,
        kept=tuple(tuple(range(size)) for size in sizes),
        usd=tuple(np.array([o.visits * row.cost_usd for row in o.options]) for o in problem.operators),
        seconds=tuple(np.array([row.latency_s for row in o.options]) for o in problem.operators),
        pairs=tuple(pairs),
        edges=tuple(edges),
        pair_usd=tuple(usd for usd, _ in found),
        pair_seconds=tuple(seconds for _, seconds in found),
        order=tuple(order),
        plan=plan_elimination(sizes, pairs, order),
    )


def _edge_tables(prepared: Prepared, edge: Edge) -> tuple[Floats, Floats]:
    """Dollars a run and seconds by the options of the edge's ends."""
    src, dst = (prepared.problem.operators[end].options for end in (edge.src, edge.dst))
    moves = [[edge.table.get(place_pair(prepared.problem, edge, one, other)) for other in dst] for one in src]
    usd = np.array([[np.inf if move is None else edge.visits * move.cost_usd for move in row] for row in moves])
    seconds = np.array([[0.0 if move is None else move.latency_s for move in row] for row in moves])
    return usd, seconds


def _same_pool(prepared: Prepared, one: int, other: int) -> tuple[Floats, Floats]:
    pools = [np.array([row.pool for row in prepared.problem.operators[end].options]) for end in (one, other)]
    usd = np.where(pools[0][:, None] == pools[1][None, :], 0.0, np.inf)
    return usd, np.zeros_like(usd)
