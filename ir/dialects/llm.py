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

Calls whose prompts begin with the same tokens share their KV (`hoist-shared-prefix`):

    %begun = llm.prefix_prefill @answer_prefix call "answer" models ["llama3.1-8b"]
      {starts_with = #llm.prefix<800, "9f86d081">, function = ...} : !llm.kv<"llama3.1-8b", 800, ?>
    %kv, %first = llm.prefill @answer_prefill %prompt prefix %begun call "answer" models ["llama3.1-8b"]
      {starts_with = #llm.prefix<800, "9f86d081">, function = ...}
      : (!llm.tokens<900>, !llm.kv<"llama3.1-8b", 800, ?>) -> (!llm.kv<"llama3.1-8b", 900, ?>, !llm.tokens<1>)

Types: `!llm.tokens<900>` (`?`: a profile must say) and `!llm.kv<"llama3.1-8b" | "llama3.1-70b", 900, "fp8">` (models,
tokens, precision). Precision and the choice among models are rows of the options table, so a pass leaves precision `?`
and keeps every model; a written precision pins it. The operand without a name is the messages of earlier turns, which
follow the prompt.
"""

from __future__ import annotations

from abc import ABC

from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, StringAttr, UnitAttr
from xdsl.ir import Attribute, Dialect
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from ir.dialects.assembly import names_of
from ir.dialects.llm_types import ActivationsType, KvType, TokensType, check_models
from ir.dialects.prefix import PrefixAttr, check_prefix
from ir.dialects.task import INTEGER, NUMBER, PART_CALL_FORMAT, CallOp, PartOp, TaskOp
from ir.dialects.values import VALUE

__all__ = [
    "ActivationsType",
    "CallLlmOp",
    "DecodeAttentionOp",
    "DecodeLinearOp",
    "DecodeOp",
    "KvType",
    "Llm",
    "ModelPartOp",
    "ParseOp",
    "PrefillOp",
    "PrefixPrefillOp",
    "RenderOp",
    "TokensType",
    "check_models",
]


@irdl_op_definition
class CallLlmOp(CallOp):
    """A whole call: makes the prompt from the arguments, generates, and reads the answer.

        %a = llm.call @answer(question = %q) models ["llama3.1-8b"] max_tokens 256 tokens_in 900 tokens_out 200
          {function = ...} : (!agent.text) -> !agent.json

    `models` are alternatives; token counts are means of one call (absent: a profile must say). With `starts_with`,
    every prompt begins with that prefix.
    """

    name = "llm.call"

    models = prop_def(ArrayAttr[StringAttr])
    max_tokens = prop_def(INTEGER)
    tokens_in = opt_prop_def(NUMBER)
    tokens_out = opt_prop_def(NUMBER)
    starts_with = opt_prop_def(PrefixAttr)
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
        tokens_in = None if self.tokens_in is None else self.tokens_in.value.data
        check_prefix(f"@{self.id.data}", self.starts_with, tokens_in)
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

    With `chunk_tokens`, so many tokens at a time, each chunk in a step of its own. With `prefix`, the KV of the first
    tokens is there already, and only the rest passes through the model; `starts_with` says which tokens they are. A
    turn of a react that `continues` finds the KV of the turn before, the first one none.
    """

    name = "llm.prefill"

    prompt = operand_def(TokensType)
    prefix = opt_operand_def(KvType)
    chunk_tokens = opt_prop_def(INTEGER)
    starts_with = opt_prop_def(PrefixAttr)
    continues = opt_prop_def(UnitAttr)
    kv = result_def(KvType)
    first = result_def(TokensType)

    assembly_format = (
        "$id $prompt (`prefix` $prefix^)? `call` $call `models` $models attr-dict "
        "`:` functional-type(operands, results)"
    )

    def verify_(self) -> None:
        super().verify_()
        self.check_kv(self.kv.type)
        self._check_prefix()
        if self.continues is not None and (self.prefix is not None or self.chunk_tokens is not None):
            raise VerifyException(f"@{self.id.data} continues the turn before, so it has no prefix and no chunk_tokens")
        if self.chunk_tokens is not None and self.chunk_tokens.value.data < 1:
            raise VerifyException(
                f"chunk_tokens of @{self.id.data} must be at least 1, got {self.chunk_tokens.value.data}"
            )
        prompt, kv = self.prompt.type, self.kv.type
        if isinstance(prompt, TokensType) and prompt.count != kv.tokens:
            raise VerifyException(
                f"@{self.id.data} reads {prompt}, but writes {kv}: the KV has one entry for each token"
            )

    def _check_prefix(self) -> None:
        prompt = self.prompt.type
        count = prompt.count if isinstance(prompt, TokensType) else None
        tokens = count.value.data if isinstance(count, FloatAttr) else None
        check_prefix(f"@{self.id.data}", self.starts_with, tokens)
        kv = None if self.prefix is None else self.prefix.type
        if not isinstance(kv, KvType):
            return
        self.check_kv(kv)
        if self.starts_with is None or kv.tokens != self.starts_with.tokens:
            own = "without starts_with" if self.starts_with is None else f"that starts with {self.starts_with}"
            raise VerifyException(f"@{self.id.data} reads a prompt {own}, but its prefix is {kv}")
        if self.chunk_tokens is not None:
            raise VerifyException(f"@{self.id.data} has a prefix and chunk_tokens; what follows a prefix is one chunk")


@irdl_op_definition
class PrefixPrefillOp(ModelPartOp):
    """Makes the KV of the tokens with which the prompts of several calls begin; it needs no arguments.

    %begun = llm.prefix_prefill @answer_prefix call "answer" models ["llama3.1-8b"]
      {starts_with = #llm.prefix<800, "9f86d081">, function = ...} : !llm.kv<"llama3.1-8b", 800, ?>

    `call` and the function are those of the first call that shares it.
    """

    name = "llm.prefix_prefill"

    starts_with = prop_def(PrefixAttr)
    kv = result_def(KvType)

    assembly_format = "$id `call` $call `models` $models attr-dict `:` type($kv)"

    def verify_(self) -> None:
        super().verify_()
        self.check_kv(self.kv.type)
        if self.kv.type.tokens != self.starts_with.tokens:
            raise VerifyException(f"@{self.id.data} reads {self.starts_with}, but writes {self.kv.type}")


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


def check_max_tokens(op: TaskOp, max_tokens: IntegerAttr) -> None:
    """At least one token may be generated."""
    if max_tokens.value.data < 1:
        raise VerifyException(f"max_tokens of @{op.id.data} must be at least 1, got {max_tokens.value.data}")


Llm = Dialect(
    "llm",
    [CallLlmOp, RenderOp, PrefixPrefillOp, PrefillOp, DecodeOp, DecodeAttentionOp, DecodeLinearOp, ParseOp],
    [TokensType, KvType, ActivationsType, PrefixAttr],
)
