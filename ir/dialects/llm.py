"""The `llm` dialect: one call of a text generator, whole and in parts.

High-level form:

    %answer = llm.call @answer(question = %q, %messages) models ["llama3.1-8b"] max_tokens 256
      tokens_in 900 tokens_out 200 {function = #agent.function<"examples/voice.py", "answer", "9f86d081">}
      : (!agent.text, !agent.json) -> !agent.json

Decomposed form; `call` is the id of the call that a part came from, and each part keeps its function and execution:

    %prompt = llm.render @answer_render(question = %q) call "answer" {function = ...}
      : (!agent.text) -> !llm.tokens<900>
    %kv, %first = llm.prefill @answer_prefill %prompt call "answer" models ["llama3.1-8b"] {function = ...}
      : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>)
    %text = llm.decode @answer_decode %kv, %first call "answer" models ["llama3.1-8b"] max_tokens 256 {function = ...}
      : (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
    %answer = llm.parse @answer %text call "answer" {function = ...} : (!llm.tokens<200>) -> !agent.json

Decode with its attention apart (`offload-attention`):

    %attended = llm.decode_attention @answer_decode_attention %moved call "answer" models ["llama3.1-8b"]
      {function = ...} : (!llm.kv<"llama3.1-8b", 900, ?>) -> !llm.activations<200>
    %text = llm.decode_linear @answer_decode %attended, %first call "answer" models ["llama3.1-8b"] max_tokens 256
      {function = ...} : (!llm.activations<200>, !llm.tokens<1>) -> !llm.tokens<200>

Types: `!llm.tokens<900>` (`?`: a profile must say) and `!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, "fp8">` (models,
tokens, precision). Precision and the choice among models are rows of the options table, so a pass leaves precision `?`
and keeps every model; a written precision pins it. The operand without a name is the messages of earlier turns, which
follow the prompt.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, NoneAttr, StringAttr
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import (
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ir.dialects.assembly import names_of
from ir.dialects.task import INTEGER, NUMBER, PART_CALL_FORMAT, CallOp, PartOp, TaskOp
from ir.dialects.values import VALUE, check_amount, parse_amount, print_amount


@irdl_attr_definition
class TokensType(ParametrizedAttribute, TypeAttribute):
    """`!llm.tokens<900>`: a sequence of tokens, with its mean length; `?` where a profile must say."""

    name = "llm.tokens"

    count: FloatAttr | NoneAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return [parse_amount(parser)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_amount(printer, self.count)

    def verify(self) -> None:
        check_amount("tokens", self.count)


@irdl_attr_definition
class KvType(ParametrizedAttribute, TypeAttribute):
    """`!llm.kv<"llama3.1-8b", 900, "fp8">`: the KV of so many tokens of one of the models, at a precision or `?`."""

    name = "llm.kv"

    models: ArrayAttr[StringAttr]
    tokens: FloatAttr | NoneAttr
    precision: StringAttr | NoneAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            models = [StringAttr(parser.parse_str_literal(" as the model of a KV"))]
            while parser.parse_optional_punctuation("|"):
                models.append(StringAttr(parser.parse_str_literal(" as the model of a KV")))
            parser.parse_punctuation(",")
            tokens = parse_amount(parser)
            parser.parse_punctuation(",")
            unknown = parser.parse_optional_punctuation("?")
            precision = NoneAttr() if unknown else StringAttr(parser.parse_str_literal(" or '?' as a precision"))
        return [ArrayAttr(models), tokens, precision]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_list(names_of(self.models), printer.print_string_literal, " | ")
            printer.print_string(", ")
            print_amount(printer, self.tokens)
            printer.print_string(", ")
            if isinstance(self.precision, StringAttr):
                printer.print_string_literal(self.precision.data)
            else:
                printer.print_string("?")

    def verify(self) -> None:
        check_amount("tokens of a KV", self.tokens)
        check_models("!llm.kv", self.models)


@irdl_attr_definition
class ActivationsType(ParametrizedAttribute, TypeAttribute):
    """`!llm.activations<200>`: what the two halves of decode tell each other in so many steps; `?` as for tokens."""

    name = "llm.activations"

    steps: FloatAttr | NoneAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return [parse_amount(parser)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_amount(printer, self.steps)

    def verify(self) -> None:
        check_amount("steps of activations", self.steps)


@irdl_op_definition
class CallLlmOp(CallOp):
    """A whole call: makes the prompt from the arguments, generates, and reads the answer.

        %a = llm.call @answer(question = %q) models ["llama3.1-8b"] max_tokens 256 tokens_in 900 tokens_out 200
          {function = ...} : (!agent.text) -> !agent.json

    `models` are alternatives; token counts are means of one call (absent: a profile must say).
    """

    name = "llm.call"

    models = prop_def(ArrayAttr[StringAttr])
    max_tokens = prop_def(INTEGER)
    tokens_in = opt_prop_def(NUMBER)
    tokens_out = opt_prop_def(NUMBER)
    result = result_def(VALUE)

    assembly_format = (
        "$id custom<NamedOperands>($arg_names, $arguments) `models` $models `max_tokens` $max_tokens "
        "(`tokens_in` custom<Amount>($tokens_in)^)? (`tokens_out` custom<Amount>($tokens_out)^)? "
        "attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        check_models(f"@{self.id.data}", self.models)
        check_max_tokens(self, self.max_tokens)
        if self.tokens_out is not None and self.tokens_out.value.data > self.max_tokens.value.data:
            raise VerifyException(
                f"tokens_out of @{self.id.data} is {self.tokens_out.value.data}, more than max_tokens, "
                f"{self.max_tokens.value.data}"
            )


@irdl_op_definition
class RenderOp(CallOp, PartOp):
    """Runs the user's function to make the prompt, on a CPU core.

    %p = llm.render @answer_render(question = %q) call "answer" {function = ...} : (!agent.text) -> !llm.tokens<900>

    Where messages of earlier turns follow, the prompt grows: its length is `?`; `tokens_in` is that of the first turn.
    """

    name = "llm.render"

    tokens_in = opt_prop_def(NUMBER)
    result = result_def(TokensType)

    assembly_format = PART_CALL_FORMAT


class ModelPartOp(PartOp, ABC):
    """A part of a call that a device with the model's weights runs."""

    models = prop_def(ArrayAttr[StringAttr])

    def verify_(self) -> None:
        super().verify_()
        check_models(f"@{self.id.data}", self.models)

    def check_kv(self, kv: Attribute) -> None:
        """The KV holds the models of this part."""
        if isinstance(kv, KvType) and kv.models != self.models:
            mine, its = " | ".join(names_of(self.models)), " | ".join(names_of(kv.models))
            raise VerifyException(f"@{self.id.data} runs {mine}, but its KV is of {its}")


@irdl_op_definition
class PrefillOp(ModelPartOp):
    """Reads the prompt; gives its KV and the first token.

    %kv, %first = llm.prefill @answer_prefill %p call "answer" models ["llama3.1-8b"] {function = ...}
      : (!llm.tokens<900>) -> (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>)

    With `chunk_tokens`, so many tokens at a time, each chunk in a step of its own.
    """

    name = "llm.prefill"

    prompt = operand_def(TokensType)
    chunk_tokens = opt_prop_def(INTEGER)
    kv = result_def(KvType)
    first = result_def(TokensType)

    assembly_format = "$id $prompt `call` $call `models` $models attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        super().verify_()
        self.check_kv(self.kv.type)
        if self.chunk_tokens is not None and self.chunk_tokens.value.data < 1:
            raise VerifyException(
                f"chunk_tokens of @{self.id.data} must be at least 1, got {self.chunk_tokens.value.data}"
            )
        prompt, kv = self.prompt.type, self.kv.type
        if isinstance(prompt, TokensType) and prompt.count != kv.tokens:
            raise VerifyException(
                f"@{self.id.data} reads {prompt}, but writes {kv}: the KV has one entry for each token"
            )


@irdl_op_definition
class DecodeOp(ModelPartOp):
    """Generates tokens after the first from the KV.

    %text = llm.decode @answer_decode %kv, %first call "answer" models ["llama3.1-8b"] max_tokens 256 {function = ...}
      : (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>) -> !llm.tokens<200>
    """

    name = "llm.decode"

    kv = operand_def(KvType)
    first = operand_def(TokensType)
    max_tokens = prop_def(INTEGER)
    result = result_def(TokensType)

    assembly_format = (
        "$id $kv `,` $first `call` $call `models` $models `max_tokens` $max_tokens attr-dict "
        "`:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        self.check_kv(self.kv.type)
        check_max_tokens(self, self.max_tokens)


@irdl_op_definition
class DecodeAttentionOp(ModelPartOp):
    """The attention of every layer and step of a decode, on a device that holds the KV and no weights.

    %attended = llm.decode_attention @answer_decode_attention %kv call "answer" models ["llama3.1-8b"] {function = ...}
      : (!llm.kv<"llama3.1-8b", 900, ?>) -> !llm.activations<200>

    It takes turns with `llm.decode_linear`, layer by layer: the value stands for what goes both ways.
    """

    name = "llm.decode_attention"

    kv = operand_def(KvType)
    result = result_def(ActivationsType)

    assembly_format = "$id $kv `call` $call `models` $models attr-dict `:` functional-type(operands, results)"

    def verify_(self) -> None:
        super().verify_()
        self.check_kv(self.kv.type)


@irdl_op_definition
class DecodeLinearOp(ModelPartOp):
    """Everything else of a decode, on a device that holds the weights and no KV; its id is the decode's.

    %text = llm.decode_linear @answer_decode %attended, %first call "answer" models ["llama3.1-8b"] max_tokens 256
      {function = ...} : (!llm.activations<200>, !llm.tokens<1>) -> !llm.tokens<200>
    """

    name = "llm.decode_linear"

    attended = operand_def(ActivationsType)
    first = operand_def(TokensType)
    max_tokens = prop_def(INTEGER)
    result = result_def(TokensType)

    assembly_format = (
        "$id $attended `,` $first `call` $call `models` $models `max_tokens` $max_tokens attr-dict "
        "`:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        check_max_tokens(self, self.max_tokens)
        attended = self.attended.type
        if isinstance(attended, ActivationsType) and attended.steps != self.result.type.count:
            raise VerifyException(
                f"@{self.id.data} makes {self.result.type} from {attended}: each step makes one token"
            )


@irdl_op_definition
class ParseOp(PartOp):
    """Reads the generated text as the function's return type, on a CPU core; its id is the call's.

    %answer = llm.parse @answer %text call "answer" {function = ...} : (!llm.tokens<200>) -> !agent.json
    """

    name = "llm.parse"

    tokens = operand_def(TokensType)
    result = result_def(VALUE)

    assembly_format = "$id $tokens `call` $call attr-dict `:` functional-type(operands, results)"


def check_models(where: str, models: ArrayAttr[StringAttr]) -> None:
    """At least one model, none twice."""
    names = names_of(models)
    if not names or len(set(names)) < len(names):
        raise VerifyException(f"{where} needs at least one model, each once; got {list(names)}")


def check_max_tokens(op: TaskOp, max_tokens: IntegerAttr) -> None:
    """At least one token may be generated."""
    if max_tokens.value.data < 1:
        raise VerifyException(f"max_tokens of @{op.id.data} must be at least 1, got {max_tokens.value.data}")


Llm = Dialect(
    "llm",
    [CallLlmOp, RenderOp, PrefillOp, DecodeOp, DecodeAttentionOp, DecodeLinearOp, ParseOp],
    [TokensType, KvType, ActivationsType],
)
