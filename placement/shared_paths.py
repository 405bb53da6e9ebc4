"""Latencies of many placements of one agent at once, as arrays: what makes a search over pairs of moves affordable.

A stream counts as one whole value, so that an array's latency is never under the judge's; answers are judged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placement.prepared import Prepared, Step, TimedBlock
from placement.problem import BranchNode, ChooseNode, LoopNode, OpNode

Floats = NDArray[np.float64]

FORBIDDEN_S = 1e12
"""What a forbidden transfer takes, so that no limit holds."""


@dataclass(frozen=True, slots=True)
class EdgeTimes:
    """Of an edge that takes time somewhere: `seconds` [source option, target option]."""

    edge: int
    src: int
    dst: int
    seconds: Floats


def edge_times(prepared: Prepared) -> list[EdgeTimes]:
    """The edges that take time or are forbidden between some options."""
    problem = prepared.problem
    found: list[EdgeTimes] = []
    for index, edge in enumerate(problem.edges):
        rows = [
            [_place(prepared, option.pool, edge.by) for option in problem.operators[end].options]
            for end in (edge.src, edge.dst)
        ]
        names = [sorted(set(row)) for row in rows]
        moves = [[edge.table.get((one, other)) for other in names[1]] for one in names[0]]
        seconds = np.array([[FORBIDDEN_S if move is None else move.latency_s for move in row] for row in moves])
        if seconds.size and seconds.any():
            at = [np.array([name.index(place) for place in row]) for name, row in zip(names, rows, strict=True)]
            found.append(EdgeTimes(index, edge.src, edge.dst, seconds[np.ix_(at[0], at[1])]))
    return found


def _place(prepared: Prepared, pool: int, by: str) -> str:
    row = prepared.problem.pools[pool]
    return row.place if by == "place" else row.kv_place


def latencies(prepared: Prepared, operator_s: Floats, edge_s: dict[int, Floats], alternative: Sequence[int]) -> Floats:
    """[placement] the SLA's statistic; `operator_s` [operator, placement], `edge_s` by edge [placement]."""
    return _Walk(prepared, operator_s, edge_s, alternative).block(prepared.root)


@dataclass(frozen=True, slots=True)
class _Walk:
    prepared: Prepared
    operator_s: Floats
    edge_s: dict[int, Floats]
    alternative: Sequence[int]

    def block(self, block: TimedBlock) -> Floats:
        nothing = np.zeros(self.operator_s.shape[1])
        finishes: list[Floats] = []
        latest = nothing
        for step in block.steps:
            start = self.slowest(nothing, step.entering)
            for wait in step.waits:
                moved = self.slowest(nothing, wait.edges)
                start = np.maximum(start, finishes[wait.position] + moved)
            finishes.append(start + self.duration(step))
            latest = np.maximum(latest, finishes[-1])
        return latest

    def slowest(self, nothing: Floats, edges: Sequence[int]) -> Floats:
        found = nothing
        for edge in edges:
            if edge in self.edge_s:
                found = np.maximum(found, self.edge_s[edge])
        return found

    def duration(self, step: Step) -> Floats:
        node = step.node
        counting = self.prepared.countings[self.prepared.stat]
        nothing = np.zeros(self.operator_s.shape[1])
        if isinstance(node, OpNode):
            return self.operator_s[node.operator]
        if isinstance(node, LoopNode):
            return counting.repeats[node.id] * self.block(step.blocks[0])
        if isinstance(node, ChooseNode):
            return self.block(step.blocks[self.alternative[node.choice]])
        if isinstance(node, BranchNode):
            inner = [self.block(block) for block in step.blocks]
            if counting.stat == "mean":
                return sum((p * each for p, each in zip(node.probabilities, inner, strict=True)), nothing)
            counted = zip(inner, counting.counted[node.id], strict=True)
            return np.maximum.reduce([each for each, counts in counted if counts])
        return self.block(step.blocks[0])
