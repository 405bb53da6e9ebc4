"""How a prompt begins whatever its arguments are: what calls may share of their KV.

Two prompts with equal attributes begin with the same tokens; the text itself stays with the user's function.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import FloatAttr, StringAttr, f64
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ir.dialects.values import check_amount, print_amount


@irdl_attr_definition
class PrefixAttr(ParametrizedAttribute):
    """`#llm.prefix<800, "9f86d081">`: so many tokens, of the text with that hash."""

    name = "llm.prefix"

    tokens: FloatAttr
    sha256: StringAttr

    @classmethod
    def of(cls, tokens: float, sha256: str) -> PrefixAttr:
        """The attribute of a prefix of `tokens` tokens, whose text has the hash `sha256`."""
        return cls(FloatAttr(tokens, f64), StringAttr(sha256))

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            tokens = FloatAttr(float(parser.parse_number()), f64)
            parser.parse_punctuation(",")
            return [tokens, StringAttr(parser.parse_str_literal(" with the hash of a prefix"))]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_amount(printer, self.tokens)
            printer.print_string(", ")
            printer.print_string_literal(self.sha256.data)

    @property
    def count(self) -> float:
        """How many tokens it has."""
        return self.tokens.value.data

    def verify(self) -> None:
        check_amount("tokens of a prefix", self.tokens)
        if self.count < 1 or not self.sha256.data:
            raise VerifyException(f"a prefix has at least 1 token and the hash of its text, got {self}")


def check_prefix(where: str, prefix: PrefixAttr | None, tokens: float | None) -> None:
    """A prefix is no longer than the prompt; None: there is none, or the prompt's length is not known."""
    if prefix is not None and tokens is not None and prefix.count > tokens:
        raise VerifyException(f"the prefix of {where} has {prefix.count:g} tokens, more than its prompt, {tokens:g}")
