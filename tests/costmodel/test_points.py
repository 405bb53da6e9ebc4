"""Served points as arrays: amounts of the model's shape and the device's datasheet, and points that cannot run."""

import numpy as np
import pytest

from costmodel.catalog import load_catalog
from costmodel.models import load_models
from costmodel.points import Point, demand, sequence_bytes, why_not_served

H100 = load_catalog("default").device("h100_sxm")
LLAMA = load_models().model("llama3.1-70b")


def point(**changes: object) -> Point:
    values = {"model": LLAMA, "device": H100, "tp": 4, "precision": "fp8", "tokens_in": 1000, "tokens_out": 100}
    return Point(**(values | {"concurrency": 8} | changes))  # pyright: ignore[reportArgumentType]


def test_the_demand_of_a_point_by_hand() -> None:
    units = demand([point()])
    # Usable memory 0.9 x 80 GB less a quarter of 70.6 GB.
    assert units.free_bytes[0] == pytest.approx(72e9 - 17.65e9)
    # 80 layers x 2 x 8 KV heads x 128 values of one byte.
    assert units.kv_bytes[0] == 163_840
    assert units.weight_bytes[0] == pytest.approx(69.5e9)
    assert units.flops_per_s[0] == 1.979e15
    assert units.flops16_per_s[0] == 989e12


def test_kv_has_16_bits_beside_weights_of_16_bits_unless_it_is_given() -> None:
    assert demand([point(precision="fp16")]).kv_bytes[0] == 327_680
    assert demand([point(kv_precision="fp16")]).kv_bytes[0] == 327_680


def test_kv_heads_are_not_cut() -> None:
    # tp 8 leaves one KV head on each device: a sequence of 1,100 tokens takes 1,100 x 163,840 / 8 bytes.
    units = demand([point(tp=8)])
    assert sequence_bytes(units, np.array([1100.0]))[0] == pytest.approx(1100 * 163_840 / 8)


def test_a_sliding_window_bounds_what_a_sequence_holds() -> None:
    units = demand([point(model=load_models().model("gpt-oss-20b"), tp=1, precision="fp4")])
    short, long = (sequence_bytes(units, np.array([tokens]))[0] for tokens in (10_000.0, 20_000.0))
    assert long - short == pytest.approx(10_000 * units.kv_bytes[0])


def test_points_are_chosen_by_a_mask() -> None:
    units = demand([point(), point(tp=8)])
    assert units.select(np.array([False, True])).tp.tolist() == [8.0]


def test_what_cannot_be_served() -> None:
    assert why_not_served(point()) is None
    assert "at least 1" in str(why_not_served(point(tokens_out=0)))
    assert "one call of 81,100 tokens takes" in str(why_not_served(point(tp=1, tokens_in=81_000)))
