"""Walks the tree of an agent once for all sampled runs together: when each step of each run starts and finishes.

It is `placement.timing` with arrays in the place of numbers, and draws in the place of counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from placement.counts import items, passes
from placement.prepared import Step, TimedBlock, Wait
from placement.problem import BranchNode, ChooseNode, FanoutNode, LoopNode, OpNode
from placement.sampling_visits import ByRun, Floats, Runs, Visits, at, draw_counts

Call = tuple[Floats, Floats]
"""Seconds waited and seconds in a slot, by visit."""


@dataclass(frozen=True, slots=True)
class Who:
    """The visits of a block: the `runs` they belong to, and the numbers of the batches that they come in.

    A fan-out is a batch, with all that is inside it; `batch` never falls, and is None outside of every fan-out.
    """

    runs: Runs
    batch: Runs | None = None

    def some(self, positions: Runs) -> Who:
        """Some of the visits, in their order."""
        return Who(self.runs[positions], None if self.batch is None else self.batch[positions])


@dataclass(frozen=True, slots=True)
class Passed:
    """What a block took: by step when it started and finished and, of operators, the call; `end` of the whole block.

    `inner` [step, alternative] are the blocks of choices, where a stream may come from. Seconds from the run's start.
    """

    starts: list[Floats]
    finishes: list[Floats]
    calls: list[Call | None]
    inner: dict[tuple[int, int], Passed]
    end: Floats


@dataclass(frozen=True, slots=True)
class Walk:
    """Draws the runs of one agent. ``items` are the operators that may give the first output, in so many items.
    `first_s` and `spent` gather, for the operators in them, when the first item of a run's last visit was there, and
    what the last visit of a run waited and took; both keep what they held for runs without a visit.
    """

    visits: Mapping[int, Visits]
    edge_s: Sequence[ByRun]
    nodes: Mapping[str, np.random.Generator]
    alternative: Sequence[int]
    items: Mapping[int, float]
    first_s: Mapping[int, Floats]
    spent: Mapping[int, tuple[Floats, Floats]]

    def block(self, block: TimedBlock, who: Who, begin: Floats) -> Passed:
        """A block that begins at `begin` [visit] in each of the runs that visit it."""
        runs = who.runs
        found = Passed([], [], [], {}, begin)
        for position, step in enumerate(block.steps):
            start = begin
            if step.entering:
                start = begin + self.slowest(step.entering, runs)
            for wait in step.waits:
                start = np.maximum(start, self.arrival(block, wait, found, runs))
            finish, call = self.step(step, position, found, (who, start))
            found.starts.append(start)
            found.finishes.append(finish)
            found.calls.append(call)
        end = begin
        for finish in found.finishes:
            end = np.maximum(end, finish)
        return replace(found, end=end)

    def slowest(self, edges: Sequence[int], runs: Runs) -> ByRun:
        slowest: ByRun = 0.0
        for edge in edges:
            slowest = np.maximum(slowest, at(self.edge_s[edge], runs))
        return slowest

    def arrival(self, block: TimedBlock, wait: Wait, found: Passed, runs: Runs) -> Floats:
        moved = self.slowest(wait.edges, runs)
        if wait.items is None:
            return found.finishes[wait.position] + moved
        for source in wait.sources:
            first = self.first_item(block, found, wait.position, (source.path, wait.items))
            if first is not None:
                return first + moved
        raise AssertionError("a stream has a source in every alternative")

    def first_item(
        self, block: TimedBlock, found: Passed, position: int, path_and_items: tuple[tuple[int, ...], float]
    ) -> Floats | None:
        """When the first item of the operator at the end of the path is there; None where another is taken."""
        path, count = path_and_items
        step = block.steps[position]
        if not path:
            call = found.calls[position]
            assert call is not None, "only an operator makes a stream"
            return found.starts[position] + call[0] + call[1] / count
        alternative, inner_position, *rest = path
        inner = found.inner.get((position, alternative))
        if inner is None:
            return None
        return self.first_item(step.blocks[alternative], inner, inner_position, (tuple(rest), count))

    def step(self, step: Step, position: int, found: Passed, visit: tuple[Who, Floats]) -> tuple[Floats, Call | None]:
        """When a step finishes, and the call if it is an operator."""
        who, start = visit
        node = step.node
        if isinstance(node, OpNode):
            return self.operator(step, found, visit)
        if isinstance(node, ChooseNode):
            alternative = self.alternative[node.choice]
            inner = self.block(step.blocks[alternative], who, start)
            found.inner[position, alternative] = inner
            return inner.end, None
        if isinstance(node, LoopNode):
            return self.loop(step, node, visit), None
        if isinstance(node, FanoutNode):
            return self.fanout(step, node, visit), None
        return self.branch(step, node, visit), None

    def operator(self, step: Step, found: Passed, visit: tuple[Who, Floats]) -> tuple[Floats, Call]:
        """A visit; the reader of a stream ends no earlier than one item's time after the last item has arrived."""
        who, start = visit
        runs = who.runs
        assert isinstance(step.node, OpNode)
        operator = step.node.operator
        waited, service = self.visits[operator].draw(runs, who.batch)
        finish = start + waited + service
        for wait in step.waits:
            if wait.items is not None:
                after = found.finishes[wait.position] + self.slowest(wait.edges, runs)
                finish = np.maximum(finish, after + service / wait.items)
        if operator in self.first_s:
            np.fmax.at(self.first_s[operator], runs, start + waited + service / self.items[operator])
        # Backwards, so that of the items of a fan-out the first one's figures stay.
        if operator in self.spent:
            self.spent[operator][0][runs[::-1]] = waited[::-1]
            self.spent[operator][1][runs[::-1]] = service[::-1]
        return finish, (waited, service)

    def loop(self, step: Step, node: LoopNode, visit: tuple[Who, Floats]) -> Floats:
        who, end = visit[0], visit[1].copy()
        passed = draw_counts(self.nodes[node.id], passes(node), len(who.runs))
        for count in range(node.max_iters):
            still = np.flatnonzero(passed > count)
            if not len(still):
                break
            end[still] = self.block(step.blocks[0], who.some(still), end[still]).end
        return end

    def fanout(self, step: Step, node: FanoutNode, visit: tuple[Who, Floats]) -> Floats:
        who, end = visit[0], visit[1].copy()
        width = draw_counts(self.nodes[node.id], items(node), len(who.runs))
        some = np.flatnonzero(width)
        if len(some):
            each = np.repeat(np.arange(len(who.runs)), width)
            batch = each if who.batch is None else who.batch[each]
            ends = self.block(step.blocks[0], Who(who.runs[each], batch), end[each]).end
            end[some] = np.maximum.reduceat(ends, np.cumsum(width[some]) - width[some])
        return end

    def branch(self, step: Step, node: BranchNode, visit: tuple[Who, Floats]) -> Floats:
        who, end = visit[0], visit[1].copy()
        taken = draw_counts(self.nodes[node.id], node.probabilities, len(who.runs))
        for index, block in enumerate(step.blocks):
            here = np.flatnonzero(taken == index)
            if len(here):
                end[here] = self.block(block, who.some(here), end[here]).end
        return end


def control_nodes(block: TimedBlock) -> Iterator[str]:
    """The ids of the nodes whose counts are drawn, in order."""
    for step in block.steps:
        if isinstance(step.node, LoopNode | FanoutNode | BranchNode):
            yield step.node.id
        for inner in step.blocks:
            yield from control_nodes(inner)
