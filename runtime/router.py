"""Chooses the pool and the replica of each call, in time that grows with neither pools' size nor load.

Pools get runs in the proportion of their routes; within a pool the replica with the fewest calls per slot is next.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence, Set

from placement.plan import Route


class Replicas:
    """The replicas of a pool by load: calls in flight per slot."""

    def __init__(self, slots: Sequence[int]) -> None:
        self._slots = list(slots)
        self._in_flight = [0] * len(slots)
        self._heap = [(0.0, index) for index in range(len(slots))]

    def take(self) -> int:
        """The index of the least loaded replica, which has one call more from now on."""
        load, index = heapq.heappop(self._heap)
        while load != self._load(index):  # an entry that a later one has replaced
            load, index = heapq.heappop(self._heap)
        self._count(index, 1)
        return index

    def take_one(self, index: int) -> None:
        """That replica has one call more from now on, however loaded it is."""
        self._count(index, 1)

    def give_back(self, index: int) -> None:
        """A call of a replica has ended."""
        self._count(index, -1)

    def _load(self, index: int) -> float:
        return self._in_flight[index] / self._slots[index]

    def _count(self, index: int, change: int) -> None:
        self._in_flight[index] += change
        heapq.heappush(self._heap, (self._load(index), index))


class Router:
    """Spreads the runs of each operator over its routes by their shares, without chance; a run keeps its route.

    `groups` [operator]: operators with the same name take the same route; None takes its own. Without `groups` none do.
    In pools of `keeps` the replicas keep KV between the turns of a react: all its calls there go to one of them.
    """

    def __init__(
        self,
        routes: Sequence[Sequence[Route]],
        slots: Mapping[str, Sequence[int]],
        groups: Sequence[str | None] | None = None,
        keeps: Set[str] = frozenset(),
    ) -> None:
        self._routes = routes
        first: dict[str, int] = {}
        named = enumerate(groups or [None] * len(routes))
        self._first = [index if name is None else first.setdefault(name, index) for index, name in named]
        self._served = [[0] * len(entry) for entry in routes]
        self._taken: dict[str, dict[int, int]] = {}
        self._replicas = {pool: Replicas(counts) for pool, counts in slots.items()}
        self._keeps = keeps
        self._stays: dict[str, dict[tuple[str, str], int]] = {}

    def route(self, operator: int, run: str, react: str = "") -> tuple[str, int]:
        """The pool and replica of a run's next call of an operator (its index), in a `react`; give it back with
        `done`."""
        routes = self._routes[operator]
        pool = routes[self._choose(self._first[operator], run) if len(routes) > 1 else 0].pool
        if pool not in self._keeps:
            return pool, self._replicas[pool].take()
        stays = self._stays.setdefault(run, {})
        if (pool, react) in stays:
            self._replicas[pool].take_one(stays[pool, react])
        else:
            stays[pool, react] = self._replicas[pool].take()
        return pool, stays[pool, react]

    def done(self, pool: str, replica: int) -> None:
        """A call that `route` placed has ended."""
        self._replicas[pool].give_back(replica)

    def forget(self, run: str) -> None:
        """A run has ended, and keeps no routes and no KV."""
        self._taken.pop(run, None)
        self._stays.pop(run, None)

    def _choose(self, operator: int, run: str) -> int:
        """The route that the run took before, else the one that is furthest behind its share."""
        taken = self._taken.setdefault(run, {})
        if operator not in taken:
            served, routes = self._served[operator], self._routes[operator]
            total = sum(served) + 1
            lag = [route.share * total - count for route, count in zip(routes, served, strict=True)]
            taken[operator] = lag.index(max(lag))
            served[taken[operator]] += 1
        return taken[operator]
