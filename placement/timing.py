"""When each step of a placed problem finishes, which operators are critical, and how much slack each has.

Block latency is the latest finish of its nodes; a node starts when all that it waits for has finished and arrived.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placement.prepared import Step, TimedBlock
from placement.problem import BranchNode, ChooseNode, FanoutNode, LoopNode, OpNode
from placement.quantile import Counting


@dataclass(frozen=True, slots=True)
class Times:
    """What a placement takes: seconds of one visit by operator and edge (0 where not taken), and the alternatives."""

    operator_s: Sequence[float]
    edge_s: Sequence[float]
    alternative: Sequence[int]
    counting: Counting


def latency(block: TimedBlock, times: Times) -> float:
    """Seconds from the block's beginning to its latest finish."""
    return max(finishes(block, times), default=0.0)


def finishes(block: TimedBlock, times: Times) -> list[float]:
    """[step] seconds from the block's beginning to the step's finish."""
    done: list[float] = []
    for step in block.steps:
        done.append(_start(step, done, times) + _duration(step, times))
    return done


def _start(step: Step, done: Sequence[float], times: Times) -> float:
    start = 0.0
    for edge in step.entering:
        start = max(start, times.edge_s[edge])
    for wait in step.waits:
        start = max(start, done[wait.position] + _transfer(wait.edges, times))
    return start


def _transfer(edges: tuple[int, ...], times: Times) -> float:
    return max(map(times.edge_s.__getitem__, edges)) if edges else 0.0


def _duration(step: Step, times: Times) -> float:
    if isinstance(step.node, OpNode):
        return times.operator_s[step.node.operator]
    weights = _weights(step, times)
    shares = [weight * latency(inner, times) for weight, inner in zip(weights, step.blocks, strict=True) if weight]
    if isinstance(step.node, BranchNode) and times.counting.stat == "mean":
        return math.fsum(shares)
    return max(shares, default=0.0)


def _weights(step: Step, times: Times) -> list[float]:
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

    Inside a branch the block with the largest share of the branch's time; inside a loop one pass of its body.
    """
    done = finishes(block, times)
    path: list[int] = []
    position = max(range(len(done)), key=done.__getitem__, default=None)
    while position is not None:
        step = block.steps[position]
        path = _inner_path(step, times) + path
        start = _start(step, done, times)
        arrivals = [(wait.position, done[wait.position] + _transfer(wait.edges, times)) for wait in step.waits]
        position = next((one for one, arrival in arrivals if arrival == start), None)
    return path


def _inner_path(step: Step, times: Times) -> list[int]:
    if isinstance(step.node, OpNode):
        return [step.node.operator]
    pairs = zip(_weights(step, times), step.blocks, strict=True)
    shares = [(weight * latency(inner, times), inner) for weight, inner in pairs if weight]
    if not shares:
        return []
    return critical_path(max(shares, key=lambda share: share[0])[1], times)


def slack(block: TimedBlock, times: Times, allowance_s: float) -> dict[int, float]:
    """By operator, how many seconds longer one visit may take before the block takes `allowance_s` longer.

    Infinite where the statistic does not count the operator. Operators of alternatives that are not taken are absent.
    """
    done = finishes(block, times)
    durations = [_duration(step, times) for step in block.steps]
    tails = _tails(block, durations, times)
    total = max(done, default=0.0)
    found: dict[int, float] = {}
    for step, finish, tail in zip(block.steps, done, tails, strict=True):
        allowed = allowance_s + total - (finish + tail)
        if isinstance(step.node, OpNode):
            found[step.node.operator] = allowed
        else:
            found |= _inner_slack(step, times, allowed)
    return found


def _inner_slack(step: Step, times: Times, allowed: float) -> dict[int, float]:
    found: dict[int, float] = {}
    duration = _duration(step, times)
    adds_up = isinstance(step.node, BranchNode) and times.counting.stat == "mean"
    for weight, inner in zip(_weights(step, times), step.blocks, strict=True):
        if isinstance(step.node, ChooseNode) and not weight:
            continue
        float_s = 0.0 if adds_up or not weight else duration - weight * latency(inner, times)
        found |= slack(inner, times, (allowed + float_s) / weight if weight else math.inf)
    return found


def _tails(block: TimedBlock, durations: Sequence[float], times: Times) -> list[float]:
    """[step] seconds on the longest way from the step's finish to the last finish that waits for it."""
    tails = [0.0] * len(block.steps)
    for position in reversed(range(len(block.steps))):
        for wait in block.steps[position].waits:
            after = _transfer(wait.edges, times) + durations[position] + tails[position]
            tails[wait.position] = max(tails[wait.position], after)
    return tails
