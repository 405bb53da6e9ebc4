"""How much each operator's and each transfer's time weighs in a latency: a mixture of paths through the blocks.

The latency is the longest path, so that any mixture of paths, each as long as the placement makes it, is no more than
the latency of that placement. A Lagrangian bound charges time by such weights; the nearer a path is to the longest, the
more it weighs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placement.prepared import Prepared, TimedBlock
from placement.problem import BranchNode, ChooseNode, LoopNode, OpNode
from placement.quantile import Counting


@dataclass(frozen=True, slots=True)
class Weights:
    """[operator], [edge] weights, and the latency of the times that they were made for."""

    operators: list[float]
    edges: list[float]
    latency_s: float


def weighs(prepared: Prepared) -> bool:
    """Whether the latency is a plain longest path: without choices of alternatives and without streams."""
    return not prepared.problem.choices and _plain(prepared.root)


def _plain(block: TimedBlock) -> bool:
    return all(
        all(wait.items is None for wait in step.waits) and all(_plain(inner) for inner in step.blocks)
        for step in block.steps
    )


def path_weights(prepared: Prepared, operator_s: Sequence[float], edge_s: Sequence[float], soft_s: float) -> Weights:
    """The weights at these times; a path that is `soft_s` shorter than the longest weighs 1/e of it at each fork."""
    walk = _Walk(operator_s, edge_s, prepared.countings[prepared.stat], soft_s, [], [])
    walk.operators.extend([0.0] * len(operator_s))
    walk.edges.extend([0.0] * len(edge_s))
    root = walk.forward(prepared.root)
    walk.backward(root, 1.0)
    return Weights(walk.operators, walk.edges, root.latency_s)


@dataclass(slots=True)
class _Timed:
    """A block with, for each step, its finish, its inner blocks, and what it starts after: (seconds, position, edges).

    The position is None for a transfer that enters the block.
    """

    block: TimedBlock
    latency_s: float
    finishes: list[float]
    inner: list[list[_Timed]]
    after: list[list[tuple[float, int | None, Sequence[int]]]]


@dataclass(frozen=True, slots=True)
class _Walk:
    operator_s: Sequence[float]
    edge_s: Sequence[float]
    counting: Counting
    soft_s: float
    operators: list[float]
    edges: list[float]

    def forward(self, block: TimedBlock) -> _Timed:
        found = _Timed(block, 0.0, [], [], [])
        for step in block.steps:
            after: list[tuple[float, int | None, Sequence[int]]] = []
            after += [(self.edge_s[edge], None, (edge,)) for edge in step.entering]
            for wait in step.waits:
                moved_s = max((self.edge_s[edge] for edge in wait.edges), default=0.0)
                after.append((found.finishes[wait.position] + moved_s, wait.position, wait.edges))
            inner = [self.forward(one) for one in step.blocks]
            start = max((seconds for seconds, _, _ in after), default=0.0)
            found.finishes.append(start + self.duration(step.node, inner))
            found.inner.append(inner)
            found.after.append(after)
        found.latency_s = max(found.finishes, default=0.0)
        return found

    def duration(self, node: object, inner: Sequence[_Timed]) -> float:
        if isinstance(node, OpNode):
            return self.operator_s[node.operator]
        shares = self.shares(node, inner)
        if isinstance(node, BranchNode) and self.counting.stat != "mean":
            return max((one.latency_s for one, share in zip(inner, shares, strict=True) if share), default=0.0)
        return math.fsum(share * one.latency_s for one, share in zip(inner, shares, strict=True))

    def shares(self, node: object, inner: Sequence[_Timed]) -> Sequence[float]:
        """[inner block] how often it counts in the node's duration; of a branch under a percentile, any of those."""
        assert not isinstance(node, ChooseNode), "alternatives have no weights"
        if isinstance(node, LoopNode):
            return (self.counting.repeats[node.id],)
        if isinstance(node, BranchNode):
            if self.counting.stat == "mean":
                return node.probabilities
            return tuple(map(float, self.counting.counted[node.id]))
        return (1.0,) * len(inner)

    def backward(self, timed: _Timed, weight: float) -> None:
        if not timed.finishes:
            return
        waited = {wait.position for step in timed.block.steps for wait in step.waits}
        ends = [position for position in range(len(timed.finishes)) if position not in waited]
        weights = [0.0] * len(timed.finishes)
        for position, share in zip(ends, self.split([timed.finishes[one] for one in ends]), strict=True):
            weights[position] = weight * share
        for position in reversed(range(len(weights))):
            if weights[position] > 0.0:
                self.inside(timed, position, weights[position])
                self.before(timed, position, weights)

    def inside(self, timed: _Timed, position: int, weight: float) -> None:
        node, inner = timed.block.steps[position].node, timed.inner[position]
        if isinstance(node, OpNode):
            self.operators[node.operator] += weight
            return
        shares = self.shares(node, inner)
        if isinstance(node, BranchNode) and self.counting.stat != "mean":
            counted = [one for one, share in zip(inner, shares, strict=True) if share]
            inner, shares = counted, self.split([one.latency_s for one in counted])
        for one, share in zip(inner, shares, strict=True):
            if share > 0.0:
                self.backward(one, weight * share)

    def before(self, timed: _Timed, position: int, weights: list[float]) -> None:
        after = timed.after[position]
        shares = self.split([seconds for seconds, _, _ in after])
        for (_, source, edges), share in zip(after, shares, strict=True):
            weight = weights[position] * share
            if source is not None:
                weights[source] += weight
            for edge, part in zip(edges, self.split([self.edge_s[one] for one in edges]), strict=True):
                self.edges[edge] += weight * part

    def split(self, seconds: Sequence[float]) -> Sequence[float]:
        """Shares that sum to 1, the largest for the longest."""
        if len(seconds) <= 1:
            return (1.0,) * len(seconds)
        longest = max(seconds)
        parts = [math.exp((one - longest) / self.soft_s) for one in seconds]
        total = math.fsum(parts)
        return [part / total for part in parts]
