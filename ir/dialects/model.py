"""The `model` dialect: a model that is not a text generator (speech, embedding, image), on any device class.

    %text = model.run @transcribe(audio = %audio) models ["whisper-large-v3"] audio_s 10
      {function = #agent.function<...>} : (!agent.audio<10>) -> !agent.json

Exactly one of `audio_s` (seconds), `tokens` and `images` gives the size of the work.

With encoder and decoder apart (`split-encode`); `call` is the id of the run, which its last part keeps:

    %frames = model.encode @transcribe_encode(audio = %audio) call "transcribe" models ["whisper-large-v3"] audio_s 10
      {function = ...} : (!agent.audio<10>) -> !model.encoded<"whisper-large-v3">
    %text = model.decode @transcribe %frames call "transcribe" models ["whisper-large-v3"] audio_s 10 {function = ...}
      : (!model.encoded<"whisper-large-v3">) -> !agent.json
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, StringAttr
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
from ir.dialects.llm import ModelPartOp, check_models
from ir.dialects.task import NUMBER, CallOp
from ir.dialects.values import VALUE

SIZES = ("audio_s", "tokens", "images")
"""Properties that give the size of a run."""


@irdl_op_definition
class RunOp(CallOp):
    """One run of a model; `models` are alternatives.

    %v = model.run @embed(texts = %t) models ["bge-m3"] tokens 512 {function = ...} : (!agent.json) -> !agent.json
    """

    name = "model.run"

    models = prop_def(ArrayAttr[StringAttr])
    audio_s = opt_prop_def(NUMBER)
    tokens = opt_prop_def(NUMBER)
    images = opt_prop_def(NUMBER)
    result = result_def(VALUE)

    assembly_format = (
        "$id custom<NamedOperands>($arg_names, $arguments) `models` $models (`audio_s` custom<Amount>($audio_s)^)? "
        "(`tokens` custom<Amount>($tokens)^)? (`images` custom<Amount>($images)^)? "
        "attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        check_models(f"@{self.id.data}", self.models)
        given = [size for size in SIZES if size in self.properties]
        if len(given) != 1:
            raise VerifyException(
                f"@{self.id.data} needs exactly one of {', '.join(SIZES)}; got {', '.join(given) or 'none'}"
            )


@irdl_attr_definition
class EncodedType(ParametrizedAttribute, TypeAttribute):
    """`!model.encoded<"whisper-large-v3">`: what the encoder of one of the models makes of an input."""

    name = "model.encoded"

    models: ArrayAttr[StringAttr]

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            models = [StringAttr(parser.parse_str_literal(" as the model of an encoder"))]
            while parser.parse_optional_punctuation("|"):
                models.append(StringAttr(parser.parse_str_literal(" as the model of an encoder")))
        return [ArrayAttr(models)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_list(names_of(self.models), printer.print_string_literal, " | ")

    def verify(self) -> None:
        check_models("!model.encoded", self.models)


@irdl_op_definition
class EncodeOp(CallOp, ModelPartOp):
    """The encoder's part of a run: reads the whole input once.

    %e = model.encode @t_encode(audio = %a) call "t" models ["whisper-large-v3"] audio_s 10 {function = ...}
      : (!agent.audio<10>) -> !model.encoded<"whisper-large-v3">
    """

    name = "model.encode"

    audio_s = prop_def(NUMBER)
    result = result_def(EncodedType)

    assembly_format = (
        "$id custom<NamedOperands>($arg_names, $arguments) `call` $call `models` $models "
        "`audio_s` custom<Amount>($audio_s) attr-dict `:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        check_encoded(self, self.result.type)


@irdl_op_definition
class DecodeEncodedOp(ModelPartOp):
    """The decoder's part of a run, step by step over what the encoder made; its id is the run's.

    %v = model.decode @t %e call "t" models ["whisper-large-v3"] audio_s 10 {function = ...}
      : (!model.encoded<"whisper-large-v3">) -> !agent.json
    """

    name = "model.decode"

    encoded = operand_def(EncodedType)
    audio_s = prop_def(NUMBER)
    result = result_def(VALUE)

    assembly_format = (
        "$id $encoded `call` $call `models` $models `audio_s` custom<Amount>($audio_s) attr-dict "
        "`:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        check_encoded(self, self.encoded.type)


def check_encoded(op: ModelPartOp, encoded: Attribute) -> None:
    """The encoder's output is of the models of this part."""
    if isinstance(encoded, EncodedType) and encoded.models != op.models:
        mine, its = " | ".join(names_of(op.models)), " | ".join(names_of(encoded.models))
        raise VerifyException(f"@{op.id.data} runs {mine}, but its encoder's output is of {its}")


Model = Dialect("model", [RunOp, EncodeOp, DecodeEncodedOp], [EncodedType])
