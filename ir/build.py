"""Attributes of the IR from plain Python values.

The front end and the passes write the same attributes, so that a number always has the same type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, NoneAttr, StringAttr, UnitAttr, f64, i64
from xdsl.ir import Attribute

from ir.expression import ExpressionError, parse

Plain = bool | int | float | str | Attribute | None


def number(value: float) -> FloatAttr:
    """A number as f64."""
    return FloatAttr(float(value), f64)


def integer(value: int) -> IntegerAttr:
    """A whole number as i64."""
    return IntegerAttr(value, i64)


def strings(values: Iterable[str]) -> ArrayAttr[StringAttr]:
    """Texts as an array."""
    return ArrayAttr([StringAttr(value) for value in values])


def amount(value: float | None) -> FloatAttr | NoneAttr:
    """A number that may be unknown, as the parameter of a type."""
    return NoneAttr() if value is None else number(value)


def properties(values: Mapping[str, Plain]) -> dict[str, Attribute]:
    """Properties of an operation; None and False are left off."""
    return {name: _attribute(value) for name, value in values.items() if value is not None and value is not False}


def ascii_expression(text: str) -> str:
    """An expression's text with escapes for what is not ASCII in its literals, so that stock xDSL reads it back."""
    escaped = text.encode("ascii", "backslashreplace").decode("ascii")
    try:
        return escaped if parse(escaped) == parse(text) else text
    except ExpressionError:
        return text


def _attribute(value: Plain) -> Attribute:
    if isinstance(value, Attribute):
        return value
    if value is True:
        return UnitAttr()
    if isinstance(value, str):
        return StringAttr(value)
    if isinstance(value, int):
        return integer(value)
    assert isinstance(value, float)
    return number(value)
