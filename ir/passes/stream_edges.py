"""Marks the inputs that arrive item by item, so that their reader may begin at the first.

`costmodel.stream` has when such a reader then ends; placement and runtime read the mark. A value comes item by item
where its call has `stream` and a known number of `items`, and only to what can begin with a part of it: a `llm.parse`
of plain text (only such a call has `items`), and the run of a model. An expression, a prompt, control and a user's
function need the whole; `docs/decisions/0009-what-streams.md` has why. Before:

    %text = model.run @hear(...) ... {function = ..., stream, items = 4.0 : f64}
    %said = model.run @say(text = %text) ... {function = ...}

and after it:

    %said = model.run @say(text = %text) ... {agent.streams = {text = 4.0 : f64}, function = ...}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DictionaryAttr, ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass

from ir.build import number
from ir.dialects.agent import ExprOp
from ir.dialects.assembly import names_of
from ir.dialects.control import ReactOp
from ir.dialects.llm import DecodeLinearOp, DecodeOp, ParseOp
from ir.dialects.model import RunOp
from ir.dialects.plan import ChooseOp
from ir.dialects.task import STREAMS, FunctionOp, PartOp


@dataclass(frozen=True)
class StreamEdgesPass(ModulePass):
    """Writes `agent.streams` on each operation with an input that streams: the number of items by the input's name."""

    name = "stream-edges"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for reader in op.walk():
            if not isinstance(reader, FunctionOp):
                continue
            found = list(_streamed(reader))
            counts = {items for _, items in found}
            # A reader of two streams works them off side by side only where they have equally many items.
            if len(counts) == 1:
                marks: dict[str, Attribute] = {name: number(items) for name, items in found}
                reader.attributes[STREAMS] = DictionaryAttr(marks)


def _streamed(reader: FunctionOp) -> Iterator[tuple[str, float]]:
    for name, value in _inputs(reader):
        items = items_of(value)
        if items is not None and not _reads_whole(reader, value):
            yield name, items


def _inputs(reader: FunctionOp) -> Iterable[tuple[str, SSAValue]]:
    """The inputs of a reader that can begin with a part of them."""
    if isinstance(reader, RunOp):
        return zip(names_of(reader.arg_names), reader.operands, strict=False)
    if isinstance(reader, ParseOp) and not isinstance(reader.parent_op(), ReactOp):
        return [("text", reader.tokens)]
    return []


def items_of(value: SSAValue) -> float | None:
    """In how many items a value comes; None where it comes as a whole, by some alternative or always."""
    owner = value.owner
    if isinstance(owner, ChooseOp):
        index = owner.results.index(value)
        ends = [region.block.last_op for region in owner.alternatives]
        counts = {None if end is None else items_of(end.operands[index]) for end in ends}
        return counts.pop() if len(counts) == 1 else None
    if not isinstance(owner, FunctionOp) or owner.stream is None or owner.items is None:
        return None
    if not isinstance(owner, RunOp | DecodeOp | DecodeLinearOp | ParseOp) and (
        not isinstance(owner, PartOp) or owner.id != owner.call
    ):
        return None
    return _handed_on(owner, owner.items.value.data)


def _handed_on(owner: FunctionOp, items: float) -> float | None:
    """What reads a stream gives one of its own only in as many items: else nobody knows which of them make which."""
    read = owner.attributes.get(STREAMS)
    if not isinstance(read, DictionaryAttr):
        return items
    return items if all(count == number(items) for count in read.data.values()) else None


def _reads_whole(reader: Operation, value: SSAValue) -> bool:
    """Whether another input of the reader needs the value too: as it is, or an expression of it."""
    others = [operand for operand in reader.operands if operand is not value]
    if len(reader.operands) - len(others) > 1:
        return True
    seen: set[SSAValue] = set()
    while others:
        other = others.pop()
        if other is value:
            return True
        if isinstance(other.owner, ExprOp) and other not in seen:
            seen.add(other)
            others.extend(other.owner.operands)
    return False
