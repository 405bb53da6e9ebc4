"""Amounts keep their digits, and tables line up."""

import pytest

from orchestrator.commands.text import percent, table, usd


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.0, "$0"),
        (0.095, "$0.095"),
        (0.11, "$0.11"),
        (0.0000123449, "$0.00001234"),
        (1e-12, "$0.000000000001"),
        (99.994, "$99.99"),
        (1250.0, "$1250.00"),
        (123456.789, "$123456.79"),
        (-0.5, "-$0.5"),
    ],
)
def test_dollars_have_enough_digits(amount: float, text: str) -> None:
    assert usd(amount) == text


def test_a_percentage_has_two_decimals() -> None:
    assert percent(0.00134) == "0.13%"


def test_columns_line_up() -> None:
    assert table(["operator", "time"], [["a", "1 s"], ["longer one", "120 ms"]], right=["time"]) == (
        "operator      time\n----------  ------\na              1 s\nlonger one  120 ms"
    )


def test_a_table_may_be_empty() -> None:
    assert table(["operator"], []) == "operator\n--------"
