"""Times of the phases against sums by hand, and what must hold for any group."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import CostError
from costmodel.models import load_models
from costmodel.paper_devices import DEVICES, devices
from costmodel.phase import Assumptions, Serving, Workload, all_reduce_part_s, largest_batch, pass_s

LOAD = Workload(512, 4096)
PLAIN = Assumptions()


def serving(
    device: str = "h100", tp: int = 1, pp: int = 1, model: str = "llama3.1-8b", precision: str = "fp16", **rules: object
) -> Serving:
    chosen = replace(PLAIN, **rules)  # type: ignore[arg-type]
    return Serving(load_models().model(model), precision, devices("dense")[device], tp, pp, chosen)


def one(which: Serving, phase: str, batch: int = 1, load: Workload = LOAD) -> float:
    return float(pass_s(which, phase, load, np.array([float(batch)]))[0])  # type: ignore[arg-type]


def test_a_prefill_by_hand() -> None:
    # Llama 3.1 8B multiplies 7.5e9 weights, of which 128256 x 4096 = 525,336,576 are the head's, once a prompt.
    layers = 512 * 2 * (7.5e9 - 525_336_576) + 2 * 525_336_576
    # attention: 512 x 513 / 2 pairs, 4 x 32 heads x 128 x 32 layers FLOPs each; H100 at 989 TFLOP/s x 0.55
    attention = 512 * 513 / 2 * 4 * 32 * 128 * 32
    assert one(serving(), "prefill") == pytest.approx((layers + attention) / (989e12 * 0.55), rel=1e-12)


def test_a_decode_step_by_hand() -> None:
    # 16 sequences on H100: weights and activations 2 x 7.5e9 + 16 x 2 x 32 x 4 x (4096 + 14336) bytes, read at
    # 3350 GB/s x 0.75; then KV of 512 + 4095 / 2 tokens and the new one, 131072 bytes each
    linear = (15e9 + 16 * 4_718_592) / (3350e9 * 0.75)
    attention = 16 * (512 + 4095 / 2 + 1) * 131072 / (3350e9 * 0.75)
    assert one(serving(), "decode", 16) == pytest.approx(linear + attention, rel=1e-12)


def test_at_large_batches_linear_layers_are_bound_by_compute_and_attention_by_bandwidth() -> None:
    # 400 sequences: 400 x 15e9 FLOP at 544 TFLOP/s is 11.0 ms, the weights take 6.7 ms; attention as above
    linear = 400 * 15e9 / (989e12 * 0.55)
    attention = 400 * (512 + 4095 / 2 + 1) * 131072 / (3350e9 * 0.75)
    assert one(serving(), "decode", 400) == pytest.approx(linear + attention, rel=1e-12)


def test_all_reduces_by_hand() -> None:
    # 64 all-reduces of 4096 x 2 bytes a token over 4 devices: 2 x 3 / 4 of the bytes at 450 GB/s, 6 hops of 1.5 us each
    seconds = 16 * 64 * 8192 * 1.5 / 450e9 + 64 * 6 * 1.5e-6
    wide = serving(tp=4)
    assert all_reduce_part_s(wide, "decode", LOAD, np.array([16.0]))[0] == pytest.approx(seconds, rel=1e-12)
    silent = serving(tp=4, hop_share=0.0)
    assert one(wide, "decode", 16) - one(silent, "decode", 16) == pytest.approx(64 * 6 * 1.5e-6, rel=1e-9)


def test_stages_hand_over_inside_the_chassis_or_over_the_network() -> None:
    # 3 hand-overs of 16 x 8192 bytes: A40 joins two devices only, so four stages use its 12.5 GB/s card
    inside = 3 * (16 * 8192 / 450e9 + 1.5e-6)
    outside = 3 * (16 * 8192 / 12.5e9 + 3e-6)
    for device, seconds in (("h100", inside), ("a40", outside)):
        part = all_reduce_part_s(serving(device, pp=4), "decode", LOAD, np.array([16.0]))[0]
        assert part == pytest.approx(seconds, rel=1e-12)


def test_memory_by_hand() -> None:
    # H100: 0.9 x 80e9 - 16.06e9 bytes free, 131072 bytes for each of 4608 tokens: 92.6 sequences
    assert largest_batch(serving(), "decode", LOAD) == 92
    # prefill keeps the prompt only: 55.94e9 / (131072 x 512) = 833.6
    assert largest_batch(serving(), "prefill", LOAD) == 833
    # half of the output: 55.94e9 / (131072 x 2560) = 166.7
    assert largest_batch(serving(reserved_share=0.5), "decode", LOAD) == 166
    # 141.2e9 bytes of weights do not fit on one
    assert largest_batch(serving(model="llama3.1-70b"), "decode", LOAD) == 0


def test_attention_in_fp16_is_slower_where_fp8_is_faster() -> None:
    wide, narrow = serving(precision="fp8"), serving(precision="fp8", attention="weights")
    # 68.85e9 FLOP of attention at 989 instead of 1979 TFLOP/s, both times 0.55
    pairs = 512 * 513 / 2 * 524288
    expected = pairs / (989e12 * 0.55) - pairs / (1979e12 * 0.55)
    assert one(wide, "prefill") - one(narrow, "prefill") == pytest.approx(expected, rel=1e-6)


@given(
    device=st.sampled_from(DEVICES),
    precision=st.sampled_from(("fp16", "fp8")),
    phase=st.sampled_from(("prefill", "decode")),
    batch=st.integers(1, 500),
)
def test_more_never_takes_less_and_no_pass_beats_its_bytes(device: str, precision: str, phase: str, batch: int) -> None:
    which = serving(device, precision=precision)
    assert one(which, phase, batch) <= one(which, phase, batch + 1)
    assert one(which, phase, batch) <= one(which, phase, batch, Workload(600, 4096))
    weights = which.unit.weights * (2 if precision == "fp16" else 1)
    assert one(which, phase, batch) >= weights / which.device.mem_bytes_per_s


@pytest.mark.parametrize("model", ["qwen3-30b-a3b", "gpt-oss-20b", "deepseek-v3-r1", "granite-4.0-h-micro"])
def test_only_dense_models_with_full_attention(model: str) -> None:
    with pytest.raises(CostError, match=model):
        serving(model=model)


@pytest.mark.parametrize(
    "wrong", [{"mfu": 0.0}, {"mbu": 1.1}, {"margin": 0}, {"step_s": -1.0}, {"hop_share": -1.0}, {"largest_group": 0}]
)
def test_impossible_assumptions_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(CostError, match="efficiencies"):
        Assumptions(**wrong)  # type: ignore[arg-type]
