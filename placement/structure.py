"""Reads the lowered IR as a tree of blocks and the edges between operators, for the problem table.

Control stays control: a region becomes a block with counts and probabilities, and nothing is unrolled. What waits for
what, and where a value comes from, follow the SSA values, also into and out of regions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Block as IrBlock
from xdsl.ir import BlockArgument, Operation, OpResult, Region, SSAValue

from costmodel.errors import CostError
from ir.dialects.agent import GraphOp
from ir.dialects.control import FanoutOp, LoopOp, ReactOp, WhenOp
from ir.dialects.llm import KvType
from ir.dialects.plan import ChooseOp
from ir.dialects.task import FunctionOp
from placement.problem import Block, BranchNode, ChooseNode, FanoutNode, LoopNode, Node, OpNode

OPERATOR_OPS = frozenset(
    {
        "llm.render",
        "llm.prefill",
        "llm.decode",
        "llm.parse",
        "model.run",
        "agent.compute",
        "tool.compute",
        "memory.lookup",
        "memory.load",
        "memory.store",
    }
)
"""Operations that become operators of the plan; a tool's lookup and wait run inside its compute."""


@dataclass(frozen=True, slots=True)
class EdgeSpec:
    """A value or KV that operator `dst` reads and operator `src` wrote."""

    src: int
    dst: int
    is_kv: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """The tree of blocks over `operations` (operators in order), with edges, choices and groups."""

    operations: tuple[FunctionOp, ...]
    root: Block
    edges: tuple[EdgeSpec, ...]
    choices: tuple[ChooseOp, ...]
    groups: tuple[tuple[int, ...], ...]


def read_structure(graph: GraphOp) -> Structure:
    """The structure of a lowered graph. Raises `CostError` for a branch without a probability."""
    reader = _Reader()
    root = reader.block(graph.body.block)
    return Structure(
        tuple(reader.operations), root, tuple(reader.edges()), tuple(reader.choices), tuple(reader.groups())
    )


def producers(value: SSAValue) -> tuple[FunctionOp, ...]:
    """The operations whose devices a value may come from, through expressions, control and choices."""
    found: dict[FunctionOp, None] = {}
    seen: set[SSAValue] = set()
    open_values = [value]
    while open_values:
        current = open_values.pop()
        if current in seen:
            continue
        seen.add(current)
        owner = current.owner
        if isinstance(owner, FunctionOp) and owner.name in OPERATOR_OPS:
            found[owner] = None
        else:
            open_values.extend(_feeders(current))
    return tuple(found)


def yielded(region: Region) -> SSAValue:
    """The value that a region's terminator gives."""
    last = region.block.last_op
    assert last is not None, "verified regions end in a terminator"
    return last.operands[0]


def _feeders(value: SSAValue) -> Iterator[SSAValue]:
    """The values that a value, which no operator wrote, is made from."""
    if isinstance(value, BlockArgument):
        yield from _argument_feeders(value)
        return
    owner = cast(OpResult, value).owner
    match owner:
        case WhenOp():
            yield from (yielded(region) for region in owner.regions)
        case ChooseOp():
            index = cast(OpResult, value).index
            yield from (_terminator(region).operands[index] for region in owner.regions)
        case LoopOp():
            yield owner.init
            yield yielded(owner.body)
        case FanoutOp():
            yield yielded(owner.body)
        case ReactOp():
            yield yielded(owner.turn)
        case _:
            yield from owner.operands


def _terminator(region: Region) -> Operation:
    last = region.block.last_op
    assert last is not None, "verified regions end in a terminator"
    return last


def _argument_feeders(argument: BlockArgument) -> Iterator[SSAValue]:
    parent = argument.block.parent_op()
    match parent:
        case LoopOp():
            yield parent.init
            yield yielded(parent.body)
        case FanoutOp():
            yield parent.items
        case ReactOp():
            if argument.block is parent.turn.block:
                yield from (yielded(region) for region in parent.tools)
                yield yielded(parent.turn)
            else:
                yield yielded(parent.turn)
        case ChooseOp():
            yield parent.operands[argument.index]
        case _:
            return


@dataclass(slots=True)
class _Reader:
    """Collects operators, choices and groups while it walks the blocks."""

    operations: list[FunctionOp] = field(default_factory=list[FunctionOp])
    index: dict[FunctionOp, int] = field(default_factory=dict[FunctionOp, int])
    choices: list[ChooseOp] = field(default_factory=list[ChooseOp])

    def block(self, block: IrBlock) -> Block:
        nodes: list[Node] = []
        position: dict[Operation, int] = {}
        waits: list[tuple[int, ...]] = []
        for op in block.ops:
            node = self.node(op)
            if node is None:
                continue
            waits.append(tuple(sorted({position[earlier] for earlier in _waits_for(op, block, position)})))
            position[op] = len(nodes)
            nodes.append(node)
        return Block(tuple(nodes), tuple(waits))

    def node(self, op: Operation) -> Node | None:
        if isinstance(op, FunctionOp) and op.name in OPERATOR_OPS:
            self.index[op] = len(self.operations)
            self.operations.append(op)
            return OpNode(self.index[op])
        match op:
            case WhenOp():
                if op.p is None:
                    raise CostError(f"when @{op.id.data} states no p; give p= the probability of its then branch")
                p = op.p.value.data
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
                choice = len(self.choices)
                self.choices.append(op)
                return ChooseNode(choice, tuple(self.block(region.block) for region in op.regions))
            case _:
                return None

    def react(self, op: ReactOp) -> Node:
        """Turns one after another, and between two turns the slowest or the average of the tools."""
        name, expect, most = op.id.data, op.expect.value.data, op.max_turns.value.data
        turns = LoopNode(f"{name}.turns", expect, most, self.block(op.turn.block), minimum=1)
        tools = tuple(self.block(region.block) for region in op.tools)
        if not tools or most == 1:
            return BranchNode(name, (1.0,), (Block((turns,), ((),)),))
        share = 1 / len(tools)
        branch = BranchNode(f"{name}.tools", tuple(share for _ in tools), tools)
        between = LoopNode(f"{name}.calls", expect - 1, most - 1, Block((branch,), ((),)))
        return BranchNode(name, (1.0,), (Block((turns, between), ((), (0,))),))

    def edges(self) -> Iterator[EdgeSpec]:
        """One edge for each pair of operators; none within a group, whose members share a pool and so move nothing."""
        together = {(src, dst) for group in self.groups() for src in group for dst in group}
        for dst, op in enumerate(self.operations):
            kind = {source: False for value in op.operands if not is_kv(value) for source in producers(value)}
            kind |= {source: True for value in op.operands if is_kv(value) for source in producers(value)}
            for source, carries_kv in kind.items():
                if source is not op and (self.index[source], dst) not in together:
                    yield EdgeSpec(self.index[source], dst, carries_kv)

    def groups(self) -> Iterator[tuple[int, ...]]:
        """Operators of one `plan.group` within one region share a pool."""
        members: dict[tuple[IrBlock | None, str], list[int]] = {}
        for position, op in enumerate(self.operations):
            group = op.attributes.get("plan.group")
            if isinstance(group, StringAttr):
                members.setdefault((op.parent, group.data), []).append(position)
        yield from (tuple(group) for group in members.values() if len(group) > 1)


def is_kv(value: SSAValue) -> bool:
    """Whether a value is the KV cache of a prompt."""
    return isinstance(value.type, KvType)


def _waits_for(op: Operation, block: IrBlock, position: dict[Operation, int]) -> Iterator[Operation]:
    """The earlier nodes of `block` whose values `op` or anything nested in it reads."""
    seen: set[Operation] = set()
    open_operations = list(op.walk())
    while open_operations:
        inner = open_operations.pop()
        for value in inner.operands:
            owner = value.owner
            if not isinstance(owner, Operation):
                continue
            ancestor = block.find_ancestor_op_in_block(owner)
            if ancestor is None or ancestor is op or ancestor in seen:
                continue
            seen.add(ancestor)
            if ancestor in position:
                yield ancestor
            else:
                open_operations.append(ancestor)


def names_of_choice(choice: ChooseOp) -> tuple[str, ...]:
    """The names of a choice's alternatives."""
    return tuple(name.data for name in choice.names)
