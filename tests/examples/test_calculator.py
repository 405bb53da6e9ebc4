"""The calculator computes arithmetic and refuses everything else."""

from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.functions import load_file


@pytest.fixture
def calculator(example: Callable[[str], ModuleType]) -> ModuleType:
    return example("calculator")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", 14),  # the product first
        ("(2 + 3) * 4", 20),
        ("7 // 2 + 7 % 2", 4),  # 3 + 1
        ("2 ** 10 + 3", 1027),
        ("-2 ** 2", -4),  # the power binds tighter than the sign
        ("2 ** 3 ** 2", 512),  # 2 ** 9: powers read from the right
        ("  1_000 / 8 ", 125),
        ("+.5", 0.5),
    ],
)
def test_arithmetic_has_its_value(calculator: ModuleType, expression: str, value: float) -> None:
    assert calculator.calculate(expression) == calculator.Sum(expression, value=value)


def test_the_saving_of_the_worked_example(calculator: ModuleType) -> None:
    # 0.015 / 0.11 = 0.136363..., so 13.6364 per cent
    assert calculator.value_of("(0.11 - 0.095) / 0.11 * 100") == pytest.approx(13.636363636)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "x + 1",
        "(1).real",
        "[1, 2][0]",
        "'a' * 9",
        "True + 1",
        "1j * 1j",
        "1 < 2",
        "1 if 1 else 2",
        "lambda: 1",
        "(y := 3)",
        "1 @ 2",
        "1 << 9",
        "~1",
        "1; 2",
        "1\x00",
        "",
    ],
)
def test_whatever_is_not_arithmetic_is_refused(calculator: ModuleType, expression: str) -> None:
    found = calculator.calculate(expression)
    assert (found.value, bool(found.error)) == (None, True)
    with pytest.raises(ValueError, match=r"arithmetic|no value"):
        calculator.value_of(expression)


@pytest.mark.parametrize("expression", ["9 ** 9 ** 9", "1 / 0", "0 ** -1", "(-1) ** 0.5", "1e308 * 10", "1e999"])
def test_arithmetic_without_a_finite_value_is_refused(calculator: ModuleType, expression: str) -> None:
    with pytest.raises(ValueError, match=r"no value|no finite value"):
        calculator.value_of(expression)


def test_a_long_expression_is_refused_before_it_is_read(calculator: ModuleType) -> None:
    with pytest.raises(ValueError, match="201 characters; the limit is 200"):
        calculator.value_of("1" * 201)


def test_the_deepest_expression_within_the_limit_is_answered(calculator: ModuleType) -> None:
    assert calculator.value_of("-" * 198 + "7") == 7  # an even number of signs


TERMS = st.recursive(
    st.integers(0, 99).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=12,
).filter(lambda text: len(text) <= 200)


@given(TERMS)
def test_it_agrees_with_python(expression: str) -> None:
    # Twelve factors below 100 stay below 1e24; floats are exact only below 2 ** 53, hence approx.
    assert load_file("examples/calculator.py").module.value_of(expression) == pytest.approx(eval(expression))
