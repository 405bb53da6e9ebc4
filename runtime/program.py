"""A plan as a run reads it: flat integer arrays, expressions parsed once and every name resolved to a slot.

Many runs share one Program, which is never written to. The nodes are laid out breadth first so that those of one
block are neighbours; a node depends on the nodes of its own block whose names it reads, also from inside its nested
blocks, and on nothing else: that is all the order there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from placement.plan import Block, CallNode, FanoutNode, Node, OpNode, Plan, PlanOperator, PlanTransfer, ReactNode
from runtime.check_plan import check_operators, transfers_into
from runtime.errors import ProgramError
from runtime.formula import Formula, Scope
from runtime.node_parts import (
    check_order,
    check_parameters,
    formula,
    free_names,
    inputs,
    limit,
    nested,
    resolve_text,
    rest,
    until,
)
from runtime.stream_inputs import Stream, given_items, stream_inputs

NONE = -1
"""Stands for "no operator" and "no node" in the integer arrays."""


class Kind(IntEnum):
    """What a node does; the names are those of the plan document."""

    OP = 0
    WHEN = 1
    LOOP = 2
    FANOUT = 3
    REACT = 4
    OBSERVE = 5
    INTERRUPT = 6
    CALL = 7


@dataclass(frozen=True, slots=True)
class Program:
    """Arrays over nodes and blocks. The nodes of a block are neighbours; block 0 is the plan's body.

    A frame of block b has `slots(b)` values: its parameters, then its nodes in order.
    """

    plan: Plan
    operators: tuple[PlanOperator, ...]
    transfers_into: tuple[tuple[tuple[int, PlanTransfer], ...], ...]  # [operator]: (source operator, transfer)

    ids: tuple[str, ...]  # [node]
    labels: tuple[str, ...]  # [node]: last part of an instance's name
    kinds: tuple[int, ...]  # [node]
    operator_of: tuple[int, ...]  # [node]
    dependency_counts: tuple[int, ...]  # [node]: nodes of the same block that it waits for
    successor_starts: tuple[int, ...]  # [node + 1]: into successors
    successors: tuple[int, ...]
    inputs: tuple[tuple[tuple[str, Formula], ...], ...]  # [node]: of an operator or a call
    streams: tuple[tuple[Stream, ...], ...]  # [node]: of an operator, its inputs that come item by item
    gives: tuple[float | None, ...]  # [node]: the number of items in which others read its value
    rests: tuple[Formula | None, ...]  # [node]: of an operator, its value without a name
    formulas: tuple[Formula | None, ...]  # [node]: condition, init, items, value or question
    untils: tuple[Formula | None, ...]  # [node]: of a loop
    limits: tuple[int, ...]  # [node]: max_iters, max or max_turns
    truncates: tuple[bool, ...]  # [node]: of a fanout
    collects: tuple[bool, ...]  # [node]: of a fanout
    child_starts: tuple[int, ...]  # [node + 1]: into children
    children: tuple[int, ...]  # blocks: then, orelse | body | turn, tools
    tool_names: tuple[tuple[str, ...], ...]  # [node]: of a react, in the order of its tools' blocks

    block_starts: tuple[int, ...]  # [block + 1]: into the nodes
    parameters: tuple[tuple[str, ...], ...]  # [block]
    results: tuple[Formula, ...]  # [block]
    in_turn: tuple[bool, ...]  # [block]: is the turn of a react

    def nodes(self, block: int) -> range:
        """The nodes of a block."""
        return range(self.block_starts[block], self.block_starts[block + 1])

    def slots(self, block: int) -> int:
        """Number of values of a frame of this block."""
        return len(self.parameters[block]) + len(self.nodes(block))

    def following(self, node: int) -> tuple[int, ...]:
        """The nodes of the same block that wait for this one."""
        return self.successors[self.successor_starts[node] : self.successor_starts[node + 1]]

    def blocks(self, node: int) -> tuple[int, ...]:
        """The blocks nested in a node."""
        return self.children[self.child_starts[node] : self.child_starts[node + 1]]


_KINDS = {kind.name.lower(): kind for kind in Kind}


def compile(plan: Plan) -> Program:
    """The Program of a plan.

    Raises `ProgramError` for an unknown operator or pool, a reference to nothing or to a later node, a cycle, a name
    used twice, an expression that does not parse, and a block with the wrong number of parameters.
    """
    check_operators(plan)
    layout = _Layout({operator.id: index for index, operator in enumerate(plan.operators)})
    layout.add_block(plan.body, None, set(), in_turn=False)
    while layout.waiting:
        layout.place_next()
    return layout.finish(plan)


@dataclass(slots=True)
class _Waiting:
    """A block whose nodes have not been laid out yet."""

    index: int
    block: Block
    scope: Scope
    taken: set[str]


@dataclass(slots=True)
class _Layout:
    """The arrays of a Program while they grow."""

    operator_index: dict[str, int]
    waiting: list[_Waiting] = field(default_factory=list[_Waiting])
    nodes: list[Node] = field(default_factory=list[Node])
    scopes: list[Scope] = field(default_factory=list[Scope])
    blocks: list[Block] = field(default_factory=list[Block])
    block_scopes: list[Scope] = field(default_factory=list[Scope])
    in_turn: list[bool] = field(default_factory=list[bool])
    block_starts: list[int] = field(default_factory=list[int])
    child_starts: list[int] = field(default_factory=list[int])
    children: list[int] = field(default_factory=list[int])
    dependencies: list[frozenset[int]] = field(default_factory=list[frozenset[int]])

    def add_block(self, block: Block, outer: Scope | None, taken: set[str], *, in_turn: bool) -> int:
        """Queue a block; its scope is known at once because slots follow from the document's order."""
        names = [*block.parameters, *(node.id for node in block.nodes)]
        for name in names[len(block.parameters) :]:
            if name in taken:
                raise ProgramError(f"the id {name!r} is used twice in the plan; every node needs an id of its own")
            taken.add(name)
        if len(set(names)) != len(names):
            raise ProgramError(f"a parameter and a node of one block share a name: {', '.join(sorted(names))}")
        scope = Scope({name: slot for slot, name in enumerate(names)}, outer)
        index = len(self.blocks)
        self.blocks.append(block)
        self.block_scopes.append(scope)
        self.in_turn.append(in_turn)
        self.waiting.append(_Waiting(index, block, scope, taken))
        return index

    def place_next(self) -> None:
        """Lay out the nodes of the block that has waited longest and queue the blocks nested in them."""
        entry = self.waiting.pop(0)
        self.block_starts.append(len(self.nodes))
        first = len(self.nodes)
        position = {node.id: first + offset for offset, node in enumerate(entry.block.nodes)}
        reads = {node.id: free_names(node) & position.keys() for node in entry.block.nodes}
        check_order(entry.block, reads)
        for node in entry.block.nodes:
            self.child_starts.append(len(self.children))
            self.nodes.append(node)
            self.scopes.append(entry.scope)
            self.dependencies.append(frozenset(position[name] for name in reads[node.id]))
            taken: set[str] = set() if isinstance(node, CallNode) else entry.taken
            for part, block in nested(node):
                check_parameters(node, part, block)
                self.children.append(self.add_block(block, entry.scope, taken, in_turn=part == "turn"))

    def finish(self, plan: Plan) -> Program:
        """Parse and resolve every expression and freeze the arrays."""
        nodes, scopes = self.nodes, self.scopes
        operator_of = [self._operator(node) for node in nodes]
        followers: list[list[int]] = [[] for _ in nodes]
        for node, sources in enumerate(self.dependencies):
            for source in sorted(sources):
                followers[source].append(node)
        starts = _starts(len(follower) for follower in followers)
        streams = tuple(stream_inputs(node, scope, self._node_at) for node, scope in zip(nodes, scopes, strict=True))
        return Program(
            plan=plan,
            operators=tuple(plan.operators),
            transfers_into=transfers_into(plan),
            ids=tuple(node.id for node in nodes),
            labels=tuple(
                _label(node, operator, operator_of) for node, operator in zip(nodes, operator_of, strict=True)
            ),
            kinds=tuple(int(_KINDS[node.kind]) for node in nodes),
            operator_of=tuple(operator_of),
            dependency_counts=tuple(len(sources) for sources in self.dependencies),
            successor_starts=starts,
            successors=tuple(node for follower in followers for node in follower),
            inputs=tuple(inputs(node, scope) for node, scope in zip(nodes, scopes, strict=True)),
            streams=streams,
            gives=given_items(streams),
            rests=tuple(rest(node, scope) for node, scope in zip(nodes, scopes, strict=True)),
            formulas=tuple(formula(node, scope) for node, scope in zip(nodes, scopes, strict=True)),
            untils=tuple(until(node, scope) for node, scope in zip(nodes, scopes, strict=True)),
            limits=tuple(limit(node) for node in nodes),
            truncates=tuple(isinstance(node, FanoutNode) and node.overflow == "truncate" for node in nodes),
            collects=tuple(isinstance(node, FanoutNode) and node.on_error == "collect" for node in nodes),
            child_starts=(*self.child_starts, len(self.children)),
            children=tuple(self.children),
            tool_names=tuple(tuple(node.tools) if isinstance(node, ReactNode) else () for node in nodes),
            block_starts=(*self.block_starts, len(nodes)),
            parameters=tuple(tuple(block.parameters) for block in self.blocks),
            results=tuple(
                resolve_text(block.result, scope, "the result of a block")
                for block, scope in zip(self.blocks, self.block_scopes, strict=True)
            ),
            in_turn=tuple(self.in_turn),
        )

    def _node_at(self, scope: Scope, slot: int) -> int | None:
        """The operator's node whose value has a slot of a scope; None for a parameter and for control."""
        block = self.block_scopes.index(scope)
        node = self.block_starts[block] + slot - len(self.blocks[block].parameters)
        return node if node >= self.block_starts[block] and isinstance(self.nodes[node], OpNode) else None

    def _operator(self, node: Node) -> int:
        if not isinstance(node, OpNode):
            return NONE
        if node.operator not in self.operator_index:
            known = ", ".join(self.operator_index) or "none"
            raise ProgramError(f"node {node.id!r} runs the unknown operator {node.operator!r}; the plan has: {known}")
        return self.operator_index[node.operator]


def _label(node: Node, operator: int, operator_of: list[int]) -> str:
    """An operator's id where one node runs it, else the node's id, so that instances never share a name."""
    return node.operator if isinstance(node, OpNode) and operator_of.count(operator) == 1 else node.id


def _starts(counts: Iterable[int]) -> tuple[int, ...]:
    total, starts = 0, [0]
    for count in counts:
        total += count
        starts.append(total)
    return tuple(starts)
