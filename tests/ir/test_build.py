import pytest
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, NoneAttr, StringAttr, UnitAttr, f64, i64

from ir.build import amount, ascii_expression, number, properties
from ir.dialects.values import number_text
from ir.expression import parse


def test_properties_get_the_types_that_operations_ask_for() -> None:
    found = properties({"a": "x", "b": 2, "c": 2.0, "d": True, "e": False, "f": None, "g": number(1)})
    assert found == {
        "a": StringAttr("x"),
        "b": IntegerAttr(2, i64),
        "c": FloatAttr(2.0, f64),
        "d": UnitAttr(),
        "g": FloatAttr(1.0, f64),
    }


def test_an_unknown_amount_is_none() -> None:
    assert (amount(None), amount(3)) == (NoneAttr(), FloatAttr(3.0, f64))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x.n > 2", "x.n > 2"),
        ("x == 'café'", r"x == 'caf\xe9'"),
        ("x == '日本'", r"x == '\u65e5\u672c'"),
        ("größe.n", "größe.n"),  # a name cannot be escaped
    ],
)
def test_an_expression_keeps_its_meaning_in_ascii(text: str, expected: str) -> None:
    assert ascii_expression(text) == expected
    assert parse(ascii_expression(text)) == parse(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (900.0, "900"),
        (0.7, "0.7"),
        (-2.5, "-2.5"),
        (1048577.0, "1048577"),
        (1e16, "1.0e+16"),
        (1.5e20, "1.5e+20"),
        (1e-07, "1.0e-07"),
        (5e-324, "5.0e-324"),
        (12768017405952.0, "12768017405952"),
    ],
)
def test_a_number_is_written_for_people_and_for_mlir(value: float, expected: str) -> None:
    assert number_text(value) == expected
    assert float(expected) == value
