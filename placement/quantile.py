"""How often a loop runs and which branches count, for the statistic that an SLA bounds.

Latency in metered mode is computed from operator means, so a percentile of a run comes from its structure: how often
loops repeat and which branches are too rare to matter. The mean weighs, the worst case takes all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ir.sla import Stat
from placement.problem import Block, BranchNode, ChooseNode, FanoutNode, LoopNode, Problem

QUANTILE: Mapping[Stat, float] = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
_BISECTIONS = 200
_ROUNDING = 1e-12
"""Sums of probabilities that differ by less are equal."""


@dataclass(frozen=True, slots=True)
class Counting:
    """What one statistic counts: `repeats` by the id of a loop, `counted` (one flag a block) by the id of a branch."""

    stat: Stat
    repeats: Mapping[str, float]
    counted: Mapping[str, tuple[bool, ...]]


@dataclass(frozen=True, slots=True)
class _Branch:
    """A block of a branch node, the probability that a run takes it, and the branch blocks around it."""

    node: str
    block: int
    reach: float
    around: tuple[tuple[str, int], ...]


def counting(problem: Problem, stat: Stat) -> Counting:
    """The repetitions of every loop and the counted blocks of every branch under `stat`."""
    loops = {node.id: repeats(node, stat) for node in _loops(problem.root)}
    return Counting(stat, loops, counted_branches(problem, stat))


def repeats(node: LoopNode, stat: Stat) -> float:
    """How often the loop's body runs: its mean, its most, or a quantile of the number of repetitions N.

    The quantile assumes N = minimum + G with P(G >= k) = q^k for k = 0..M, M = max_iters - minimum: after each further
    repetition the loop goes on with the same probability q until it is capped. Then expect = minimum + q + .. + q^M,
    which is solved for q by bisection, and the quantile is minimum + the smallest k with q^(k+1) <= 1 - quantile, at
    most M. The assumption is ours: a graph states the mean and the cap only.
    """
    if stat == "mean":
        return node.expect
    if stat == "worst":
        return float(node.max_iters)
    most = node.max_iters - node.minimum
    q = continuation(node.expect - node.minimum, most)
    tail = (1.0 - QUANTILE[stat]) * (1.0 + _ROUNDING)
    further = next((k for k in range(most) if q ** (k + 1) <= tail), most)
    return float(node.minimum + further)


def continuation(mean: float, most: int) -> float:
    """The q in [0, 1] with q + q^2 + .. + q^most = mean: how likely one more repetition is after each."""
    if mean <= 0.0 or most == 0:
        return 0.0
    if mean >= most:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        q = (low + high) / 2.0
        if _capped_mean(q, most) < mean:
            low = q
        else:
            high = q
    return high


def _capped_mean(q: float, most: int) -> float:
    return q * (1.0 - q**most) / (1.0 - q) if q < 1.0 else float(most)


def counted_branches(problem: Problem, stat: Stat) -> Mapping[str, tuple[bool, ...]]:
    """For each branch node, which of its blocks count under `stat`.

    All for the mean (each weighs its probability) and for the worst case, where a block of probability 0 counts too:
    the structure allows it. A quantile leaves out the least likely blocks of the whole graph while the probability that
    a run takes any of them is at most (1 - quantile) / 2; every node keeps at least one. The probability that a run
    takes a block is bounded by the mean number of times that it does (Markov), at most 1, and that of several blocks by
    their sum; a block inside one that is left out adds nothing.
    """
    branches = list(_branches(problem.root, 1.0, ()))
    left: dict[str, list[bool]] = {}
    for branch in branches:
        left.setdefault(branch.node, []).append(True)
    if stat in QUANTILE:
        _leave_out(branches, left, (1.0 - QUANTILE[stat]) / 2.0)
    return {node: tuple(flags) for node, flags in left.items()}


def _leave_out(branches: list[_Branch], left: dict[str, list[bool]], budget: float) -> None:
    out: list[_Branch] = []
    # Of equally likely blocks the innermost first, so that one inside another is judged by itself.
    for branch in sorted(branches, key=lambda one: (one.reach, -len(one.around))):
        if sum(left[branch.node]) == 1 or any((one.node, one.block) in branch.around for one in out):
            continue
        inside = (branch.node, branch.block)
        others = [one for one in out if inside not in one.around]
        if math.fsum(one.reach for one in others) + branch.reach > budget + _ROUNDING:
            return
        left[branch.node][branch.block] = False
        out = [*others, branch]


def _branches(block: Block, visits: float, around: tuple[tuple[str, int], ...]) -> Iterator[_Branch]:
    for node in block.nodes:
        if isinstance(node, BranchNode):
            for index, (inner, p) in enumerate(zip(node.blocks, node.probabilities, strict=True)):
                yield _Branch(node.id, index, min(1.0, visits * p), around)
                yield from _branches(inner, visits * p, (*around, (node.id, index)))
        elif isinstance(node, LoopNode | FanoutNode):
            yield from _branches(node.block, visits * node.expect, around)
        elif isinstance(node, ChooseNode):
            for inner in node.blocks:
                yield from _branches(inner, visits, around)


def _loops(block: Block) -> Iterator[LoopNode]:
    for node in block.nodes:
        if isinstance(node, LoopNode):
            yield node
        if isinstance(node, LoopNode | FanoutNode):
            yield from _loops(node.block)
        elif isinstance(node, BranchNode | ChooseNode):
            for inner in node.blocks:
                yield from _loops(inner)
