"""The types of the `llm` dialect: tokens, the KV of tokens, and what the two halves of a decode tell each other.

They stand apart because costs and other dialects read them without the operations.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, FloatAttr, NoneAttr, StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ir.dialects.assembly import names_of
from ir.dialects.values import check_amount, parse_amount, print_amount


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


def check_models(where: str, models: ArrayAttr[StringAttr]) -> None:
    """At least one model, none twice."""
    names = names_of(models)
    if not names or len(set(names)) < len(names):
        raise VerifyException(f"{where} needs at least one model, each once; got {list(names)}")
