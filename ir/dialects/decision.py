"""The attributes of the `plan` dialect: what placement decided, and what the plan document is built from.

They stand on operations after the solve, so that a decision is read, printed and checked like any other part of the
IR. `ir/dialects/plan.py` has the table of what each means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, NoneAttr, StringAttr, UnitAttr
from xdsl.ir import Attribute, Operation, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from ir.dialects.assembly import names_of
from ir.dialects.cost import AmountAttr

GROUP = "plan.group"
"""Attribute with the name of the group of operations that share one pool."""

CHOSEN = "plan.chosen"
"""Attribute of a choice with the name of the alternative that placement takes."""

POOL = "plan.pool"
OPERATOR = "plan.operator"
INPUTS = "plan.inputs"
FORWARDS = "plan.forwards"
STREAMED = "plan.streams"

LAST_FORM = "plan.last_form"
"""Attribute of a graph that is ready to be written as a plan document; `ir/dialects/last_form.py` has its rules."""


@irdl_attr_definition
class InputsAttr(ParametrizedAttribute):
    """`#plan.inputs<"question" = "first['text']", rest "messages">`: expressions by name, and one without a name."""

    name = "plan.inputs"

    names: ArrayAttr[StringAttr]
    expressions: ArrayAttr[StringAttr]
    rest: StringAttr | NoneAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        rest: StringAttr | NoneAttr = NoneAttr()

        def entry() -> tuple[StringAttr, StringAttr] | None:
            nonlocal rest
            if parser.parse_optional_keyword("rest") is not None:
                rest = StringAttr(parser.parse_str_literal(" with the expression of the operand without a name"))
                return None
            name = StringAttr(parser.parse_str_literal(" with the name of an input"))
            parser.parse_punctuation("=")
            return name, StringAttr(parser.parse_str_literal(" with an expression"))

        entries = parser.parse_comma_separated_list(parser.Delimiter.ANGLE, entry)
        named = [each for each in entries if each is not None]
        return [ArrayAttr([name for name, _ in named]), ArrayAttr([text for _, text in named]), rest]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            texts = [*self.names, *([] if isinstance(self.rest, NoneAttr) else [None])]
            printer.print_list(texts, lambda name: self._print_entry(printer, name))

    def _print_entry(self, printer: Printer, name: StringAttr | None) -> None:
        if name is None:
            printer.print_string("rest ")
            printer.print_string_literal(cast(StringAttr, self.rest).data)
            return
        printer.print_string_literal(name.data)
        printer.print_string(" = ")
        printer.print_string_literal(self.named()[name.data])

    def verify(self) -> None:
        names = names_of(self.names)
        if len(names) != len(self.expressions) or len(set(names)) != len(names):
            raise VerifyException(f"#plan.inputs needs one expression for each name, and no name twice; got {names}")

    def named(self) -> dict[str, str]:
        """The expressions by name, in order."""
        return dict(zip(names_of(self.names), names_of(self.expressions), strict=True))

    def rest_text(self) -> str | None:
        """The expression without a name, or None."""
        return None if isinstance(self.rest, NoneAttr) else self.rest.data

    @classmethod
    def of(cls, named: Mapping[str, str], rest: str | None = None) -> InputsAttr:
        """The attribute of these expressions."""
        return cls(
            ArrayAttr([StringAttr(name) for name in named]),
            ArrayAttr([StringAttr(text) for text in named.values()]),
            NoneAttr() if rest is None else StringAttr(rest),
        )


KNOWN: dict[str, type[Attribute]] = {
    GROUP: StringAttr,
    CHOSEN: StringAttr,
    POOL: StringAttr,
    "plan.device": StringAttr,
    "plan.tp": IntegerAttr,
    "plan.precision": StringAttr,
    "plan.model": StringAttr,
    "plan.batch": IntegerAttr,
    "plan.latency_s": AmountAttr,
    "plan.cost_usd": AmountAttr,
    OPERATOR: StringAttr,
    INPUTS: InputsAttr,
    STREAMED: DictionaryAttr,
    FORWARDS: UnitAttr,
}
"""Every attribute of the dialect on an operation of a graph, and its type."""


def verify_plan(op: Operation) -> None:
    """Known `plan.*` attributes of the right type; counts are at least 1."""
    for key, attribute in op.attributes.items():
        if not key.startswith("plan."):
            continue
        expected = KNOWN.get(key)
        if expected is None:
            raise VerifyException(f"{op.name} has the unknown attribute {key}; known: {', '.join(KNOWN)}")
        if not isinstance(attribute, expected):
            raise VerifyException(f"{key} of {op.name} must be {_kind(expected)}, got {attribute}")
        if isinstance(attribute, IntegerAttr) and attribute.value.data < 1:
            raise VerifyException(f"{key} of {op.name} must be at least 1, got {attribute.value.data}")


def text(op: Operation, key: str) -> str | None:
    """An attribute that is a text; None where it is absent."""
    attribute = op.attributes.get(key)
    return attribute.data if isinstance(attribute, StringAttr) else None


def _kind(expected: type[Attribute]) -> str:
    kinds: dict[type[Attribute], str] = {StringAttr: "a text", IntegerAttr: "a whole number", UnitAttr: "a unit"}
    kinds[DictionaryAttr] = "a dictionary"
    return kinds.get(expected) or f"#{expected.name}"
