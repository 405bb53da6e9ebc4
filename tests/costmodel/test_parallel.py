from dataclasses import replace

import pytest

from costmodel.catalog import Catalog
from costmodel.hardware import Device
from costmodel.models import Model, ModelCatalog
from costmodel.parallel import tensor_parallel_degrees, why_not_parallel


def test_degrees_are_powers_of_two_up_to_count_and_domain(llama: Model, h100: Device, catalog: Catalog) -> None:
    assert tensor_parallel_degrees(llama, h100, 64) == (1, 2, 4, 8)
    assert tensor_parallel_degrees(llama, h100, 3) == (1, 2)
    assert tensor_parallel_degrees(llama, h100, 0) == ()
    assert tensor_parallel_degrees(llama, catalog.device("a40"), 8) == (1, 2)
    assert tensor_parallel_degrees(llama, catalog.device("l40s"), 8) == (1,)


def test_the_cores_of_a_socket_are_its_domain(models: ModelCatalog, core: Device) -> None:
    # 56 cores: heads do not matter, whisper has 20
    assert tensor_parallel_degrees(models.model("whisper"), core, 112) == (1, 2, 4, 8, 16, 32)


def test_heads_must_divide(models: ModelCatalog, h100: Device) -> None:
    # whisper: 20 heads; all-minilm: 12 heads
    assert tensor_parallel_degrees(models.model("whisper"), h100, 8) == (1, 2, 4)
    assert tensor_parallel_degrees(models.model("all-minilm"), h100, 8) == (1, 2, 4)
    assert why_not_parallel(models.model("whisper"), h100, 8) == (
        "tp=8 does not divide the 20 attention heads of whisper-large-v3"
    )


def test_few_kv_heads_are_copied_to_whole_groups(llama: Model, h100: Device, catalog: Catalog) -> None:
    rack = catalog.device("gb200_nvl72")
    assert tensor_parallel_degrees(llama, rack, 72) == (1, 2, 4, 8, 16, 32)
    three_kv_heads = replace(llama, heads=24, kv_heads=3)
    assert why_not_parallel(three_kv_heads, h100, 2) == (
        "tp=2 neither divides nor is a multiple of the 3 KV heads of llama3.1-8b"
    )


def test_a_model_without_heads_runs_on_one_device(models: ModelCatalog, h100: Device) -> None:
    assert tensor_parallel_degrees(models.model("sdxl"), h100, 8) == (1,)


def test_without_a_model_only_the_fabric_limits(h100: Device) -> None:
    assert tensor_parallel_degrees(None, h100, 8) == (1, 2, 4, 8)


@pytest.mark.parametrize(("tp", "reason"), [(16, "above the scale-up domain of h100_sxm (8 devices)"), (0, "got 0")])
def test_the_reason_is_given(llama: Model, h100: Device, tp: int, reason: str) -> None:
    assert reason in (why_not_parallel(llama, h100, tp) or "")
