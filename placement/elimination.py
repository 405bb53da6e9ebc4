"""The least sum of tables over one or two decisions each, exactly, by eliminating one decision after another.

Agents are chains of narrow stages: few decisions are open at once, so that the tables stay small where a search over
all decisions together would never end (Bertele and Brioschi, Nonserial dynamic programming, 1972).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Step:
    """`decision` goes; what is left is a table over `others`, which joins the step `to` (None: it is a number).

    `pairs` are (pair, whether its table is turned round, shape here); `shape` that of what comes from `arrivals`, the
    earlier steps, by step its shape here after `turn`.
    """

    decision: int
    others: tuple[int, ...]
    own: tuple[int, ...]
    pairs: tuple[tuple[int, bool, tuple[int, ...]], ...]
    arrivals: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Elimination:
    """An order of elimination for decisions of these sizes; `largest` and `total` count entries of its tables."""

    sizes: tuple[int, ...]
    steps: tuple[_Step, ...]
    largest: float
    total: float


def order_of(sizes: Sequence[int], pairs: Sequence[Pair]) -> list[tuple[int, tuple[int, ...]]]:
    """Each decision with those that its elimination joins, the one with the smallest table next."""
    beside: list[set[int]] = [set() for _ in sizes]
    for one, other in pairs:
        if one != other:
            beside[one].add(other)
            beside[other].add(one)

    def entries(decision: int) -> float:
        return math.prod(float(sizes[one]) for one in beside[decision]) * sizes[decision]

    queue = [(entries(decision), decision) for decision in range(len(sizes))]
    heapq.heapify(queue)
    gone = [False] * len(sizes)
    found: list[tuple[int, tuple[int, ...]]] = []
    while queue:
        count, decision = heapq.heappop(queue)
        if gone[decision] or count != entries(decision):
            continue
        gone[decision] = True
        others = tuple(sorted(beside[decision]))
        found.append((decision, others))
        for one in others:
            beside[one] |= set(others) - {one}
            beside[one].discard(decision)
        for one in others:
            heapq.heappush(queue, (entries(one), one))
    return found


def plan_elimination(
    sizes: Sequence[int], pairs: Sequence[Pair], order: Sequence[tuple[int, tuple[int, ...]]]
) -> Elimination:
    """The elimination in this order. Pairs are of two different decisions."""
    place = {decision: index for index, (decision, _) in enumerate(order)}
    here: list[list[int]] = [[] for _ in order]
    for index, ends in enumerate(pairs):
        here[min(place[end] for end in ends)].append(index)
    arrivals: list[list[tuple[int, tuple[int, ...]]]] = [[] for _ in order]
    for index, (_, others) in enumerate(order):
        if others:
            arrivals[min(place[one] for one in others)].append((index, others))
    steps: list[_Step] = []
    entries: list[float] = []
    for index, (decision, others) in enumerate(order):
        axes = (decision, *others)
        entries.append(math.prod(float(sizes[one]) for one in axes))
        own = tuple(sizes[one] if one == decision else 1 for one in axes)
        tables = tuple(_pair(pair, pairs[pair], axes, sizes) for pair in here[index])
        joined = tuple(_arrival(step, scope, axes, sizes) for step, scope in arrivals[index])
        steps.append(_Step(decision, others, own, tables, joined))
    return Elimination(tuple(sizes), tuple(steps), max(entries, default=0.0), math.fsum(entries))


def _pair(index: int, ends: Pair, axes: Sequence[int], sizes: Sequence[int]) -> tuple[int, bool, tuple[int, ...]]:
    turned = axes.index(ends[0]) > axes.index(ends[1])
    return index, turned, tuple(sizes[one] if one in ends else 1 for one in axes)


def _arrival(
    step: int, scope: Sequence[int], axes: Sequence[int], sizes: Sequence[int]
) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    turn = sorted(range(len(scope)), key=lambda place: axes.index(scope[place]))
    return step, tuple(turn), tuple(sizes[one] if one in scope else 1 for one in axes)


def least(plan: Elimination, single: Sequence[Floats], pairs: Sequence[Floats]) -> tuple[float, list[int]]:
    """The least sum and a choice of all decisions that has it; infinite where every choice is forbidden.

    `single` [decision] are tables by choice, `pairs` [pair] by the choices of its ends; infinite entries forbid.
    """
    left: list[Floats] = []
    full: list[Floats] = []
    total = 0.0
    for step in plan.steps:
        tables = [
            pairs[index].T.reshape(shape) if turned else pairs[index].reshape(shape)
            for index, turned, shape in step.pairs
        ]
        tables += [left[index].transpose(turn).reshape(shape) for index, turn, shape in step.arrivals]
        tables.sort(key=np.size)
        table = single[step.decision].reshape(step.own)
        for each in tables:
            table = table + each
        full.append(table)
        left.append(table.min(axis=0))
        if not step.others:
            total += float(left[-1])
    chosen = [0] * len(plan.sizes)
    for step, table in zip(reversed(plan.steps), reversed(full), strict=True):
        chosen[step.decision] = int(table[:, *(chosen[one] for one in step.others)].argmin())
    return total, chosen
