"""A problem prepared for judging and solving: its tree with, at each node, the transfers that delay it.

The judge and the MILP must agree on what waits for what; both read it here, and what a path takes each works out alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ir.sla import Stat
from placement.check import check_problem
from placement.problem import Block, BranchNode, ChooseNode, FanoutNode, LoopNode, Node, OpNode, Problem
from placement.quantile import Counting, counting

Needs = tuple[tuple[int, int], ...]
"""The (choice, alternative) pairs, outermost first, that must be taken for an operator to run."""


@dataclass(frozen=True, slots=True)
class Source:
    """The operator that a stream comes from; `path` leads to it from its node: (alternative, position) pairs."""

    operator: int
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """A node waits for the node at `position` of its block, then for the slowest of the transfers `edges`.

    With `items` it is a stream: the node, an operator of duration T, begins when the first of the items has arrived,
    one item's share of the time of its source after that began, and ends no earlier than T / `items` after the last
    has. There is one source, or one in each alternative of a choice.
    """

    position: int
    edges: tuple[int, ...]
    items: float | None = None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A node with its inner blocks, what it waits for, and the transfers that delay it from its block's beginning.

    Such `entering` transfers bring what was captured from outside the block, or what a loop carries around.
    """

    node: Node
    blocks: tuple[TimedBlock, ...]
    waits: tuple[Wait, ...]
    entering: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TimedBlock:
    """The steps of a block, in order."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked problem, its tree of steps, what each operator needs to run, and what each statistic counts."""

    problem: Problem
    root: TimedBlock
    needs: tuple[Needs, ...]
    counts: Mapping[str, int]
    countings: Mapping[Stat, Counting]

    @property
    def stat(self) -> Stat:
        """The statistic that `latency_s` means: the SLA's, or the worst case where there is no SLA."""
        return "worst" if self.problem.sla is None else self.problem.sla.stat


def prepare(problem: Problem) -> Prepared:
    """Checks the problem (raises `ProblemError`) and prepares it."""
    check_problem(problem)
    return prepare_checked(problem)


def prepare_checked(problem: Problem) -> Prepared:
    """As `prepare`, for a problem that was checked."""
    edges_into: list[list[int]] = [[] for _ in problem.operators]
    for index, edge in enumerate(problem.edges):
        edges_into[edge.dst].append(index)
    needs: list[Needs] = [()] * len(problem.operators)
    _find_needs(problem.root, (), needs)
    root, _ = _timed(problem.root, problem, edges_into)
    stats: list[Stat] = ["mean", "worst", *([problem.sla.stat] if problem.sla else [])]
    return Prepared(
        problem=problem,
        root=root,
        needs=tuple(needs),
        counts={row.device: row.count for row in problem.capacities},
        countings={stat: counting(problem, stat) for stat in stats},
    )


def with_tables(prepared: Prepared, problem: Problem) -> Prepared:
    """The same tree with other tables: `problem` differs in options, transfers, pools and counts of devices only."""
    return replace(prepared, problem=problem, counts={row.device: row.count for row in problem.capacities})


def inner_blocks(node: Node) -> tuple[Block, ...]:
    """The blocks inside a node, none for an operator."""
    if isinstance(node, BranchNode | ChooseNode):
        return node.blocks
    if isinstance(node, LoopNode | FanoutNode):
        return (node.block,)
    return ()


def _find_needs(block: Block, needs: Needs, found: list[Needs]) -> None:
    for node in block.nodes:
        if isinstance(node, OpNode):
            found[node.operator] = needs
        for index, inner in enumerate(inner_blocks(node)):
            added = ((node.choice, index),) if isinstance(node, ChooseNode) else ()
            _find_needs(inner, needs + added, found)


def _timed(block: Block, problem: Problem, edges_into: list[list[int]]) -> tuple[TimedBlock, set[int]]:
    """The block's steps, and the operators inside it."""
    steps: list[Step] = []
    position_of: dict[int, int] = {}
    earlier: list[int] = []  # [node] a bit for each node that it waits for, directly or not
    for position, (node, waits) in enumerate(zip(block.nodes, block.waits_for, strict=True)):
        blocks: list[TimedBlock] = []
        inside: set[int] = {node.operator} if isinstance(node, OpNode) else set()
        for inner in inner_blocks(node):
            timed, operators = _timed(inner, problem, edges_into)
            blocks.append(timed)
            inside |= operators
        earlier.append(_closure(waits, earlier))
        behind: dict[int, list[int]] = {one: [] for one in waits}
        entering: list[int] = []
        for edge in edges_into[node.operator] if isinstance(node, OpNode) else []:
            source = position_of.get(problem.edges[edge].src)
            if source is not None and earlier[position] >> source & 1:
                behind.setdefault(source, []).append(edge)
            else:
                entering.append(edge)
        position_of |= dict.fromkeys(inside, position)
        found = tuple(_wait(block, one, edges, problem) for one, edges in behind.items())
        steps.append(Step(node, tuple(blocks), found, tuple(entering)))
    return TimedBlock(tuple(steps)), set(position_of)


def _wait(block: Block, position: int, edges: list[int], problem: Problem) -> Wait:
    """A stream only where all that comes from a node does, and in equally many items whatever is chosen."""
    items = {problem.edges[edge].items for edge in edges}
    (count,) = items if len(items) == 1 else (None,)
    ends = {problem.edges[edge].src for edge in edges}
    sources = None if count is None else _sources(block.nodes[position], ends)
    if sources is None or {each.operator for each in sources} != ends:
        return Wait(position, tuple(edges))
    return Wait(position, tuple(edges), count, sources)


def _sources(node: Node, operators: set[int]) -> tuple[Source, ...] | None:
    """Where a node's items come from; None where it is none of the operators, or has an alternative without one."""
    if isinstance(node, OpNode):
        return (Source(node.operator, ()),) if node.operator in operators else None
    if not isinstance(node, ChooseNode):
        return None
    found: list[Source] = []
    for alternative, block in enumerate(node.blocks):
        inner = [(position, _sources(each, operators)) for position, each in enumerate(block.nodes)]
        ways = [(position, sources) for position, sources in inner if sources is not None]
        if len(ways) != 1:
            return None
        position, sources = ways[0]
        found += [Source(each.operator, (alternative, position, *each.path)) for each in sources]
    return tuple(found)


def _closure(waits: tuple[int, ...], earlier: list[int]) -> int:
    bits = 0
    for one in waits:
        bits |= 1 << one | earlier[one]
    return bits
