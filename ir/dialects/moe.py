"""The `moe` dialect: a call of a mixture-of-experts model with the choice and the work of its experts apart.

    %routes = moe.gate @answer_prefill_gate %prompt phase "prefill" call "answer" models ["qwen3-30b-a3b"]
      {function = ...} : (!llm.tokens<900>) -> !moe.routes<900>
    %kv, %outputs = moe.expert_prefill @answer_prefill_experts %prompt, %routes call "answer" models ["qwen3-30b-a3b"]
      {function = ...} : (!llm.tokens<900>, !moe.routes<900>) -> (!llm.kv<"qwen3-30b-a3b", 900, ?>, !moe.outputs<1>)
    %first = moe.merge @answer_prefill %outputs phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = ...}
      : (!moe.outputs<1>) -> !llm.tokens<1>

Decode has the same three. Each operation stands for its part of every layer and step of its phase: nothing is unrolled.
Attention and the output head belong to the expert operations, as these are what a device with the weights runs.

Types: `!moe.routes<900>` are the experts chosen for so many tokens with their weights, `!moe.outputs<1>` what the
experts give for so many tokens, not yet added up; `?` where a profile must say. Divided over devices, an expert
operation writes a `!comm.shard` of both its results.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import TypeVar

from xdsl.dialects.builtin import FloatAttr, NoneAttr, StringAttr
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import AttrConstraint, base, irdl_attr_definition, irdl_op_definition, operand_def, prop_def, result_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ir.dialects.comm import Part, ShardType, check_phase, part_of
from ir.dialects.llm import KvType, ModelPartOp, TokensType, check_max_tokens
from ir.dialects.task import INTEGER
from ir.dialects.values import check_amount, parse_amount, print_amount

T = TypeVar("T", bound=Attribute)


class CountedType(ParametrizedAttribute, TypeAttribute, ABC):
    """A type whose one parameter is a mean number of tokens, or `?`."""

    count: FloatAttr | NoneAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return [parse_amount(parser)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_amount(printer, self.count)

    def verify(self) -> None:
        check_amount(f"tokens of !{self.name}", self.count)


@irdl_attr_definition
class RoutesType(CountedType):
    """`!moe.routes<900>`: the experts chosen for so many tokens, with their weights."""

    name = "moe.routes"

    count: FloatAttr | NoneAttr


@irdl_attr_definition
class OutputsType(CountedType):
    """`!moe.outputs<200>`: what the experts give for so many tokens, not yet added up."""

    name = "moe.outputs"

    count: FloatAttr | NoneAttr


def whole_or_shard(whole: type[Attribute]) -> AttrConstraint:
    """A value or a shard; of what, the verifier checks."""
    return base(whole) | base(ShardType)


class MoePartOp(ModelPartOp, ABC):
    """A part of a call of mixture-of-experts models."""

    def part(self, value: SSAValue, expected: type[T]) -> tuple[Part, T]:
        """Which part of how many a value is, and of what."""
        part, whole = part_of(value.type)
        if not isinstance(whole, expected):
            raise VerifyException(f"@{self.id.data} needs !{expected.name} or a shard of it; got {value.type}")
        return part, whole

    def check_same(self, what: str, left: Attribute, right: Attribute, equal: bool) -> None:
        """Two of the operation's types fit together."""
        if not equal:
            raise VerifyException(f"@{self.id.data}: {left} and {right} differ in their {what}")


@irdl_op_definition
class GateOp(MoePartOp):
    """Chooses the experts of each token and their weights: the routers of all layers.

    %routes = moe.gate @answer_prefill_gate %prompt phase "prefill" call "answer" models ["qwen3-30b-a3b"]
      {function = ...} : (!llm.tokens<900>) -> !moe.routes<900>

    In decode it reads the first token and routes each that follows.
    """

    name = "moe.gate"

    tokens = operand_def(TokensType)
    phase = prop_def(StringAttr)
    routes = result_def(RoutesType)

    assembly_format = (
        "$id $tokens `phase` $phase `call` $call `models` $models attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        check_phase(self, self.phase)
        tokens, routes = self.tokens.type, self.routes.type
        is_each = self.phase.data == "decode" or (isinstance(tokens, TokensType) and tokens.count == routes.count)
        self.check_same("number of tokens", tokens, routes, is_each)


@irdl_op_definition
class ExpertPrefillOp(MoePartOp):
    """Reads the prompt with the experts that the gate chose; gives its KV and what they say to the last token.

    %kv, %outputs = moe.expert_prefill @answer_prefill_experts %prompt, %routes call "answer" models ["qwen3-30b-a3b"]
      {function = ...} : (!llm.tokens<900>, !moe.routes<900>) -> (!llm.kv<"qwen3-30b-a3b", 900, ?>, !moe.outputs<1>)
    """

    name = "moe.expert_prefill"

    prompt = operand_def(TokensType)
    routes = operand_def(RoutesType)
    kv = result_def(whole_or_shard(KvType))
    outputs = result_def(whole_or_shard(OutputsType))

    assembly_format = (
        "$id $prompt `,` $routes `call` $call `models` $models attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        kv_part, kv = self.part(self.kv, KvType)
        outputs_part, _ = self.part(self.outputs, OutputsType)
        self.check_kv(kv)
        prompt, routes = self.prompt.type, self.routes.type
        assert isinstance(prompt, TokensType)
        assert isinstance(routes, RoutesType)
        self.check_same("number of tokens", prompt, routes, prompt.count == routes.count)
        self.check_same("number of tokens", prompt, kv, prompt.count == kv.tokens)
        self.check_same("part", self.kv.type, self.outputs.type, kv_part == outputs_part)


@irdl_op_definition
class ExpertDecodeOp(MoePartOp):
    """Generates tokens after the first from the KV, with the experts that the gate chose.

    %outputs = moe.expert_decode @answer_decode_experts %kv, %first, %routes call "answer" models ["qwen3-30b-a3b"]
      max_tokens 256 {function = ...}
      : (!llm.kv<"qwen3-30b-a3b", 900, ?>, !llm.tokens<1>, !moe.routes<200>) -> !moe.outputs<200>
    """

    name = "moe.expert_decode"

    kv = operand_def(whole_or_shard(KvType))
    first = operand_def(TokensType)
    routes = operand_def(RoutesType)
    max_tokens = prop_def(INTEGER)
    outputs = result_def(whole_or_shard(OutputsType))

    assembly_format = (
        "$id $kv `,` $first `,` $routes `call` $call `models` $models `max_tokens` $max_tokens attr-dict "
        "`:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        kv_part, kv = self.part(self.kv, KvType)
        outputs_part, outputs = self.part(self.outputs, OutputsType)
        self.check_kv(kv)
        check_max_tokens(self, self.max_tokens)
        routes = self.routes.type
        assert isinstance(routes, RoutesType)
        self.check_same("number of tokens", routes, outputs, routes.count == outputs.count)
        self.check_same("part", self.kv.type, self.outputs.type, kv_part == outputs_part)


@irdl_op_definition
class MergeOp(MoePartOp):
    """Adds up what the experts of a token give, each with its weight; on one shard, the experts' part there.

    %first = moe.merge @answer_prefill %outputs phase "prefill" call "answer" models ["qwen3-30b-a3b"] {function = ...}
      : (!moe.outputs<1>) -> !llm.tokens<1>
    """

    name = "moe.merge"

    outputs = operand_def(whole_or_shard(OutputsType))
    phase = prop_def(StringAttr)
    result = result_def(whole_or_shard(TokensType))

    assembly_format = (
        "$id $outputs `phase` $phase `call` $call `models` $models attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        check_phase(self, self.phase)
        outputs_part, outputs = self.part(self.outputs, OutputsType)
        result_part, result = self.part(self.result, TokensType)
        self.check_same("number of tokens", self.outputs.type, self.result.type, outputs.count == result.count)
        self.check_same("part", self.outputs.type, self.result.type, outputs_part == result_part)


Moe = Dialect("moe", [GateOp, ExpertPrefillOp, ExpertDecodeOp, MergeOp], [RoutesType, OutputsType])
