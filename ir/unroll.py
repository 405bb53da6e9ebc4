"""A debug view: loops, fan-outs and reacts as the straight line of operations that a run of given counts goes through.

The compiler keeps control in regions whatever its bounds; a person who asks what a run does, step by step, wants it
written out. The result is a module, so it prints and draws like any other, but no pass and no placement reads it.

    %l = agent.loop @l(x = %a) max_iters 3 expect 1.4 until {...} do { ^bb0(%x): %b = agent.compute @b(x = %x) ... }
  becomes, with the expected counts,
    %b_c1 = agent.compute @b_c1(x = %a) ...
    %b_c2 = agent.compute @b_c2(x = %b_c1) ...
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr
from xdsl.ir import Block, Operation, SSAValue

from ir import expression
from ir.build import strings
from ir.dialects import cost
from ir.dialects.agent import ExprOp, GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.control import FanoutOp, LoopOp, ReactOp
from ir.dialects.names import fresh, names_in, own_id
from ir.dialects.values import JsonType

Counts = Literal["expect", "max"]
"""How often bodies stand: as often as is expected, rounded up, or as often as their bounds allow."""

MAX_OPERATIONS = 2_000
"""Operations of the longest module that is written out; nobody reads a longer one."""

_OF_THE_LAST_FORM = ("plan.last_form", "plan.inputs", "plan.forwards")
"""Attributes that say what the operations of a rolled graph read; copies read something else."""


class UnrollError(ValueError):
    """A module that is too large when it is written out."""


@dataclass(frozen=True, slots=True)
class Unrolled:
    """A module without loops, fan-outs and reacts, and how many copies of its body stand for one of each, by its id.

    In an agent other than the first, its name stands before the id: `helper.search_fanout`.
    """

    module: ModuleOp
    copies: Mapping[str, int]


def unroll(module: ModuleOp, counts: Counts = "expect", limit: int = MAX_OPERATIONS) -> Unrolled:
    """Write out a verified module; the given one stays as it is.

    A copy has the ids of its body with `_c1`, `_c2` and so on. Predicates of loops stand before each copy, though
    nothing reads them any more. Each turn of a react but the last calls every tool once; messages are listed without
    the roles that the runtime adds. `cost.visits` of an operation is shared among its copies, so that sums stay. Raises
    `UnrollError` for what may have more than `limit` operations.
    """
    size = _size(module.body.block, counts)
    if size > limit:
        raise UnrollError(
            f"unrolled, the module may have {size} operations, more than {limit}; {_advice(module, counts)}"
        )
    copies: dict[str, int] = {}
    operations: list[Operation] = []
    for op in module.ops:
        if isinstance(op, GraphOp):
            taken = names_in(op.body.block) | set(names_of(op.parameters))
            agent = f"{op.sym_name.data}." if operations else ""
            operations.append(_Writer(counts, taken, copies, agent).copy(op, {}, 1.0))
        else:
            operations.append(op.clone())
    result = ModuleOp(operations)
    result.verify()
    return Unrolled(result, copies)


def repetitions(op: LoopOp | FanoutOp | ReactOp, counts: Counts) -> int:
    """How many copies of its body an operation makes."""
    return _bound(op) if counts == "max" else math.ceil(op.expect.value.data)


def _bound(op: LoopOp | FanoutOp | ReactOp) -> int:
    match op:
        case LoopOp():
            most: IntegerAttr = op.max_iters
        case FanoutOp():
            most = op.max
        case ReactOp():
            most = op.max_turns
    return most.value.data


def _size(block: Block, counts: Counts) -> int:
    """At most so many operations has a block when it is unrolled."""
    total = 0
    for op in block.ops:
        insides = [_size(region.block, counts) for region in op.regions]
        if isinstance(op, LoopOp | FanoutOp | ReactOp):
            total += 1 + repetitions(op, counts) * (1 + sum(insides))
        else:
            total += 1 + sum(insides)
    return total


def _advice(module: ModuleOp, counts: Counts) -> str:
    control = [op for op in module.walk() if isinstance(op, LoopOp | FanoutOp | ReactOp)]
    most = max(control, key=lambda op: repetitions(op, counts), default=None)
    if most is None:
        return "it has no loops: print it as it is"
    smaller = "unroll by the expected counts or " if counts == "max" else ""
    return f"{smaller}lower the bounds: @{most.id.data} alone is repeated {repetitions(most, counts)} times"


class _Writer:
    """Writes out one graph. `taken` are its names; `values` says what now stands for a value of the rolled graph."""

    def __init__(self, counts: Counts, taken: set[str], copies: dict[str, int], agent: str) -> None:
        self.counts: Counts = counts
        self.agent = agent
        self.taken = taken
        self.copies = copies
        self.values: dict[SSAValue, SSAValue] = {}

    def copy(self, op: Operation, names: Mapping[str, str], share: float) -> Operation:
        """An operation with new names and its share of the visits; its regions are written out too."""
        new = op.clone_without_regions(self.values)
        _rename(new, names)
        for name in _OF_THE_LAST_FORM:
            new.attributes.pop(name, None)
        visits = cost.amount(op, "visits")
        if visits is not None:
            cost.set_amount(new, "visits", visits * share)
        for old_region, new_region in zip(op.regions, new.regions, strict=True):
            block = Block(arg_types=old_region.block.arg_types)
            for old, argument in zip(old_region.block.args, block.args, strict=True):
                argument.name_hint = old.name_hint
                self.values[old] = argument
            new_region.add_block(block)
            self.write(old_region.block, block, names, share)
            last = old_region.block.last_op
            assert last is not None, "a verified region has an end"
            block.add_op(self.copy(last, names, share))
        return new

    def write(self, source: Block, target: Block, names: Mapping[str, str], share: float) -> list[SSAValue]:
        """Add the operations of a block but for its end; the values that the end reads."""
        for op in source.ops:
            match op:
                case LoopOp():
                    self.values[op.result] = self.loop(op, target, names, share)
                case FanoutOp():
                    self.values[op.result] = self.fanout(op, target, names, share)
                case ReactOp():
                    self.values[op.result] = self.react(op, target, names, share)
                case _ if op is not source.last_op:
                    target.add_op(self.copy(op, names, share))
                case _:
                    return [self.values[operand] for operand in op.operands]
        raise AssertionError("a verified block has an end")

    def body(
        self, source: Block, argument: SSAValue, target: Block, names: Mapping[str, str], share: float
    ) -> SSAValue:
        """Add a copy of a region that takes one value; the one that it gives."""
        self.values[source.args[0]] = argument
        (value,) = self.write(source, target, names, share)
        return value

    def loop(self, op: LoopOp, target: Block, names: Mapping[str, str], share: float) -> SSAValue:
        """The value after the last copy."""
        value = self.values[op.init]
        count = self.count(op)
        for number in range(1, count + 1):
            self.body(op.until.block, value, target, names, share)
            value = self.body(op.body.block, value, target, self.numbered(op, names, number), share / count)
        return value

    def fanout(self, op: FanoutOp, target: Block, names: Mapping[str, str], share: float) -> SSAValue:
        """The list of what the copies give, one for each item."""
        items, made = self.values[op.items], list[SSAValue]()
        count = self.count(op)
        for number in range(1, count + 1):
            item = _expression(target, f"items[{number - 1}]", {"items": items})
            inner = self.numbered(op, names, number)
            made.append(self.body(op.body.block, item, target, inner, share / count))
        return _list(target, op, made)

    def react(self, op: ReactOp, target: Block, names: Mapping[str, str], share: float) -> SSAValue:
        """The content of the last turn."""
        messages: list[SSAValue] = []
        count = self.count(op)
        for number in range(1, count + 1):
            inner = self.numbered(op, names, number)
            turn = self.body(op.turn.block, _list(target, op, messages), target, inner, share / count)
            if number == count:
                return _expression(target, "turn.content", {"turn": turn})
            messages.append(turn)
            for index, region in enumerate(op.tools):
                called = _expression(target, f"turn.tool_calls[{index}].arguments", {"turn": turn})
                messages.append(self.body(region.block, called, target, inner, share / (count - 1)))
        raise AssertionError("a verified react has at least one turn")

    def count(self, op: LoopOp | FanoutOp | ReactOp) -> int:
        """How many copies stand, which is noted under the operation's id."""
        count = repetitions(op, self.counts)
        self.copies[self.agent + op.id.data] = count
        return count

    def numbered(self, op: Operation, names: Mapping[str, str], number: int) -> dict[str, str]:
        """The names of a copy of an operation's regions: `_c` and the number behind each.

        Without the letter xDSL would take the number for one that its printer made, and leave it off values.
        """
        inner = dict(names)
        for name in sorted(name for region in op.regions for name in names_in(region.block)):
            inner[name] = fresh(f"{names.get(name, name)}_c{number}", self.taken)
            self.taken.add(inner[name])
        return inner


def _list(target: Block, op: Operation, made: Sequence[SSAValue]) -> SSAValue:
    names = [f"v{number}" for number in range(1, len(made) + 1)]
    text = f"[{', '.join(names)}]"
    if len(text) > expression.MAX_TEXT_LENGTH:
        raise UnrollError(
            f"@{own_id(op)} makes a list of {len(made)} values, which is too long for an expression; lower its bound"
        )
    return _expression(target, text, dict(zip(names, made, strict=True)))


def _expression(target: Block, text: str, operands: Mapping[str, SSAValue]) -> SSAValue:
    op = ExprOp.create(
        operands=list(operands.values()),
        result_types=[JsonType()],
        properties={"text": StringAttr(text), "arg_names": strings(operands)},
    )
    target.add_op(op)
    return op.result


def _rename(op: Operation, names: Mapping[str, str]) -> None:
    for key in ("id", "call"):
        attribute = op.properties.get(key)
        if isinstance(attribute, StringAttr):
            op.properties[key] = StringAttr(names.get(attribute.data, attribute.data))
    for result in op.results:
        result.name_hint = names.get(result.name_hint or "", result.name_hint)
