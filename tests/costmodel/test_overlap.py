from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.errors import CostError
from costmodel.fleet import Link
from costmodel.llm import kv_bytes
from costmodel.models import Model, load_models
from costmodel.overlap import even_layers, exposed_chunks_s, exposed_s
from costmodel.transfer import transfer_s

LLAMA = load_models().model("llama3.1-8b")
GENERATORS = [model for model in load_models().models.values() if model.is_text_generator]
WIRE = Link("a", "b", 1e9, 0.002, 0.0)


def last_arrival_s(ready_s: list[Fraction], moving_s: list[Fraction]) -> Fraction:
    """When the last of several layers has been sent over a link that sends one at a time."""
    free_s = Fraction(0)
    for ready, moving in zip(ready_s, moving_s, strict=True):
        free_s = max(free_s, ready) + moving
    return free_s


@pytest.mark.parametrize(
    ("layers_s", "expected_s"),
    [
        # 131,072,000 bytes at 1 GB/s: 131.072 ms over 32 layers, 4.096 ms each; 2 ms latency
        (0.0, 0.002 + 0.131072),  # nothing hides it
        (0.064, 0.002 + 0.131072 - 0.064 * 31 / 32),  # 31 of 32 layers of 2 ms hide 62 ms
        (0.131072, 0.002 + 0.004096),  # the link keeps pace: the last layer is left
        (1.0, 0.002 + 0.004096),
    ],
)
def test_what_prefill_cannot_hide_is_exposed(layers_s: float, expected_s: float) -> None:
    assert exposed_s(WIRE, 131_072_000, LLAMA, 1000, layers_s) == pytest.approx(expected_s, rel=1e-12)


@given(
    layers=st.integers(1, 40),
    ready_each=st.fractions(0, 10, max_denominator=50),
    moving_each=st.fractions(0, 10, max_denominator=50),
)
def test_equal_layers_end_when_the_formula_says(layers: int, ready_each: Fraction, moving_each: Fraction) -> None:
    prefill, whole = layers * ready_each, layers * moving_each
    arrived = last_arrival_s([(k + 1) * ready_each for k in range(layers)], [moving_each] * layers)
    assert arrived - prefill == max(whole / layers, whole - prefill * (layers - 1) / layers)


@given(
    moving=st.lists(st.fractions(Fraction(1, 50), 10, max_denominator=50), min_size=1, max_size=40),
    ready_each=st.fractions(0, 10, max_denominator=50),
)
def test_unequal_layers_in_any_order_end_no_later_than_the_bound(moving: list[Fraction], ready_each: Fraction) -> None:
    layers, whole = len(moving), sum(moving, Fraction(0))
    prefill, even = layers * ready_each, whole / max(moving)
    arrived = last_arrival_s([(k + 1) * ready_each for k in range(layers)], moving)
    assert arrived - prefill <= max(whole / even, whole - prefill * (even - 1) / layers)


@settings(deadline=None)
@given(
    model=st.sampled_from(GENERATORS),
    tokens=st.integers(1, 100_000),
    rate=st.floats(1e6, 1e12),
    latency_s=st.floats(0, 1),
    layers_s=st.floats(0, 100),
    shorter=st.floats(0, 1),
)
def test_the_exposed_time_lies_between_one_layer_and_the_whole(
    model: Model, tokens: int, rate: float, latency_s: float, layers_s: float, shorter: float
) -> None:
    wire, size_bytes = Link("a", "b", rate, latency_s, 0.0), kv_bytes(model, tokens)
    exposed = exposed_s(wire, size_bytes, model, tokens, layers_s)
    rounding = 1 + 1e-9
    assert exposed * rounding >= transfer_s(wire, size_bytes / model.layers)
    assert exposed <= transfer_s(wire, size_bytes) * rounding
    assert exposed <= exposed_s(wire, size_bytes, model, tokens, layers_s * shorter) * rounding


def test_layers_that_differ_count_as_fewer() -> None:
    # every layer of Llama holds the same. gpt-oss-20b: 12 full layers of 4096 tokens and 12 that keep 128 of them, so
    # 12 + 12 x 128 / 4096 = 12.375; at 128 tokens and fewer all 24 hold the same
    oss = load_models().model("gpt-oss-20b")
    assert even_layers(LLAMA, 1) == even_layers(LLAMA, 8000) == 32
    assert even_layers(oss, 4096) == pytest.approx(12.375)
    assert even_layers(oss, 100) == pytest.approx(24)


@pytest.mark.parametrize("layers_s", [-1.0, float("nan"), float("inf")])
def test_a_prefill_takes_a_time(layers_s: float) -> None:
    with pytest.raises(CostError, match="a prefill takes a finite time"):
        exposed_s(WIRE, 1.0, LLAMA, 1000, layers_s)


@given(
    prefill_s=st.lists(st.floats(0, 0.5), min_size=1, max_size=6),
    bytes_per_s=st.sampled_from([1e8, 1e9, 1e10]),
    last=st.integers(1, 500),
)
def test_chunks_end_when_every_layer_of_each_was_sent(prefill_s: list[float], bytes_per_s: float, last: int) -> None:
    link = Link("a", "b", bytes_per_s, 0.002, 0.0)
    tokens = 500.0 * (len(prefill_s) - 1) + last
    ready: list[Fraction] = []
    moving: list[Fraction] = []
    passed = Fraction(0)
    for index, chunk_s in enumerate(map(Fraction, prefill_s)):
        size = kv_bytes(LLAMA, 500.0 if index < len(prefill_s) - 1 else last)
        ready += [passed + chunk_s * (layer + 1) / 32 for layer in range(32)]
        moving += [Fraction(size / bytes_per_s) / 32] * 32
        passed += chunk_s
    exposed = float(last_arrival_s(ready, moving) - passed) + 0.002
    assert exposed_chunks_s(link, LLAMA, tokens, 500, prefill_s) == pytest.approx(exposed, rel=1e-9, abs=1e-12)


def test_one_chunk_is_the_whole_and_chunks_need_their_times() -> None:
    size = kv_bytes(LLAMA, 1000)
    assert exposed_chunks_s(WIRE, LLAMA, 1000, 1000, [0.064]) == exposed_s(WIRE, size, LLAMA, 1000, 0.064)
    with pytest.raises(CostError, match="1000 tokens are 2 chunks of 500, got the times of 1"):
        exposed_chunks_s(WIRE, LLAMA, 1000, 500, [0.064])


def test_where_a_window_moves_only_the_last_chunk_hides() -> None:
    model = next(each for each in GENERATORS if each.sliding_layers)
    size = kv_bytes(model, 1000)
    assert exposed_chunks_s(WIRE, model, 1000, 500, [9.0, 0.01]) == exposed_s(WIRE, size, model, 1000, 0.01)
