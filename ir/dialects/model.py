"""The `model` dialect: a model that is not a text generator (speech, embedding, image), on any device class.

    %text = model.run @transcribe(audio = %audio) models ["whisper-large-v3"] audio_s 10
      {function = #agent.function<...>} : (!agent.audio<10>) -> !agent.json

Exactly one of `audio_s` (seconds), `tokens` and `images` gives the size of the work.
"""

from __future__ import annotations

from xdsl.dialects.builtin import ArrayAttr, StringAttr
from xdsl.ir import Dialect
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from ir.dialects.llm import check_models
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


Model = Dialect("model", [RunOp], [])
