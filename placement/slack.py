"""How much longer each operator of a placed problem may take before the whole does.

Without streams an operator's slack is what its latest path leaves. With one, an operator's time counts in full up to
its end, and an item's share of it up to its first item or after the last item that it reads: the least of all counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from placement.prepared import Step, TimedBlock
from placement.problem import BranchNode, ChooseNode, OpNode
from placement.timing import (
    Schedule,
    Times,
    first_item_s,
    item_s,
    moved_s,
    schedule,
    shares_of,
    taken_source,
    weights,
)


@dataclass(frozen=True, slots=True)
class _First:
    """Seconds from the first of `items` items of the operator at `path` inside a step to the block's end."""

    path: tuple[int, ...]
    items: float
    tail: float


def slack(
    block: TimedBlock, times: Times, allowance_s: float, leaving: tuple[tuple[int, _First], ...] = ()
) -> dict[int, float]:
    """By operator, how many seconds longer one visit may take before the block takes `allowance_s` longer.

    Infinite where the statistic does not count the operator. Operators of alternatives that are not taken are absent.
    `leaving` are the steps whose first items are read outside the block.
    """
    found = schedule(block, times)
    tails, firsts = _tails(block, found, times, leaving)
    end = allowance_s + max(found.finishes, default=0.0)
    slacks: dict[int, float] = {}
    for position, step in enumerate(block.steps):
        start, duration = found.starts[position], found.durations[position]
        allowed = end - (start + duration + tails[position])
        if not isinstance(step.node, OpNode):
            slacks |= _inner_slack(step, times, allowed, tails[position], firsts[position])
            continue
        for first in firsts[position]:
            until = start + first_item_s(step, (), first.items, times)
            allowed = min(allowed, (end - (until + first.tail)) * first.items)
        for wait in step.waits:
            if wait.items is not None:
                after = found.finishes[wait.position] + moved_s(wait, times) + item_s(step, wait.items, times)
                allowed = min(allowed, (end - (after + tails[position])) * wait.items)
        slacks[step.node.operator] = allowed
    return slacks


def _inner_slack(step: Step, times: Times, allowed: float, tail: float, firsts: list[_First]) -> dict[int, float]:
    found: dict[int, float] = {}
    shares = shares_of(step, times)
    adds_up = isinstance(step.node, BranchNode) and times.counting.stat == "mean"
    longest = max(shares, default=0.0)
    for index, (weight, share, inner) in enumerate(zip(weights(step, times), shares, step.blocks, strict=True)):
        if isinstance(step.node, ChooseNode) and not weight:
            continue
        float_s = 0.0 if adds_up or not weight else longest - share
        leaving = tuple(
            (first.path[1], _First(first.path[2:], first.items, first.tail - tail))
            for first in firsts
            if first.path[0] == index
        )
        found |= slack(inner, times, (allowed + float_s) / weight if weight else math.inf, leaving)
    return found


def _tails(
    block: TimedBlock, found: Schedule, times: Times, leaving: tuple[tuple[int, _First], ...]
) -> tuple[list[float], list[list[_First]]]:
    """[step] seconds on the longest way from its finish, and from its first items, to the end of the block."""
    tails = [0.0] * len(block.steps)
    firsts: list[list[_First]] = [[] for _ in block.steps]
    for position, first in leaving:
        firsts[position].append(first)
    for position in reversed(range(len(block.steps))):
        step, duration = block.steps[position], found.durations[position]
        after_start = duration + tails[position]
        for first in firsts[position]:
            after_start = max(after_start, first_item_s(step, first.path, first.items, times) + first.tail)
        for wait in step.waits:
            move = moved_s(wait, times)
            if wait.items is None:
                tails[wait.position] = max(tails[wait.position], move + after_start)
                continue
            tails[wait.position] = max(tails[wait.position], move + item_s(step, wait.items, times) + tails[position])
            source = taken_source(block.steps[wait.position], wait, times)
            firsts[wait.position].append(_First(source.path, wait.items, move + after_start))
    return tails, firsts
