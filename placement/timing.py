"""When each step of a placed problem starts and finishes, and which operators are critical.

Block latency is the latest finish of its nodes; a node starts when all that it waits for has finished and arrived, or
of a stream the first item. A reader of a stream ends as `costmodel.stream` derives: max(first item + its own time,
last item + its time for one item).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placement.prepared import Source, Step, TimedBlock, Wait
from placement.problem import BranchNode, ChooseNode, FanoutNode, LoopNode, OpNode
from placement.quantile import Counting


@dataclass(frozen=True, slots=True)
class Times:
    """What a placement takes: seconds of one visit by operator and edge (0 where not taken), and the alternatives.

    `waiting_s` is the part of `operator_s` that passes before an operator begins, which is the same for one item of a
    stream as for all; empty where nothing waits.
    """

    operator_s: Sequence[float]
    edge_s: Sequence[float]
    alternative: Sequence[int]
    counting: Counting
    waiting_s: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """[step] seconds from the block's beginning to the step's start and finish, and how long its own work takes."""

    starts: list[float]
    finishes: list[float]
    durations: list[float]


def latency(block: TimedBlock, times: Times) -> float:
    """Seconds from the block's beginning to its latest finish."""
    return max(schedule(block, times).finishes, default=0.0)


def schedule(block: TimedBlock, times: Times) -> Schedule:
    """When each step of a block starts and finishes."""
    found = Schedule([], [], [])
    for step in block.steps:
        start = max(map(times.edge_s.__getitem__, step.entering), default=0.0)
        for wait in step.waits:
            start = max(start, arrival(block, wait, found, times))
        duration = _duration(step, times)
        finish = start + duration
        for wait in step.waits:
            if wait.items is not None:
                after = found.finishes[wait.position] + moved_s(wait, times)
                finish = max(finish, after + item_s(step, wait.items, times))
        found.starts.append(start)
        found.finishes.append(finish)
        found.durations.append(duration)
    return found


def arrival(block: TimedBlock, wait: Wait, found: Schedule, times: Times) -> float:
    """When all that a node waits for is there: the whole value, or the first item of a stream."""
    if wait.items is None:
        return found.finishes[wait.position] + moved_s(wait, times)
    source = taken_source(block.steps[wait.position], wait, times)
    first = first_item_s(block.steps[wait.position], source.path, wait.items, times)
    return found.starts[wait.position] + first + moved_s(wait, times)


def moved_s(wait: Wait, times: Times) -> float:
    """Seconds of the slowest transfer of a wait."""
    return max(map(times.edge_s.__getitem__, wait.edges), default=0.0)


def taken_source(step: Step, wait: Wait, times: Times) -> Source:
    """Where a stream comes from under the alternatives taken."""
    return next(source for source in wait.sources if _is_taken(step, source.path, times))


def _is_taken(step: Step, path: tuple[int, ...], times: Times) -> bool:
    if not path:
        return True
    alternative, position, *rest = path
    assert isinstance(step.node, ChooseNode), "only a choice has several sources"
    taken = times.alternative[step.node.choice] == alternative
    return taken and _is_taken(step.blocks[alternative].steps[position], tuple(rest), times)


def first_item_s(step: Step, path: tuple[int, ...], items: float, times: Times) -> float:
    """Seconds from a step's start to the first item of the operator at the end of `path` inside it."""
    if isinstance(step.node, OpNode):
        waiting_s = times.waiting_s[step.node.operator] if times.waiting_s else 0.0
        return waiting_s + item_s(step, items, times)
    alternative, position, *rest = path
    inner = step.blocks[alternative]
    start = schedule(inner, times).starts[position]
    return start + first_item_s(inner.steps[position], tuple(rest), items, times)


def item_s(step: Step, items: float, times: Times) -> float:
    """Seconds of one of the items of an operator, without waiting."""
    assert isinstance(step.node, OpNode), "only an operator reads or makes a stream"
    operator = step.node.operator
    return (times.operator_s[operator] - (times.waiting_s[operator] if times.waiting_s else 0.0)) / items


def _duration(step: Step, times: Times) -> float:
    if isinstance(step.node, OpNode):
        return times.operator_s[step.node.operator]
    shares = shares_of(step, times)
    if isinstance(step.node, BranchNode) and times.counting.stat == "mean":
        return math.fsum(shares)
    return max(shares, default=0.0)


def shares_of(step: Step, times: Times) -> list[float]:
    """[inner block] its latency as often as it counts; 0 for one that does not count."""
    pairs = zip(weights(step, times), step.blocks, strict=True)
    return [weight * latency(inner, times) if weight else 0.0 for weight, inner in pairs]


def weights(step: Step, times: Times) -> list[float]:
    """[inner block] how many times its latency counts: repetitions, a probability, or 1 and 0 for in and out."""
    node = step.node
    if isinstance(node, LoopNode):
        return [times.counting.repeats[node.id]]
    if isinstance(node, FanoutNode):
        return [1.0]
    if isinstance(node, ChooseNode):
        return [float(index == times.alternative[node.choice]) for index in range(len(step.blocks))]
    if isinstance(node, BranchNode) and times.counting.stat == "mean":
        return list(node.probabilities)
    if isinstance(node, BranchNode):
        return [float(counted) for counted in times.counting.counted[node.id]]
    return []


def critical_path(block: TimedBlock, times: Times) -> list[int]:
    """The operators, first to last, whose times add up to the block's latency.

    Inside a branch the block with the largest share of the branch's time; inside a loop one pass of its body. Of an
    operator whose first item lets the next one begin only that item's share counts, and likewise of a reader that ends
    with the last item.
    """
    found = schedule(block, times)
    if not found.finishes:
        return []
    return _path_to(block, found, times, max(range(len(block.steps)), key=found.finishes.__getitem__), None)


_Mode = tuple[int, ...] | None
"""None: a path to the end of a step. Otherwise to the first item of the operator at this path inside it."""


def _path_to(block: TimedBlock, found: Schedule, times: Times, position: int, mode: _Mode) -> list[int]:
    path: list[int] = []
    before: tuple[int, _Mode] | None = (position, mode)
    while before is not None:
        position, mode = before
        step = block.steps[position]
        path = (_inner_path(step, times) if mode is None else _first_path(step, mode, times)) + path
        before = _before(block, found, times, position, mode)
    return path


def _before(block: TimedBlock, found: Schedule, times: Times, position: int, mode: _Mode) -> tuple[int, _Mode] | None:
    """What a step's finish, or its start, had to wait for last."""
    step, start, duration = block.steps[position], found.starts[position], found.durations[position]
    finish = found.finishes[position]
    if mode is None and finish > start + duration:
        for wait in step.waits:
            if wait.items is None:
                continue
            if found.finishes[wait.position] + moved_s(wait, times) + item_s(step, wait.items, times) == finish:
                return wait.position, None
    for wait in step.waits:
        if arrival(block, wait, found, times) == start:
            streams = wait.items is not None
            return wait.position, taken_source(block.steps[wait.position], wait, times).path if streams else None
    return None


def _first_path(step: Step, path: tuple[int, ...], times: Times) -> list[int]:
    if isinstance(step.node, OpNode):
        return [step.node.operator]
    alternative, position, *rest = path
    inner = step.blocks[alternative]
    return _path_to(inner, schedule(inner, times), times, position, tuple(rest))


def _inner_path(step: Step, times: Times) -> list[int]:
    if isinstance(step.node, OpNode):
        return [step.node.operator]
    found = zip(weights(step, times), shares_of(step, times), step.blocks, strict=True)
    shares = [(share, inner) for weight, share, inner in found if weight]
    if not shares:
        return []
    return critical_path(max(shares, key=lambda one: one[0])[1], times)
