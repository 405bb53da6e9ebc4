"""Time of single layers and prefills: sums by hand, the roofline, and how efficiency depends on shape."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel.layer_time import (
    LayerCoefficients,
    LayerShapes,
    PrefillCoefficients,
    Prefills,
    linear_layer_s,
    prefill_batch_s,
    product_s,
)

IDEAL = LayerCoefficients(
    compute_share=1.0,
    memory_share=1.0,
    sharpness=300.0,
    tile_rows=0.0,
    launch_s=0.0,
    small_launch_s=0.0,
    uncached_share=0.0,
)


def shape(tokens: float, split: int = 1) -> LayerShapes:
    """A layer of Llama 2 70B on an A100."""
    values = (tokens, 8192, 8192 / split, 1024 / split, 28672 / split, 2, 312e12, 2.039e12)
    return LayerShapes(*(np.array([float(each)]) for each in values))


def test_a_layer_with_ideal_coefficients_by_hand() -> None:
    # Weights 8192 x (8192 + 2 x 1024) + 8192 x 8192 + 3 x 8192 x 28672 = 855,638,016; at 4,096 tokens arithmetic bounds
    # each product: 2 x 855,638,016 x 4,096 / 312e12 = 22.466 ms.
    assert linear_layer_s(shape(4096), IDEAL)[0] == pytest.approx(22.466e-3, rel=2e-3)
    # At one token the weights do: 855,638,016 x 2 bytes / 2.039e12 = 0.8393 ms.
    assert linear_layer_s(shape(1), IDEAL)[0] == pytest.approx(0.8393e-3, rel=2e-3)


def test_efficiency_grows_with_rows_and_with_width() -> None:
    def efficiency(tokens: float, split: int) -> float:
        flops = 2 * 855_638_016 / split * tokens
        return flops / 312e12 / float(linear_layer_s(shape(tokens, split), LayerCoefficients())[0])

    by_rows = [efficiency(tokens, 1) for tokens in (1, 16, 128, 1024, 8192)]
    assert by_rows == sorted(by_rows)
    assert 0.7 < by_rows[-1] < 0.775
    by_split = [efficiency(256, split) for split in (8, 4, 2, 1)]
    assert by_split == sorted(by_split)


def test_no_product_is_faster_than_the_roofline() -> None:
    for tokens in (1, 10, 100, 1000, 10_000):
        rows = np.array([float(tokens)])
        one = shape(tokens)
        found = product_s(rows, one, one.ffn, one.d_model, LayerCoefficients())[0]
        assert found >= 2 * tokens * 28672 * 8192 / 312e12
        assert found >= 2 * (28672 * 8192 + tokens * (28672 + 8192)) / 2.039e12


def test_a_prefill_is_its_layers_or_the_host() -> None:
    layer = shape(512)
    one = Prefills(layer, np.array([80.0]), np.array([512.0]), np.array([1.0]), np.array([300e9]))
    fast, slow = (
        prefill_batch_s(one, LayerCoefficients(), PrefillCoefficients(host_s=host_s))[0] for host_s in (1e-6, 10.0)
    )
    # Without a host: 80 layers of linear operators and attention, 4 x 512 x 513 / 2 x 8192 FLOPs at 0.3 of the rate.
    attention_s = 4 * 512 * 513 / 2 * 8192 / (312e12 * 0.3)
    assert fast == pytest.approx(80 * (linear_layer_s(layer, LayerCoefficients())[0] + attention_s))
    assert slow == pytest.approx(10.0, rel=1e-6)


def test_all_reduces_are_paid_by_split_layers_only() -> None:
    def seconds(tp: float, link_share: float) -> float:
        one = Prefills(shape(512), np.array([80.0]), np.array([512.0]), np.array([tp]), np.array([300e9]))
        return float(prefill_batch_s(one, LayerCoefficients(), PrefillCoefficients(1e-6, link_share=link_share))[0])

    assert seconds(1, 0.3) == seconds(1, 0.6)
    # 80 layers x 2 sums of 512 x 8192 x 2 bytes, each 2 (n - 1) / n of it over both directions of the link.
    expected = 80 * 2 * 512 * 8192 * 2 * 2 * 3 / 4 / (2 * 300e9)
    assert seconds(4, 0.5) - seconds(4, 1.0) == pytest.approx(expected)


def test_coefficients_are_shares_of_what_hardware_has() -> None:
    slower = replace(LayerCoefficients(), compute_share=0.5)
    assert linear_layer_s(shape(4096), slower)[0] > linear_layer_s(shape(4096), LayerCoefficients())[0]
