"""Types of the values that flow between tasks, and the name of a user's function as an attribute.

    !agent.json                                        any JSON value
    !agent.text                                        a JSON value that is a text
    !agent.audio<2.5>                                  2.5 seconds of audio
    !agent.embedding<768>                              vectors of 768 numbers each
    !agent.bytes<4096>                                 4096 bytes that are no JSON, such as an image
    #agent.function<"examples/voice.py", "answer", "9f86d081">   source, qualified name, SHA-256 of the source

They stand apart from the operations because every dialect uses them; they are registered with the `agent` dialect.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import FloatAttr, IntAttr, NoneAttr, StringAttr, f64
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import MessageConstraint, base, irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException


@irdl_attr_definition
class JsonType(ParametrizedAttribute, TypeAttribute):
    """`!agent.json`: any JSON value."""

    name = "agent.json"


@irdl_attr_definition
class TextType(ParametrizedAttribute, TypeAttribute):
    """`!agent.text`: a JSON value that is a text."""

    name = "agent.text"


@irdl_attr_definition
class AudioType(ParametrizedAttribute, TypeAttribute):
    """`!agent.audio<2.5>`: so many seconds of audio."""

    name = "agent.audio"

    seconds: FloatAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return [FloatAttr(float(parser.parse_number()), f64)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_amount(printer, self.seconds)

    def verify(self) -> None:
        check_amount("seconds of audio", self.seconds)


@irdl_attr_definition
class EmbeddingType(ParametrizedAttribute, TypeAttribute):
    """`!agent.embedding<768>`: vectors of so many numbers each, one for each piece of text that was embedded."""

    name = "agent.embedding"

    size: IntAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return [IntAttr(parser.parse_integer(allow_boolean=False))]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(str(self.size.data))

    def verify(self) -> None:
        if self.size.data < 1:
            raise VerifyException(f"an embedding has at least one number, got {self.size.data}")


@irdl_attr_definition
class BytesType(ParametrizedAttribute, TypeAttribute):
    """`!agent.bytes<4096>`: so many bytes that are no JSON value."""

    name = "agent.bytes"

    count: FloatAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return [FloatAttr(float(parser.parse_number()), f64)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_amount(printer, self.count)

    def verify(self) -> None:
        check_amount("bytes of a value", self.count)


BYTES_PER_NUMBER = 4.0
"""Of an embedding on a link: 32-bit floats, as vector stores keep them."""


def value_bytes(type_: Attribute, vectors: float = 1.0) -> float | None:
    """Bytes of a value that its type tells, of so many vectors where it is an embedding; None where it does not."""
    match type_:
        case EmbeddingType():
            return vectors * type_.size.data * BYTES_PER_NUMBER
        case BytesType():
            return float(type_.count.value.data)
        case _:
            return None


Value = JsonType | TextType | AudioType | EmbeddingType | BytesType
"""What a task may take or give; see `accepts`."""

VALUE = MessageConstraint(
    base(JsonType) | base(TextType) | base(AudioType) | base(EmbeddingType) | base(BytesType),
    "tasks exchange values, which are !agent.json, !agent.text, !agent.audio, !agent.embedding or !agent.bytes",
)
"""The constraint of an operand or a result that is a value."""


@irdl_attr_definition
class FunctionAttr(ParametrizedAttribute):
    """`#agent.function<"examples/voice.py", "answer", "9f86d081">`: a user's function by name, never its code."""

    name = "agent.function"

    source: StringAttr
    qualname: StringAttr
    sha256: StringAttr


_EXACT = 2**53
"""Below this every whole number has a float of its own."""


def accepts(expected: Attribute, actual: Attribute) -> bool:
    """Whether a value of type `actual` may stand where `expected` is asked: equal, or any value where JSON is asked."""
    return expected == actual or (isinstance(expected, JsonType) and isinstance(actual, Value))


def check_amount(what: str, attribute: Attribute) -> None:
    """Raise `VerifyException` unless the number is finite and not negative; an unknown (`none`) amount is legal."""
    if isinstance(attribute, NoneAttr):
        return
    value = attribute.value.data if isinstance(attribute, FloatAttr) else None
    if value is None or not math.isfinite(value) or value < 0:
        raise VerifyException(
            f"{what} must be a finite number that is not negative, got {value if value is not None else attribute}"
        )


def parse_amount(parser: AttrParser) -> Attribute:
    """Read a number, or `?` for an unknown one, as an f64 or `none` attribute."""
    if parser.parse_optional_punctuation("?"):
        return NoneAttr()
    return FloatAttr(float(parser.parse_number(context_msg=" or '?'")), f64)


def print_amount(printer: Printer, attribute: Attribute) -> None:
    """Write what `parse_amount` reads."""
    if not isinstance(attribute, FloatAttr):
        printer.print_string("?")
        return
    printer.print_string(number_text(attribute.value.data))


def number_text(value: float) -> str:
    """A number as MLIR reads it back without loss: `900`, `0.7`, `1.5e+20`.

    xDSL itself prints some f64 in hexadecimal, which its own readers of untyped numbers refuse.
    """
    if value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}{exponent}{power}" if "." in mantissa or not exponent else f"{mantissa}.0{exponent}{power}"
