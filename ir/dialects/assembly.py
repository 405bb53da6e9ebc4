"""Directives for the declarative assembly formats: numbers, parameters, operands and regions with names.

MLIR's own directives print names and operands apart (`["query"] (%q)`) and numbers with six digits (`7.000000e-01`); a
reader wants names beside their operands and numbers as they were written.
"""

from __future__ import annotations

from typing import ClassVar, cast

from xdsl.dialects.builtin import ArrayAttr, FloatAttr, StringAttr, f64
from xdsl.ir import Region
from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    OperandVariable,
    ParsingState,
    PrintingState,
    VariadicOperandVariable,
    VariadicRegionVariable,
    irdl_custom_directive,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer

from ir.dialects.values import number_text


@irdl_custom_directive
class Amount(CustomDirective):
    """`0.7`: an f64 as people write it."""

    attribute: AttributeVariable

    def is_anchorable(self) -> bool:
        return True

    def is_present(self, op: IRDLOperation) -> bool:
        return self.attribute.is_present(op)

    def parse(self, parser: Parser, state: ParsingState) -> None:
        self.attribute.set(state, FloatAttr(float(parser.parse_number()), f64))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        state.print_whitespace(printer)
        printer.print_string(number_text(cast(FloatAttr, self.attribute.get(op)).value.data))


@irdl_custom_directive
class NamedOperands(CustomDirective):
    """`(query = %q, limit = %n, %rest)`: a name before each operand; one more operand may follow without a name."""

    names: AttributeVariable
    operands: VariadicOperandVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        names: list[str] = []
        operands: list[UnresolvedOperand] = []

        def parse_operand() -> None:
            if len(operands) > len(names):
                parser.raise_error("only the last operand may stand without a name")
            rest = parser.parse_optional_unresolved_operand()
            if rest is None:
                names.append(parser.parse_identifier_or_str_literal(" as the name of an operand"))
                parser.parse_punctuation("=")
                rest = parser.parse_unresolved_operand()
            operands.append(rest)

        parser.parse_comma_separated_list(parser.Delimiter.PAREN, parse_operand)
        self.names.set(state, ArrayAttr([StringAttr(name) for name in names]))
        self.operands.set(state, operands)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        names = names_of(cast("ArrayAttr[StringAttr]", self.names.get(op)))
        with printer.in_parens():
            for index, operand in enumerate(self.operands.get(op)):
                if index:
                    printer.print_string(", ")
                if index < len(names):
                    printer.print_identifier_or_string_literal(names[index])
                    printer.print_string(" = ")
                printer.print_ssa_value(operand)
        state.should_emit_space = True
        state.last_was_punctuation = False


@irdl_custom_directive
class NamedOperand(CustomDirective):
    """`(draft = %init)`: the name of a region's parameter before the operand that feeds it."""

    parameter: AttributeVariable
    operand: OperandVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        with parser.in_parens():
            name = parser.parse_identifier_or_str_literal(" as the name of a parameter")
            parser.parse_punctuation("=")
            self.parameter.set(state, StringAttr(name))
            self.operand.set(state, parser.parse_unresolved_operand())

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        with printer.in_parens():
            printer.print_identifier_or_string_literal(cast(StringAttr, self.parameter.get(op)).data)
            printer.print_string(" = ")
            printer.print_ssa_value(self.operand.get(op))
        state.should_emit_space = True
        state.last_was_punctuation = False


@irdl_custom_directive
class Parameters(CustomDirective):
    """`(question, limit)`: names without values."""

    names: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        names = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_identifier_or_str_literal)
        self.names.set(state, ArrayAttr([StringAttr(name) for name in names]))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        names = names_of(cast("ArrayAttr[StringAttr]", self.names.get(op)))
        with printer.in_parens():
            printer.print_list(names, printer.print_identifier_or_string_literal)
        state.should_emit_space = True
        state.last_was_punctuation = False


class NamedRegions(CustomDirective):
    """A keyword, a name and a region, any number of times; subclasses give the keyword."""

    names: AttributeVariable
    regions: VariadicRegionVariable

    KEYWORD: ClassVar[str]

    def parse(self, parser: Parser, state: ParsingState) -> None:
        names: list[StringAttr] = []
        regions: list[Region] = []
        while parser.parse_optional_keyword(self.KEYWORD):
            names.append(StringAttr(parser.parse_str_literal(f" after '{self.KEYWORD}'")))
            regions.append(parser.parse_region())
        self.names.set(state, ArrayAttr(names))
        self.regions.set(state, regions)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        names = names_of(cast("ArrayAttr[StringAttr]", self.names.get(op)))
        for name, region in zip(names, self.regions.get(op), strict=True):
            printer.print_string(f" {self.KEYWORD} ")
            printer.print_string_literal(name)
            printer.print_string(" ")
            printer.print_region(region)
        state.should_emit_space = True
        state.last_was_punctuation = False


@irdl_custom_directive
class Alternatives(NamedRegions):
    """`alternative "colocated" { ... } alternative "disaggregated" { ... }`."""

    names: AttributeVariable
    regions: VariadicRegionVariable

    KEYWORD: ClassVar[str] = "alternative"


@irdl_custom_directive
class Tools(NamedRegions):
    """`tool "search" { ... } tool "calculator" { ... }`."""

    names: AttributeVariable
    regions: VariadicRegionVariable

    KEYWORD: ClassVar[str] = "tool"


def names_of(names: ArrayAttr[StringAttr]) -> tuple[str, ...]:
    """The texts of an array of strings."""
    return tuple(name.data for name in names)
