"""The `comm` dialect: state that moves between devices.

    %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {layerwise, function = ...}
      : !llm.kv<"llama3.1-8b", 900, ?>
    %first = comm.all_reduce @answer_prefill %part_0, %part_1 phase "prefill" call "answer" models ["qwen3-30b-a3b"]
      {function = ...} : (!comm.shard<0, 2, !llm.tokens<1>>, !comm.shard<1, 2, !llm.tokens<1>>) -> !llm.tokens<1>

Only what a pass puts between two stages is an operation here; moving an ordinary value is an edge, priced by placement.
`!comm.shard<0, 2, T>` is what the first of two devices holds of a T that they make together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import IntAttr, StringAttr, UnitAttr
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import (
    VarConstraint,
    base,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ir.dialects.llm import ActivationsType, KvType, ModelPartOp, TokensType
from ir.dialects.task import PartOp, TaskOp

PHASES = ("prefill", "decode")
"""The phases of a text generator's call, each of which passes through all layers."""


@irdl_attr_definition
class ShardType(ParametrizedAttribute, TypeAttribute):
    """`!comm.shard<0, 2, !llm.tokens<1>>`: part 0 of the 2 parts of a value; parts count from 0."""

    name = "comm.shard"

    index: IntAttr
    count: IntAttr
    whole: Attribute

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            index = IntAttr(parser.parse_integer(allow_boolean=False))
            parser.parse_punctuation(",")
            count = IntAttr(parser.parse_integer(allow_boolean=False))
            parser.parse_punctuation(",")
            return [index, count, parser.parse_type()]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.index.data}, {self.count.data}, ")
            printer.print_attribute(self.whole)

    def verify(self) -> None:
        if not 0 <= self.index.data < self.count.data or self.count.data < 2:
            raise VerifyException(
                f"a shard is one of at least 2 parts, counted from 0; got part {self.index.data} of {self.count.data}"
            )
        if isinstance(self.whole, ShardType):
            raise VerifyException("a shard is not divided again; state the number of all parts in one !comm.shard")


Part = tuple[int, int]
"""Which part of how many: (0, 1) is the whole."""


def part_of(type: Attribute) -> tuple[Part, Attribute]:
    """Which part of how many a value of this type is, and of what."""
    if isinstance(type, ShardType):
        return (type.index.data, type.count.data), type.whole
    return (0, 1), type


def check_phase(op: TaskOp, phase: StringAttr) -> None:
    """A phase is prefill or decode."""
    if phase.data not in PHASES:
        raise VerifyException(f"the phase of @{op.id.data} is one of {', '.join(PHASES)}; got {phase.data!r}")


@irdl_op_definition
class KvTransferOp(PartOp):
    """Moves a KV from the pool that prefilled to the pool that decodes; with `layerwise`, layer by layer.

    %moved = comm.kv_transfer @answer_kv_transfer %kv call "answer" {layerwise, function = ...}
      : !llm.kv<"llama3.1-8b", 900, ?>
    """

    name = "comm.kv_transfer"

    T: ClassVar = VarConstraint("T", base(KvType))

    kv = operand_def(T)
    layerwise = opt_prop_def(UnitAttr)
    result = result_def(T)

    assembly_format = "$id $kv `call` $call attr-dict `:` type($kv)"


@irdl_op_definition
class AllReduceOp(ModelPartOp):
    """Adds up what each device of a group holds of a phase's result; every device then has the whole.

    %first = comm.all_reduce @answer_prefill %part_0, %part_1 phase "prefill" call "answer" models ["qwen3-30b-a3b"]
      {function = ...} : (!comm.shard<0, 2, !llm.tokens<1>>, !comm.shard<1, 2, !llm.tokens<1>>) -> !llm.tokens<1>

    It stands for all the all-reduces of the phase, two for each layer and step (Megatron-LM, 2019).
    """

    name = "comm.all_reduce"

    parts = var_operand_def(ShardType)
    phase = prop_def(StringAttr)
    result = result_def(TokensType)

    assembly_format = (
        "$id $parts `phase` $phase `call` $call `models` $models attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        check_phase(self, self.phase)
        got = [part_of(operand.type) for operand in self.parts]
        if got != [((index, len(got)), self.result.type) for index in range(len(got))] or not got:
            raise VerifyException(
                f"@{self.id.data} adds up every part of {self.result.type}, each once and in order; "
                f"got {', '.join(str(operand.type) for operand in self.parts) or 'none'}"
            )


@irdl_op_definition
class ActivationsOp(ModelPartOp):
    """Carries what the two halves of a decode tell each other: out and back in each layer of each step.

    %near = comm.activations @answer_activations %attended call "answer" models ["llama3.1-8b"] {function = ...}
      : !llm.activations<200>
    """

    name = "comm.activations"

    T: ClassVar = VarConstraint("T", base(ActivationsType))

    attended = operand_def(T)
    result = result_def(T)

    assembly_format = "$id $attended `call` $call `models` $models attr-dict `:` type($attended)"


Comm = Dialect("comm", [KvTransferOp, AllReduceOp, ActivationsOp], [ShardType])
