"""Finds which operators' values an operator reads: the edges of the problem, along the SSA values of the lowered IR.

Values pass through expressions, control and choices before an operator reads them. What a branch makes arrives in a
share of the reader's visits only, what a fan-out makes in several copies; a transfer is charged for no more than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard, cast

from xdsl.ir import Attribute, BlockArgument, Operation, OpResult, Region, SSAValue

from costmodel.errors import CostError
from ir.dialects.agent import GraphOp, InterruptOp
from ir.dialects.comm import KvTransferOp
from ir.dialects.control import FanoutOp, FusedOp, LoopOp, ReactOp, WhenOp
from ir.dialects.llm import ActivationsType, KvType
from ir.dialects.model import EncodedType
from ir.dialects.plan import ChooseOp
from ir.dialects.task import FunctionOp
from ir.view import streamed_operands

OPERATOR_OPS = frozenset(
    {
        "llm.render",
        "llm.prefix_prefill",
        "llm.prefill",
        "llm.decode",
        "llm.decode_attention",
        "llm.decode_linear",
        "llm.parse",
        "model.run",
        "model.encode",
        "model.decode",
        "agent.compute",
        "agent.fused",
        "tool.compute",
        "memory.lookup",
        "memory.load",
        "memory.store",
    }
)
"""Operations that become operators of the plan; a tool's lookup and wait run inside its compute, and computes that
were fused inside the operation that holds them."""

OperatorOp = FunctionOp | FusedOp
"""The types of these operations."""


Carried = Literal["data", "kv", "activations", "encoded"]
"""What moves: any value; the KV of a prompt; what the halves of a decode tell each other; an encoder's output."""

_CARRIED: dict[type[Attribute], Carried] = {KvType: "kv", ActivationsType: "activations", EncodedType: "encoded"}


@dataclass(frozen=True, slots=True)
class EdgeSpec:
    """Operator `dst` reads a value of operator `src`, or what only a device with the same model can read.

    `share` is the mean number of times in one visit of `dst`, at most 1, and an upper bound where a loop's count
    decides. `copies` is how many values of `src` arrive then, on average. `is_internal`: the two share a pool whatever
    is decided, so that nothing moves. `is_layerwise`: the KV leaves layer by layer while `src` runs.
    `items`: all that `dst` reads of `src` comes in so many items, and it may begin at the first (None: not so).
    """

    src: int
    dst: int
    carries: Carried
    share: float
    copies: float
    is_internal: bool
    is_layerwise: bool = False
    items: float | None = None


Edges = tuple[EdgeSpec, ...]


@dataclass(frozen=True, slots=True)
class _Flow:
    """In what share of its uses a value holds something of an operator, and how many of its values."""

    share: float = 1.0
    copies: float = 1.0


@dataclass(frozen=True, slots=True)
class _Feeder:
    """A value that another is made from. `is_carried`: by an earlier pass through the same region."""

    value: SSAValue
    share: float = 1.0
    copies: float = 1.0
    is_carried: bool = False


def read_edges(graph: GraphOp, operations: Sequence[OperatorOp], groups: Sequence[Sequence[int]]) -> Edges:
    """One edge for each pair of operators of which one reads the other; not as data where more goes that way."""
    index = {op: position for position, op in enumerate(operations)}
    together = {(src, dst) for group in groups for src in group for dst in group}
    flows = _Flows(graph)
    edges: list[EdgeSpec] = []
    for dst, op in enumerate(operations):
        read: dict[int, tuple[_Flow, Carried]] = {}
        operands = _operands(op)
        layerwise = _sent_layerwise(operands)
        streamed = streamed_operands(op)
        items: dict[int, set[float | None]] = {}
        for value in operands:
            for source, flow in flows.of(value).items():
                items.setdefault(index[source], set()).add(streamed.get(value))
                known, before = read.get(index[source], (None, "data"))
                read[index[source]] = _joined(known, flow), carried(value) if before == "data" else before
        for src, (flow, carries) in sorted(read.items(), key=lambda entry: entry[0]):
            is_internal = src == dst or (src, dst) in together
            is_layerwise = operations[src] in layerwise
            (count,) = items[src] if len(items[src]) == 1 else (None,)
            edges.append(EdgeSpec(src, dst, carries, flow.share, flow.copies, is_internal, is_layerwise, count))
    return tuple(edges)


def _operands(op: OperatorOp) -> Sequence[SSAValue]:
    """The values that an operator reads; of fused computes those that come from outside."""
    if not isinstance(op, FusedOp):
        return op.operands
    return [value for part in op.body.block.ops for value in part.operands if value.owner.parent is not op.body.block]


def carried(value: SSAValue) -> Carried:
    """What moves when an operator reads a value."""
    return _CARRIED.get(type(value.type), "data")


def _sent_layerwise(operands: Iterable[SSAValue]) -> set[object]:
    """The operations whose KV reaches these operands layer by layer."""
    return {
        operand.owner.kv.owner
        for operand in operands
        if isinstance(operand.owner, KvTransferOp) and operand.owner.layerwise is not None
    }


def probability(op: WhenOp) -> float:
    """The probability of a branch's `then`. Raises `CostError` where the author gave none."""
    if op.p is None:
        raise CostError(f"when @{op.id.data} states no p; give p= the probability of its then branch")
    return op.p.value.data


class _Flows:
    """The operators behind each value. Found from the first operation to the last, inner ones first, so that what a
    value is made from is known already, however long the way."""

    def __init__(self, graph: GraphOp) -> None:
        self._known: dict[SSAValue, Mapping[OperatorOp, _Flow]] = {}
        for op in graph.walk(region_first=True):
            for result in op.results:
                self.of(result)

    def of(self, value: SSAValue) -> Mapping[OperatorOp, _Flow]:
        """The operators whose values this one holds something of."""
        known = self._known.get(value)
        if known is None:
            known = self._known[value] = self._find(value)
        return known

    def _find(self, value: SSAValue) -> Mapping[OperatorOp, _Flow]:
        if is_operator(value.owner):
            return {value.owner: _Flow()}
        found: dict[OperatorOp, _Flow] = {}
        for feeder in _feeders(value):
            inner = _reached(feeder.value) if feeder.is_carried else self.of(feeder.value)
            for op, flow in inner.items():
                passed = _Flow(feeder.share * flow.share, feeder.copies * flow.copies)
                found[op] = _joined(found.get(op), passed)
        return found


def _joined(one: _Flow | None, other: _Flow) -> _Flow:
    """What a value holds that is made from two: at most their sum."""
    if one is None:
        return other
    return _Flow(min(1.0, one.share + other.share), max(one.copies, other.copies))


def _reached(value: SSAValue) -> Mapping[OperatorOp, _Flow]:
    """Every operator behind a value that goes around a cycle, each with the whole of its share."""
    found: dict[OperatorOp, _Flow] = {}
    seen: set[SSAValue] = set()
    open_values = [(value, 1.0)]
    while open_values:
        current, copies = open_values.pop()
        if current in seen:
            continue
        seen.add(current)
        if is_operator(current.owner):
            found[current.owner] = _Flow(copies=copies)
        else:
            open_values.extend((feeder.value, copies * feeder.copies) for feeder in _feeders(current))
    return found


def is_operator(owner: object) -> TypeGuard[OperatorOp]:
    """Whether an operation becomes an operator of the plan."""
    return isinstance(owner, FunctionOp | FusedOp) and owner.name in OPERATOR_OPS


def _feeders(value: SSAValue) -> Iterator[_Feeder]:
    """The values that a value, which no operator wrote, is made from."""
    if isinstance(value, BlockArgument):
        yield from _argument_feeders(value)
        return
    owner = cast(OpResult, value).owner
    match owner:
        case WhenOp():
            p = probability(owner)
            yield _Feeder(_yielded(owner.then), p)
            yield _Feeder(_yielded(owner.orelse), 1 - p)
        case ChooseOp():
            index = cast(OpResult, value).index
            yield from (_Feeder(_terminator(region).operands[index]) for region in owner.regions)
        case LoopOp():
            yield _Feeder(owner.init)
            yield _Feeder(_yielded(owner.body), min(1.0, owner.expect.value.data))
        case FanoutOp():
            yield _Feeder(_yielded(owner.body), copies=owner.expect.value.data)
        case ReactOp():
            yield _Feeder(_yielded(owner.turn))
        case InterruptOp():
            return  # the value is an answer from outside, not the question
        case _:
            yield from map(_Feeder, owner.operands)


def _argument_feeders(argument: BlockArgument) -> Iterator[_Feeder]:
    parent = argument.block.parent_op()
    match parent:
        case LoopOp():
            expect, most = parent.expect.value.data, parent.max_iters.value.data
            yield _Feeder(parent.init, 1 / max(1.0, expect))
            if most > 1:
                yield _Feeder(_yielded(parent.body), 1 - 1 / most, is_carried=True)
        case FanoutOp():
            yield _Feeder(parent.items, copies=1 / max(1.0, parent.expect.value.data))
        case ReactOp() if argument.block is parent.turn.block:
            # Of n turns all but the first read what the model and the tools said before.
            share = 1 - 1 / parent.expect.value.data
            for region in (parent.turn, *parent.tools) if parent.max_turns.value.data > 1 else ():
                yield _Feeder(_yielded(region), share, is_carried=True)
        case ReactOp():
            yield _Feeder(_yielded(parent.turn), is_carried=True)
        case ChooseOp():
            yield _Feeder(parent.operands[argument.index])
        case _:
            return


def _yielded(region: Region) -> SSAValue:
    return _terminator(region).operands[0]


def _terminator(region: Region) -> Operation:
    last = region.block.last_op
    assert last is not None, "verified regions end in a terminator"
    return last
