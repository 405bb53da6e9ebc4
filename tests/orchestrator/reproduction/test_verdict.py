"""Verdicts follow from cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.reproduction.verdict import Cell, judge

DIMENSIONS = ("model", "sla")
CELLS = [(model, sla) for model in ("8B", "70B") for sla in ("latency", "throughput")]


def said(*true: Cell) -> str:
    return str(judge(DIMENSIONS, {cell: cell in true for cell in CELLS}))


def test_all_none_and_some() -> None:
    assert said(*CELLS) == "holds (4 of 4)"
    assert said() == "does not hold (0 of 4)"
    assert said(("8B", "latency"), ("8B", "throughput")) == "holds under 8B (2 of 4)"
    assert said(("8B", "latency"), ("70B", "throughput")) == (
        "holds under 8B with latency; 70B with throughput (2 of 4)"
    )


def test_a_wider_condition_goes_first() -> None:
    assert said(("8B", "latency"), ("8B", "throughput"), ("70B", "latency")) == "holds under 8B; latency (3 of 4)"


@given(st.sets(st.sampled_from(CELLS)))
def test_the_word_never_says_more_than_the_cells(true: set[Cell]) -> None:
    verdict = judge(DIMENSIONS, {cell: cell in true for cell in CELLS})
    assert (verdict.word == "holds") == (len(true) == len(CELLS))
    assert (verdict.word == "does not hold") == (not true)
    if verdict.word.startswith("holds under"):
        conditions = [set(each.split(" with ")) for each in verdict.word.removeprefix("holds under ").split("; ")]
        covered = {cell for cell in CELLS for condition in conditions if condition <= set(cell)}
        assert covered == true


def test_cells_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="model, sla"):
        judge(DIMENSIONS, {("8B",): True})
    with pytest.raises(ValueError, match="cells"):
        judge(DIMENSIONS, {})
