"""The critical path as linear rows: for a block, an expression that is no less than its latency.

Finish times are relative to their block's beginning, so a loop multiplies its body's latency and nothing is unrolled.
A stream of n items from i lets j begin at its first: F_j >= start_i + tau_i / n + transfer + tau_j, and
F_j >= F_i + transfer + tau_j / n, both linear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from placement.linear import LinearModel, Terms, combine, scale
from placement.prepared import Step, TimedBlock, Wait
from placement.problem import BranchNode, ChooseNode, LoopNode, OpNode
from placement.quantile import Counting


@dataclass(frozen=True, slots=True)
class PathTerms:
    """Latencies as expressions in the columns of `model`: [operator] of one visit, [edge] of one transfer."""

    model: LinearModel
    operators: Sequence[Terms]
    edges: Sequence[Terms]
    counting: Counting


@dataclass(slots=True)
class _Placed:
    """A block in columns: of each step what its start is no less than, its finish, and its inner blocks."""

    steps: Sequence[Step]
    starts: list[list[Terms]] = field(default_factory=list["list[Terms]"])
    finishes: list[Terms] = field(default_factory=list[Terms])
    inner: list[list[_Placed]] = field(default_factory=list["list[_Placed]"])
    latency: Terms = field(default_factory=dict[int, float])


def block_latency(block: TimedBlock, path: PathTerms) -> Terms:
    """Adds F_j >= F_i + transfer + duration_j for every wait; gives the largest finish, exact where it is minimised."""
    return _place(block, path).latency


def first_output(block: TimedBlock, sources: Mapping[int, float], path: PathTerms) -> Terms | None:
    """No less than when the first items of all sources are there, `sources` being items by operator; None without one.

    It counts as the judge does: in a loop the last pass, in a mean the mean of the branches that have one.
    """
    return _first(_place(block, path), sources, path)


def _first(placed: _Placed, sources: Mapping[int, float], path: PathTerms) -> Terms | None:
    found: list[Terms] = []
    for position, step in enumerate(placed.steps):
        inner = _first_of(step, placed.inner[position], sources, path)
        if inner is not None:
            found.append(combine(_start(placed, position, path), inner))
    return path.model.at_least(found) if found else None


def _first_of(step: Step, placed: Sequence[_Placed], sources: Mapping[int, float], path: PathTerms) -> Terms | None:
    node = step.node
    if isinstance(node, OpNode):
        items = sources.get(node.operator)
        return None if items is None else scale(1.0 / items, path.operators[node.operator])
    inner = [_first(each, sources, path) for each in placed]
    if isinstance(node, LoopNode) and inner[0] is not None:
        before = max(0.0, path.counting.repeats[node.id] - 1.0)
        return combine(inner[0], scale(before, placed[0].latency))
    some = [(index, terms) for index, terms in enumerate(inner) if terms is not None]
    if not some:
        return None
    if isinstance(node, BranchNode):
        if path.counting.stat == "mean":
            total = sum(node.probabilities[index] for index, _ in some)
            return (
                combine(*(scale(node.probabilities[index] / total, terms) for index, terms in some)) if total else None
            )
        counted = [terms for index, terms in some if path.counting.counted[node.id][index]]
        return path.model.at_least(counted or [terms for _, terms in some])
    # Of a choice all columns of what is not taken are 0.
    return combine(*(terms for _, terms in some))


def _place(block: TimedBlock, path: PathTerms) -> _Placed:
    waiters = [0] * len(block.steps)
    for step in block.steps:
        for wait in step.waits:
            waiters[wait.position] += max(1, len(wait.edges))
    found = _Placed(block.steps)
    for position, step in enumerate(block.steps):
        found.inner.append([_place(inner, path) for inner in step.blocks])
        duration = _duration(step, found.inner[-1], path)
        found.starts.append(_starts(step, found, path))
        ends = [combine(start, duration) for start in found.starts[-1]] or [duration]
        ends += [end for wait in step.waits for end in _last_items(wait, found, duration, path)]
        terms = path.model.at_least(ends)
        # An expression that several rows would repeat gets a column of its own.
        found.finishes.append(path.model.named(terms) if waiters[position] > 1 else terms)
    last = (terms for terms, count in zip(found.finishes, waiters, strict=True) if count == 0)
    found.latency = path.model.at_least(last)
    return found


def _starts(step: Step, found: _Placed, path: PathTerms) -> list[Terms]:
    starts = [path.edges[edge] for edge in step.entering if path.edges[edge]]
    for wait in step.waits:
        after = found.finishes[wait.position] if wait.items is None else _first_items(wait, found, path)
        starts += _moved(after, wait, path)
    return starts


def _moved(after: Terms, wait: Wait, path: PathTerms) -> list[Terms]:
    return [combine(after, path.edges[edge]) for edge in wait.edges if path.edges[edge]] or [after]


def _first_items(wait: Wait, found: _Placed, path: PathTerms) -> Terms:
    """When the first item is there: all columns of a source that is not taken are 0, so that the sum is the taken's."""
    items = wait.items or 1.0
    position = wait.position
    after = [_first_item(found, (position, *source.path), items, path) for source in wait.sources]
    return path.model.named(combine(_start(found, position, path), *after))


def _first_item(found: _Placed, way: tuple[int, ...], items: float, path: PathTerms) -> Terms:
    """From the start of the step at `way[0]` to the first item of the operator at the end of the way."""
    step = found.steps[way[0]]
    if isinstance(step.node, OpNode):
        return scale(1.0 / items, path.operators[step.node.operator])
    inner, rest = found.inner[way[0]][way[1]], way[2:]
    return combine(_start(inner, rest[0], path), _first_item(inner, rest, items, path))


def _start(found: _Placed, position: int, path: PathTerms) -> Terms:
    return path.model.at_least(found.starts[position])


def _last_items(wait: Wait, found: _Placed, duration: Terms, path: PathTerms) -> list[Terms]:
    """No less than when the last item of a stream has arrived and is worked off; none for a whole value."""
    if wait.items is None:
        return []
    after = combine(found.finishes[wait.position], scale(1.0 / wait.items, duration))
    return _moved(after, wait, path)


def _duration(step: Step, placed: Sequence[_Placed], path: PathTerms) -> Terms:
    node = step.node
    if isinstance(node, OpNode):
        return path.operators[node.operator]
    inner = [each.latency for each in placed]
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
