import pytest
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.parser import Parser

from ir.dialects.decision import POOL, InputsAttr, text
from ir.universe import context


@pytest.mark.parametrize(
    ("named", "rest", "printed"),
    [
        ({}, None, "#plan.inputs<>"),
        ({"text": "first['a']"}, None, '#plan.inputs<"text" = "first[\'a\']">'),
        ({"class": "a", "größe": '{"b": [c]}'}, "messages", None),
        ({}, "messages", '#plan.inputs<rest "messages">'),
    ],
)
def test_inputs_are_printed_and_read_back(named: dict[str, str], rest: str | None, printed: str | None) -> None:
    inputs = InputsAttr.of(named, rest)
    assert printed is None or str(inputs) == printed
    assert Parser(context(), str(InputsAttr.of({"a": "b"}, rest))).parse_attribute() == InputsAttr.of({"a": "b"}, rest)
    assert (inputs.named(), list(inputs.named()), inputs.rest_text()) == (named, list(named), rest)


def test_a_text_that_is_not_there_is_none() -> None:
    op = ModuleOp([], attributes={POOL: StringAttr("p0")})
    assert (text(op, POOL), text(op, "plan.device")) == ("p0", None)
