"""Large metered problems: a Lagrangian ascent, and where devices are scarce one for each set of pools still possible.

Which pools are open is decided by branching: a class whose open pools take too many devices has one of them closed, or
kept for good with those closed that no longer fit beside it. A set whose bound is not far enough below the best
placement known is left, which proves as much of it.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from placement.batch_moves import better
from placement.decision_tables import Tables, tables_of
from placement.evaluate import score
from placement.lagrangian import Ascent, limit_of, start
from placement.prepared import Prepared
from placement.problem import Placement

LARGEST = 2e6
TOTAL = 2e7
"""Entries of the tables of an elimination; a problem that needs more is left to the program."""

ROOT_ROUNDS = 16
NODE_ROUNDS = 4
LEAF_ROUNDS = 24
"""Rounds at a time: where everything is open, at a set with too many pools, at one that fits."""

BETTER_EVERY = 8
"""Rounds between searches by moves."""

STALL = 48
"""A set that fits is left after so many rounds without a bound that is better by a ten thousandth."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """No placement costs less than `bound_usd`; `placement`, if any, keeps all limits and costs `objective_usd`."""

    bound_usd: float
    placement: Placement | None
    objective_usd: float


def search_bounded(prepared: Prepared, gap: float, time_s: float) -> Bounded | None:
    """Bound and placement, until they are within `gap` or time is spent.

    None for a problem that this cannot treat: alternatives, streams, too many operators side by side, or no placement.
    """
    end = time.monotonic() + time_s
    tables = tables_of(prepared)
    if tables is None or tables.plan.largest > LARGEST or tables.plan.total > TOTAL:
        return None
    search = _Search(prepared, gap, end)
    search.run(tables)
    if search.placement is None and not 0.0 < search.bound_usd < math.inf:
        return None
    bound = min(search.bound_usd, search.objective_usd)
    return Bounded(bound, search.placement, search.objective_usd)


@dataclass(slots=True)
class _Node:
    """Sets of pools: `is_open` may be used, `kept` of them stay open; `ascent` bounds what they cost."""

    is_open: frozenset[int]
    kept: frozenset[int]
    ascent: Ascent
    stalled: int = 0


@dataclass(slots=True)
class _Search:
    prepared: Prepared
    gap: float
    end: float
    placement: Placement | None = None
    objective_usd: float = math.inf
    bound_usd: float = 0.0
    settled_usd: float = math.inf
    queue: list[tuple[float, int, _Node]] = field(default_factory=list["tuple[float, int, _Node]"])
    tickets: Iterator[int] = field(default_factory=itertools.count)

    def run(self, tables: Tables) -> None:
        pools = frozenset(pool for operator in range(len(tables.kept)) for pool in tables.pools(operator))
        is_open = self.fitting(pools, frozenset())
        fitting = tables.within(is_open)
        if fitting is None:
            return
        root = _Node(is_open, frozenset(), start(fitting))
        crowded = self.crowded(root)
        self.take(root)
        self.climb(root, ROOT_ROUNDS, moves=not crowded)
        self.push(root)
        self.dive()
        while self.queue and time.monotonic() < self.end and not self.close():
            self.branch(heapq.heappop(self.queue)[2])
        self.close()

    def close(self) -> bool:
        """Whether the gap is proven."""
        self.bound_usd = min(self.settled_usd, self.queue[0][0] if self.queue else math.inf)
        return self.placement is not None and self.objective_usd - self.bound_usd <= self.gap * self.objective_usd

    def dive(self) -> None:
        """Straight down to the first placement, by the more promising child of each node."""
        while self.queue and self.placement is None and time.monotonic() < self.end:
            deepest = min(len(node.is_open) for _, _, node in self.queue)
            at = (index for index, (_, _, node) in enumerate(self.queue) if len(node.is_open) == deepest)
            _, _, node = self.queue.pop(min(at, key=lambda index: self.queue[index][:2]))
            heapq.heapify(self.queue)
            self.branch(node)

    def push(self, node: _Node) -> None:
        """A node that may hold something better waits for its turn; one that need not be looked into is settled."""
        bound = node.ascent.bound_usd
        if math.isinf(bound):
            return
        done = node.stalled >= STALL and not self.crowded(node)
        if done or bound >= self.objective_usd * (1.0 - self.gap):
            self.settled_usd = min(self.settled_usd, bound)
            return
        heapq.heappush(self.queue, (bound, next(self.tickets), node))

    def branch(self, node: _Node) -> None:
        """Closes a pool of a class with too many open, or keeps it; the more promising child goes first."""
        if node.ascent.bound_usd >= self.objective_usd * (1.0 - self.gap):
            self.settled_usd = min(self.settled_usd, node.ascent.bound_usd)
            return
        if not self.crowded(node):
            self.climb(node, LEAF_ROUNDS, moves=True)
            self.push(node)
            return
        pool = self.contested(node)
        for left, kept in ((node.is_open - {pool}, node.kept), (node.is_open, node.kept | {pool})):
            is_open = self.fitting(left, kept)
            tables = node.ascent.tables.within(is_open)
            if tables is None:
                continue
            child = _Node(is_open, kept, Ascent(tables, node.ascent.prices.copy(), node.ascent.bound_usd))
            leaf = not self.crowded(child)
            self.climb(child, LEAF_ROUNDS if leaf else NODE_ROUNDS, moves=leaf)
            self.push(child)

    def climb(self, node: _Node, rounds: int, *, moves: bool) -> None:
        """Rounds of ascent, to the gap at most; with `moves`, placements are bettered now and then."""
        ascent = node.ascent
        for count in range(1, rounds + 1):
            if time.monotonic() > self.end or ascent.bound_usd >= self.objective_usd * (1.0 - self.gap):
                return
            before = ascent.bound_usd
            ascent.round()
            self.take(node)
            if math.isinf(ascent.bound_usd) or math.isinf(limit_of(ascent.tables)):
                node.stalled = STALL
                return
            if moves and count % BETTER_EVERY == 0:
                self.improve(node)
            node.stalled = 0 if ascent.bound_usd > before * (1.0 + 1e-4) else node.stalled + 1

    def take(self, node: _Node) -> None:
        """Keeps the ascent's last placement if it keeps all limits and is better."""
        tables, chosen = node.ascent.tables, node.ascent.chosen
        if self.over(self.used(tables, chosen)) is not None:
            return
        found = score(self.prepared, tables.placement(chosen))
        if found.feasible and found.objective_usd < self.objective_usd:
            self.placement, self.objective_usd = tables.placement(chosen), found.objective_usd

    def improve(self, node: _Node) -> None:
        found = better(node.ascent.tables, node.ascent.chosen, self.end, node.ascent.charged)
        if found is not None:
            self.offer(node.ascent.tables, found[1], found[0])

    def offer(self, tables: Tables, chosen: list[int], usd: float) -> None:
        if usd < self.objective_usd and self.over(self.used(tables, chosen)) is None:
            self.placement, self.objective_usd = tables.placement(chosen), usd

    def used(self, tables: Tables, chosen: list[int]) -> frozenset[int]:
        rows = zip(self.prepared.problem.operators, tables.kept, chosen, strict=True)
        return frozenset(operator.options[kept[one]].pool for operator, kept, one in rows)

    def over(self, pools: frozenset[int]) -> str | None:
        """A class of which these pools take more devices than there are, the one that is over by most."""
        taken = dict.fromkeys(self.prepared.counts, 0)
        for pool in pools:
            row = self.prepared.problem.pools[pool]
            taken[row.device] += row.tp
        worst = max(taken, key=lambda device: taken[device] / max(1, self.prepared.counts[device]), default=None)
        return worst if worst is not None and taken[worst] > self.prepared.counts[worst] else None

    def crowded(self, node: _Node) -> bool:
        return self.over(node.is_open) is not None

    def contested(self, node: _Node) -> int:
        """Of the class whose crowd costs most, the pool that costs most: dollars spent in it by the last placement."""
        tables, chosen = node.ascent.tables, node.ascent.chosen
        usd = dict.fromkeys(sorted(node.is_open), 0.0)
        for operator, one in enumerate(chosen):
            usd[tables.pools(operator)[one]] += float(tables.usd[operator][one])
        best: tuple[float, int] | None = None
        for device, count in self.prepared.counts.items():
            pools = [pool for pool in usd if self.prepared.problem.pools[pool].device == device]
            if sum(self.prepared.problem.pools[pool].tp for pool in pools) <= count:
                continue
            free = sorted((pool for pool in pools if pool not in node.kept), key=lambda pool: -usd[pool])
            spent = [usd[pool] for pool in free]
            crowd = sum(spent) - max(spent) if len(spent) > 1 else spent[0]
            if best is None or crowd > best[0]:
                best = crowd, free[0]
        assert best is not None, "only crowded nodes are branched"
        return best[1]

    def fitting(self, is_open: frozenset[int], kept: frozenset[int]) -> frozenset[int]:
        """Without the pools that no longer fit beside those kept."""
        left = dict(self.prepared.counts)
        for pool in kept:
            left[self.prepared.problem.pools[pool].device] -= self.prepared.problem.pools[pool].tp
        rows = self.prepared.problem.pools
        return frozenset(pool for pool in is_open if pool in kept or rows[pool].tp <= left[rows[pool].device])
