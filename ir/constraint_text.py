"""What a constraint of an operation or an attribute allows, in words.

The page on the IR is made from the definitions; a constraint that has no words here is an error, so that none is left
off in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xdsl.dialects.builtin import (
    ArrayOfConstraint,
    FlatSymbolRefAttrConstr,
    FloatAttr,
    IntAttr,
    IntegerAttr,
    NoneAttr,
    StringAttr,
    SymbolNameConstraint,
    UnitAttr,
)
from xdsl.ir import Attribute, TypeAttribute
from xdsl.irdl import (
    AnyAttr,
    AnyOf,
    BaseAttr,
    EqAttrConstraint,
    MessageConstraint,
    ParamAttrConstraint,
    RangeConstraint,
    RangeLengthConstraint,
    RangeOf,
    VarConstraint,
)

from ir.dialects.task import INTEGER, NUMBER
from ir.dialects.values import VALUE

_BUILTIN: dict[type[Attribute], str] = {
    StringAttr: "text",
    FloatAttr: "number",
    IntegerAttr: "whole number",
    IntAttr: "whole number",
    UnitAttr: "flag",
    NoneAttr: "`?`",
}


class ConstraintTextError(ValueError):
    """A constraint that has no words."""


def constraint_text(constraint: object) -> str:
    """The words, as Markdown. Raises `ConstraintTextError` for a kind of constraint that has none."""
    if constraint == VALUE:
        return "a value"
    if constraint == NUMBER:
        return "number (`f64`)"
    if constraint == INTEGER:
        return "whole number (`i64`)"
    if constraint == FlatSymbolRefAttrConstr:
        return "`@name` of a graph"
    words = _WORDS.get(type(constraint))
    if words is None:
        raise ConstraintTextError(f"no words for {constraint!r}; add its kind to ir/constraint_text.py")
    return words(constraint)


def attribute_mark(attribute: type[Attribute]) -> str:
    """An attribute's name as it is written: `!llm.kv` for a type, `#agent.sla` for another attribute."""
    return f"{'!' if issubclass(attribute, TypeAttribute) else '#'}{attribute.name}"


def _base(constraint: BaseAttr[Attribute]) -> str:
    return _BUILTIN.get(constraint.attr) or f"`{attribute_mark(constraint.attr)}`"


def _one_or_many(constraint: RangeLengthConstraint[Attribute]) -> str:
    return constraint_text(_of_range(constraint.constraint))


def _of_range(constraint: RangeConstraint[Attribute]) -> object:
    return constraint.constr if isinstance(constraint, RangeOf) else constraint


def _any_of(constraint: AnyOf[Attribute]) -> str:
    return " or ".join(constraint_text(each) for each in constraint.attr_constrs)


_WORDS: dict[type, Callable[[Any], str]] = {
    AnyAttr: lambda _: "any",
    AnyOf: _any_of,
    ArrayOfConstraint: lambda each: f"list of {constraint_text(_of_range(each.elem_range_constraint))}",
    BaseAttr: _base,
    EqAttrConstraint: lambda each: f"`{each.attr}`",
    MessageConstraint: lambda each: constraint_text(each.constr),
    ParamAttrConstraint: lambda each: f"`{attribute_mark(each.base_attr)}`",
    RangeLengthConstraint: _one_or_many,
    RangeOf: lambda each: f"any number, each {constraint_text(each.constr)}",
    SymbolNameConstraint: lambda _: "`@name`",
    VarConstraint: lambda each: f"{constraint_text(each.constraint)}, the same wherever `{each.name}` stands",
}
