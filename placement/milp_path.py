"""The critical path as linear rows: for a block, an expression that is no less than its latency.

Finish times are relative to their block's beginning, so a loop multiplies its body's latency and nothing is unrolled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from placement.linear import LinearModel, Terms, combine, scale
from placement.prepared import Step, TimedBlock
from placement.problem import BranchNode, ChooseNode, LoopNode, OpNode
from placement.quantile import Counting


@dataclass(frozen=True, slots=True)
class PathTerms:
    """Latencies as expressions in the columns of `model`: [operator] of one visit, [edge] of one transfer."""

    model: LinearModel
    operators: Sequence[Terms]
    edges: Sequence[Terms]
    counting: Counting


def block_latency(block: TimedBlock, path: PathTerms) -> Terms:
    """Adds F_j >= F_i + transfer + duration_j for every wait; gives the largest finish, exact where it is minimised."""
    waiters = [0] * len(block.steps)
    for step in block.steps:
        for wait in step.waits:
            waiters[wait.position] += max(1, len(wait.edges))
    finish: list[Terms] = []
    for position, step in enumerate(block.steps):
        duration = _duration(step, path)
        starts = _starts(step, finish, path)
        ends = [combine(start, duration) for start in starts] or [duration]
        terms = path.model.at_least(ends)
        # An expression that several rows would repeat gets a column of its own.
        finish.append(path.model.named(terms) if waiters[position] > 1 else terms)
    return path.model.at_least(terms for terms, count in zip(finish, waiters, strict=True) if count == 0)


def _starts(step: Step, finish: Sequence[Terms], path: PathTerms) -> list[Terms]:
    starts = [path.edges[edge] for edge in step.entering if path.edges[edge]]
    for wait in step.waits:
        moves = [path.edges[edge] for edge in wait.edges if path.edges[edge]]
        starts += [combine(finish[wait.position], move) for move in moves] or [finish[wait.position]]
    return starts


def _duration(step: Step, path: PathTerms) -> Terms:
    node = step.node
    if isinstance(node, OpNode):
        return path.operators[node.operator]
    inner = [block_latency(block, path) for block in step.blocks]
    if isinstance(node, LoopNode):
        return scale(path.counting.repeats[node.id], inner[0])
    if isinstance(node, BranchNode):
        if path.counting.stat == "mean":
            return combine(*(scale(p, terms) for p, terms in zip(node.probabilities, inner, strict=True)))
        counted = path.counting.counted[node.id]
        return path.model.at_least(terms for terms, counts in zip(inner, counted, strict=True) if counts)
    if isinstance(node, ChooseNode):
        # All columns of an alternative that is not taken are 0, so the sum is the latency of the one that is.
        return combine(*inner)
    return inner[0]
