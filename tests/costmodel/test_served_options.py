"""Prefix hits and drafts on a served point: sums by hand, what they may not do, and what is said of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.catalog import load_catalog
from costmodel.errors import CostError
from costmodel.models import load_models
from costmodel.points import Point
from costmodel.served import Served, predict_points
from costmodel.served_options import EngineOptions, with_options

POINT = Point(load_models().model("llama3.1-8b"), load_catalog("default").device("h100_sxm"), 1, "fp16", 4096, 257, 8)


def plain(point: Point = POINT) -> Served:
    (found,) = predict_points([point])
    assert isinstance(found, Served)
    return found


def test_no_option_changes_nothing() -> None:
    assert with_options(POINT, plain(), EngineOptions()) == plain()


def test_half_of_the_prompt_in_the_cache_halves_the_bound_of_a_prompt_by_hand() -> None:
    found = with_options(POINT, plain(), EngineOptions(prefix_hit=0.5))
    # Arithmetic at 989 TFLOP/s: a token's products 13.949e9, the head 1.051e9 once, and for each pair of a token and
    # what is before it 32 x 4 x 4,096 = 524,288. All 4,096 tokens have 4,096 x 4,097 / 2 pairs, the later half
    # 6,293,504 of 8,390,656.
    whole = 4096 * 13.9493e9 + 1.0507e9 + 8_390_656 * 524_288
    half = 2048 * 13.9493e9 + 1.0507e9 + 6_293_504 * 524_288
    assert found.bound_ttft_s / plain().bound_ttft_s == pytest.approx(half / whole, rel=1e-4)
    assert found.bound_tpot_s == plain().bound_tpot_s
    assert 0.5 < found.ttft_s.value / plain().ttft_s.value < 0.65
    assert found.tpot_s.value < plain().tpot_s.value


def test_drafts_divide_the_bound_by_the_tokens_of_a_step_by_hand() -> None:
    # 1 + 0.5 + 0.25 = 1.75 tokens a step, whose time is memory's: weights 15e9 bytes, 8 x 4,096 x 131,072 bytes of KV,
    # and for each token written or checked 131,072 bytes of KV and 32 x 2 x 73,728 of activations.
    found = with_options(POINT, plain(), EngineOptions(draft_tokens=2, acceptance=0.5))
    token = 131_072 + 4_718_592
    step = 15e9 + 8 * 4096 * 131_072 + 8 * token
    expected = (step + 8 * 2 * token) / step / 1.75
    assert found.bound_tpot_s / plain().bound_tpot_s == pytest.approx(expected, rel=1e-3)
    assert found.bound_ttft_s == plain().bound_ttft_s


def test_what_follows_from_the_times_follows_still() -> None:
    found = with_options(POINT, plain(), EngineOptions(0.5, 3, 0.7))
    assert found.e2e_s.value == pytest.approx(found.ttft_s.value + 256 * found.tpot_s.value)
    assert found.tokens_per_s.value == pytest.approx(8 * 257 / found.e2e_s.value)
    assert sum(found.parts.values()) == pytest.approx(found.tpot_s.value)
    assert found.extrapolated[0].startswith("uncalibrated, by the step model")
    assert "50% of each prompt" in found.extrapolated[0]
    assert "3 drafts a step" in found.extrapolated[0]


def test_drafts_that_are_never_accepted_only_cost() -> None:
    found = with_options(POINT, plain(), EngineOptions(draft_tokens=4))
    assert found.tpot_s.value > plain().tpot_s.value


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 200), st.integers(1, 8000))
def test_more_hits_never_take_longer_nor_less_than_the_bound(one: float, two: float, callers: int, tokens: int) -> None:
    point = replace(POINT, concurrency=callers, tokens_in=tokens)
    fewer, more = (with_options(point, plain(point), EngineOptions(each)) for each in sorted((one, two)))
    tiny = 1 + 1e-9
    for name in ("ttft_s", "tpot_s", "e2e_s"):
        assert getattr(more, name).value <= getattr(fewer, name).value * tiny
    for each in (fewer, more):
        assert each.ttft_s.low <= each.ttft_s.value <= each.ttft_s.high
        assert each.ttft_s.low >= each.bound_ttft_s
        assert each.tpot_s.low >= each.bound_tpot_s


@pytest.mark.parametrize("wrong", [(1.1, 0, 0.0), (-0.1, 0, 0.0), (0.0, -1, 0.5), (0.0, 2, 1.0)])
def test_impossible_options_are_errors(wrong: tuple[float, int, float]) -> None:
    with pytest.raises(CostError, match="got"):
        EngineOptions(*wrong)
