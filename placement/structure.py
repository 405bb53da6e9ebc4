"""Reads the lowered IR as a tree of blocks of operators, for the problem table.

Control stays control: a region becomes a block with counts and probabilities, and nothing is unrolled. A node waits for
the nodes of its block whose values it, or anything nested in it, reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.ir import Block as IrBlock
from xdsl.ir import BlockArgument, Operation, SSAValue

from costmodel.errors import CostError
from ir import view
from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.control import FanoutOp, FusedOp, LoopOp, ReactOp, WhenOp
from ir.dialects.llm import PrefillOp, PrefixPrefillOp
from ir.dialects.plan import ChooseOp
from ir.dialects.task import FunctionOp
from placement.data_flow import OPERATOR_OPS, Edges, OperatorOp, probability, read_edges
from placement.problem import Block, BranchNode, ChooseNode, FanoutNode, LoopNode, Node, OpNode

__all__ = ["OPERATOR_OPS", "Structure", "names_of_choice", "read_structure"]

_TIMELESS = frozenset(
    {
        "agent.expr",
        "agent.interrupt",
        "agent.observe",
        "agent.output",
        "agent.yield",
        "comm.activations",
        "comm.kv_transfer",
        "plan.yield",
        "tool.lookup",
        "tool.wait",
    }
)
"""Operations that are no nodes: what they take is part of another operator or of an edge, or is not counted."""

Alternative = tuple[int, int]
"""A choice and one of its alternatives."""


@dataclass(frozen=True, slots=True)
class Structure:
    """The tree of blocks over `operations` (operators in order of execution), with edges, choices and groups.

    `alternatives` [operator] is the innermost alternative that it belongs to, None outside every choice.
    """

    operations: tuple[OperatorOp, ...]
    root: Block
    edges: Edges
    choices: tuple[ChooseOp, ...]
    alternatives: tuple[Alternative | None, ...]
    groups: tuple[tuple[int, ...], ...]


def read_structure(graph: GraphOp) -> Structure:
    """The structure of a lowered graph.

    Raises `CostError` for a branch without a probability, and for an operation that is neither an operator nor control
    nor known to take no time: nothing costs zero unnoticed.
    """
    reader = _Reader()
    root = reader.block(graph.body.block)
    operations = tuple(reader.operations)
    groups = (*_groups(operations), *_sharing(operations))
    return Structure(
        operations=operations,
        root=root,
        edges=read_edges(graph, operations, groups),
        choices=tuple(reader.choices),
        alternatives=tuple(reader.alternatives),
        groups=groups,
    )


def names_of_choice(choice: ChooseOp) -> tuple[str, ...]:
    """The names of a choice's alternatives."""
    return names_of(choice.names)


@dataclass(slots=True)
class _Reader:
    """Collects operators and choices, in order of execution, while it walks the blocks."""

    operations: list[OperatorOp] = field(default_factory=list["OperatorOp"])
    alternatives: list[Alternative | None] = field(default_factory=list["Alternative | None"])
    choices: list[ChooseOp] = field(default_factory=list[ChooseOp])
    within: Alternative | None = None

    def block(self, block: IrBlock) -> Block:
        nodes: list[Node] = []
        position: dict[Operation, int] = {}
        waits: list[tuple[int, ...]] = []
        for op in block.ops:
            node = self.node(op)
            if node is None:
                continue
            waits.append(tuple(sorted(position[earlier] for earlier in _waits_for(op, block, position))))
            position[op] = len(nodes)
            nodes.append(node)
        return Block(tuple(nodes), tuple(waits))

    def node(self, op: Operation) -> Node | None:
        """The node of an operation; None for one that takes no time, such as an expression or an observation."""
        match op:
            case FunctionOp() | FusedOp() if op.name in OPERATOR_OPS:
                self.operations.append(op)
                self.alternatives.append(self.within)
                return OpNode(len(self.operations) - 1)
            case WhenOp():
                p = probability(op)
                return BranchNode(op.id.data, (p, 1 - p), (self.block(op.then.block), self.block(op.orelse.block)))
            case LoopOp():
                block = self.block(op.body.block)
                return LoopNode(op.id.data, op.expect.value.data, op.max_iters.value.data, block)
            case FanoutOp():
                block = self.block(op.body.block)
                return FanoutNode(op.id.data, op.expect.value.data, op.max.value.data, block)
            case ReactOp():
                return self.react(op)
            case ChooseOp():
                return self.choose(op)
            case _ if op.name in _TIMELESS:
                return None
            case _:
                raise CostError(f"no cost rule knows {op.name}; placement reads the IR after all default passes")

    def choose(self, op: ChooseOp) -> Node:
        choice, around = len(self.choices), self.within
        self.choices.append(op)
        blocks: list[Block] = []
        for index, region in enumerate(op.regions):
            self.within = choice, index
            blocks.append(self.block(region.block))
        self.within = around
        return ChooseNode(choice, tuple(blocks))

    def react(self, op: ReactOp) -> Node:
        """The turns one after another, and after them one tool between each turn and the next.

        The order does not matter to a sum. Which tool a turn calls is as likely as any other; the tools that one turn
        calls run at once, so that a round takes as long as one: their average, or the slowest.
        """
        name, expect, most = op.id.data, op.expect.value.data, op.max_turns.value.data
        turns = LoopNode(f"{name}.turns", expect, most, self.block(op.turn.block), minimum=1)
        tools = tuple(self.block(region.block) for region in op.tools)
        if not tools:
            return BranchNode(name, (1.0,), (Block((turns,), ((),)),))
        rounds = BranchNode(f"{name}.tools", tuple(1 / len(tools) for _ in tools), tools)
        between = LoopNode(f"{name}.rounds", expect - 1, most - 1, Block((rounds,), ((),)))
        return BranchNode(name, (1.0,), (Block((turns, between), ((), (0,))),))


def _groups(operations: Iterable[OperatorOp]) -> Iterator[tuple[int, ...]]:
    """Operators of one `plan.group` within one region share a pool."""
    members: dict[tuple[IrBlock | None, str], list[int]] = {}
    for position, op in enumerate(operations):
        group = view.group(op)
        if group is not None:
            members.setdefault((op.parent, group), []).append(position)
    yield from (tuple(group) for group in members.values() if len(group) > 1)


def _sharing(operations: Sequence[OperatorOp]) -> Iterator[tuple[int, ...]]:
    """A prefix's KV is where it was made: each prefill that reads it shares the pool of the prefix.

    Pairs, because what makes the prefix always runs where one of its readers does.
    """
    index = {op: position for position, op in enumerate(operations)}
    for position, op in enumerate(operations):
        if isinstance(op, PrefillOp) and op.prefix is not None:
            yield index[_maker(op.prefix)], position


def _maker(prefix: SSAValue) -> FunctionOp:
    """The operation that makes a prefix, through the choices that it is handed to."""
    while isinstance(prefix, BlockArgument):
        parent = prefix.block.parent_op()
        if not isinstance(parent, ChooseOp):
            break
        prefix = parent.operands[prefix.index]
    if not isinstance(prefix.owner, PrefixPrefillOp):
        raise CostError(f"a prefix comes from {prefix}, which is no llm.prefix_prefill")
    return prefix.owner


def _waits_for(op: Operation, block: IrBlock, position: Mapping[Operation, int]) -> set[Operation]:
    """The earlier nodes of `block` whose values `op` or anything nested in it reads, also through what is no node."""
    found: set[Operation] = set()
    seen: set[Operation] = set()
    open_operations = list(op.walk())
    while open_operations:
        for value in open_operations.pop().operands:
            owner = value.owner
            earlier = block.find_ancestor_op_in_block(owner) if isinstance(owner, Operation) else None
            if earlier is None or earlier is op or earlier in seen:
                continue
            seen.add(earlier)
            if earlier in position:
                found.add(earlier)
            else:
                open_operations.append(earlier)
    return found
