"""Turns that go on from the KV of the turn before on a served engine: sums by hand."""

from dataclasses import replace

import pytest

from costmodel.catalog import load_catalog
from costmodel.errors import CostError
from costmodel.models import load_models
from costmodel.points import Point
from costmodel.roofline import step_coefficients
from costmodel.served_turns import turn_ratios
from costmodel.step import Engine, closed_loop
from costmodel.turns import Turns

TURNS = Turns(expect=4, tool_tokens=800)
POINT = Point(
    load_models().model("llama3.1-8b"), load_catalog("default").device("h100_sxm"), 1, "fp16", 8000, 100, 8, "fp16"
)
COEFFICIENTS = step_coefficients(POINT.model, POINT.device, 1, "fp16", "fp16")

# A turn adds 100 + 800 tokens, so that the first prompt has 8,000 - 1.5 x 900 = 6,650 and a later one 6,650 + 2 x 900 =
# 8,450, of which 7,650 were there before and 7,648 are whole blocks of 16.


def alone_s(first: int, end: int) -> float:
    """One chunk, bound by arithmetic: its tokens' layers, one head, and a pair for each token before each."""
    c = COEFFICIENTS
    pairs = (end * (end + 1) - first * (first + 1)) / 2
    return c.overhead_s + (end - first) * c.token_s + c.head_s + pairs * c.prefill_pair_s


def test_a_prompt_is_that_of_one_first_turn_and_three_later_ones() -> None:
    found = turn_ratios(POINT, TURNS, 1.0)
    first_s, later_s, whole_s = alone_s(0, 6650), alone_s(7648, 8450), alone_s(0, 8000)
    assert found.prompt == pytest.approx((first_s + 3 * later_s) / 4 / whole_s, rel=1e-3)
    assert found.prompt_rms == pytest.approx(((first_s**2 + 3 * later_s**2) / 4) ** 0.5 / whole_s, rel=1e-3)
    # in tokens (6,650 + 3 x 802) / 4 = 2,264 of 8,000, 28 %
    assert 0.26 < found.prompt < 0.32


def test_who_finds_nothing_reads_the_longer_prompt() -> None:
    # 8,450 tokens are two chunks of 8,192 and 258, whose overhead is paid twice.
    longer_s = alone_s(0, 8192) + alone_s(8192, 8450)
    expected = (alone_s(0, 6650) + 3 * longer_s) / 4 / alone_s(0, 8000)
    none, half, every = (turn_ratios(POINT, TURNS, found) for found in (0.0, 0.5, 1.0))
    assert none.prompt == pytest.approx(expected, rel=1e-2)
    assert half.prompt == pytest.approx((none.prompt + every.prompt) / 2)
    assert half.between == pytest.approx((none.between + every.between) / 2)


def test_tokens_and_first_tokens_are_means_of_engines_that_serve_one_sort_each() -> None:
    found = turn_ratios(POINT, TURNS, 1.0)
    first = closed_loop(COEFFICIENTS, Engine(), 6650, 100, 8)
    later = closed_loop(COEFFICIENTS, Engine(prefix_tokens=7650), 8450, 100, 8)
    plain = closed_loop(COEFFICIENTS, Engine(), 8000, 100, 8)
    assert found.between == pytest.approx((first.tpot_s + 3 * later.tpot_s) / 4 / plain.tpot_s)
    assert found.first == pytest.approx((first.ttft_s + 3 * later.ttft_s) / 4 / plain.ttft_s)
    assert max(found.between, found.first) < 1.0


def test_turns_that_add_more_than_there_is_are_refused() -> None:
    with pytest.raises(CostError, match="4 turns that add 900 tokens each do not have 1000 tokens on average"):
        turn_ratios(replace(POINT, tokens_in=1000), TURNS, 1.0)
