from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.catalog import load_catalog
from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.llm import decode_step_work, prefill_work
from costmodel.models import Model, ModelCatalog, load_models
from costmodel.roofline import DEFAULT, Efficiency, combined, compute_rate, kv_shards, step_coefficients, time
from costmodel.step import decode_step_s, prefill_s
from costmodel.work import Work

DEVICES = ("h100_sxm", "b200_sxm", "gaudi3", "mi300x", "xeon_8480p")
MODELS = [each for each in load_models().ids if load_models().model(each).is_text_generator]


def test_memory_bound_work(h100: Device) -> None:
    estimate = time(Work(weight_bytes=2.5125e12, flops=1e12, steps=2), h100, 1, "fp16")
    # 2.5125e12 bytes / (3.35e12 x 0.75) = 1 s; 2 steps x 5 ms
    assert estimate.latency_s == pytest.approx(1.010)
    assert estimate.bound_by == "memory"
    assert estimate.terms["memory"] == pytest.approx(1.0)
    # 1e12 / (989e12 x 0.55)
    assert estimate.terms["compute"] == pytest.approx(1e12 / 543.95e12)


def test_compute_bound_work_on_four_devices(h100: Device) -> None:
    work = Work(flops=4 * 543.95e12, steps=1, sync_count=64, sync_bytes=9e9)
    estimate = time(work, h100, 4, "fp16")
    # all-reduce: 2 x 3/4 x 9e9 / 450e9 = 30 ms, and 64 x 6 hops x 1.5 us = 0.576 ms
    assert estimate.terms["all_reduce"] == pytest.approx(0.030576)
    assert estimate.latency_s == pytest.approx(1 + 0.005 + 0.030576)
    assert estimate.bound_by == "compute"


def test_weights_narrower_than_the_units_are_read_narrow_and_computed_wide(catalog_device: Device) -> None:
    rate, notes = compute_rate(catalog_device, "fp8")
    assert rate == catalog_device.flops_per_s["fp16"]
    assert notes == ("a100_80_sxm has no fp8 units: weights are read as fp8 and computed in fp16",)
    wide = time(Work(flops=1e12, weight_bytes=2e9), catalog_device, 1, "fp16")
    narrow = time(Work(flops=1e12, weight_bytes=1e9), catalog_device, 1, "fp8")
    assert narrow.terms["compute"] == wide.terms["compute"]
    assert narrow.terms["memory"] == wide.terms["memory"] / 2
    assert (narrow.notes, wide.notes) == (notes, ())


@pytest.fixture
def catalog_device() -> Device:
    return load_catalog("default").device("a100_80_sxm")


def test_a_device_without_any_wide_enough_units_is_an_error(h100: Device) -> None:
    integer_only = replace(h100, flops_per_s={"int8": 1e12})
    with pytest.raises(CostError, match="h100_sxm has no rate for fp16 or a wider format, only for int8"):
        time(Work(flops=1), integer_only, 1, "fp16")


def test_general_purpose_work_runs_on_a_cpu_only(h100: Device, core: Device) -> None:
    assert time(Work(cpu_s=0.5, wait_s=0.25), core, 1, "fp16").latency_s == 0.75
    with pytest.raises(CostError, match=r"h100_sxm is no CPU and cannot run 0\.5 s"):
        time(Work(cpu_s=0.5), h100, 1, "fp16")


def test_no_devices_is_an_error(h100: Device) -> None:
    with pytest.raises(CostError, match="tp=0"):
        time(Work(flops=1), h100, 0, "fp16")


def test_kv_heads_are_not_cut(llama: Model, models: ModelCatalog, h100: Device, core: Device) -> None:
    assert [kv_shards(llama, h100, tp) for tp in (1, 4, 8, 16)] == [1, 4, 8, 8]
    assert kv_shards(models.model("deepseek"), h100, 8) == 1
    assert kv_shards(llama, core, 32) == 32


def test_parts_that_follow_one_another_add_up(h100: Device) -> None:
    read = time(Work(weight_bytes=1e12), h100, 1, "fp16")
    multiply = time(Work(flops=1e15), h100, 1, "fp16")
    both = combined((read, multiply))
    assert both.latency_s == read.latency_s + multiply.latency_s
    assert both.terms["memory"] == read.terms["memory"]
    assert both.bound_by == "compute"


@pytest.mark.parametrize("id_", MODELS)
@given(
    device=st.sampled_from(DEVICES),
    tp=st.sampled_from([1, 2, 4, 8]),
    batch=st.integers(1, 256),
    tokens=st.integers(1, 8000),
    precision=st.sampled_from(["fp16", "fp8", "fp4"]),
    kv=st.sampled_from(["fp16", "fp8"]),
)
def test_coefficients_and_work_are_the_same_arithmetic(
    id_: str, device: str, tp: int, batch: int, tokens: int, precision: str, kv: str
) -> None:
    model, hardware = load_models().model(id_), load_catalog("default").device(device)
    coefficients = step_coefficients(model, hardware, tp, precision, kv)
    step = decode_step_work(model, tokens, batch=batch, weight_precision=precision, kv_precision=kv)
    prompt = prefill_work(model, tokens, batch=batch, weight_precision=precision, kv_precision=kv)
    assert decode_step_s(coefficients, batch, tokens) == pytest.approx(
        time(step, hardware, tp, precision, model=model).latency_s
    )
    assert prefill_s(coefficients, tokens, batch) == pytest.approx(
        time(prompt, hardware, tp, precision, model=model).latency_s
    )


@given(flops=st.floats(0, 1e18), weights=st.floats(0, 1e13), kv=st.floats(0, 1e13), tp=st.sampled_from([1, 2, 4, 8]))
def test_work_is_never_faster_than_the_datasheet_allows(flops: float, weights: float, kv: float, tp: int) -> None:
    device = load_catalog("default").device("h100_sxm")
    work = Work(flops=flops, weight_bytes=weights, kv_read_bytes=kv, steps=1)
    latency_s = time(work, device, tp, "fp16").latency_s
    assert latency_s >= flops / (tp * device.flops_per_s["fp16"])
    assert latency_s >= (weights + kv) / (tp * device.mem_bytes_per_s)
    assert time(work, device, tp, "fp16", efficiency=Efficiency(1, 1, 0)).latency_s <= latency_s


def test_the_default_efficiencies_are_those_of_the_docs() -> None:
    assert (DEFAULT.mfu, DEFAULT.mbu, DEFAULT.step_s) == (0.55, 0.75, 0.005)
