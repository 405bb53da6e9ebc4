from dataclasses import replace

import pytest

from costmodel.catalog import Catalog
from costmodel.errors import CostError
from costmodel.hardware import Device
from costmodel.loading import load_s
from costmodel.models import Model


def test_weights_pass_over_each_devices_own_bus(h100: Device, llama: Model) -> None:
    # 8.03e9 x 2 bytes over PCIe 5 x16 at 0.8 of 64 GB/s: 16.06e9 / 51.2e9
    assert load_s(llama, h100, "fp16") == pytest.approx(0.313672, abs=1e-6)
    assert load_s(llama, h100, "fp16", tp=4) == pytest.approx(0.313672 / 4, abs=1e-6)
    assert load_s(llama, h100, "fp8") == pytest.approx(0.313672 / 2, abs=1e-6)


def test_a_cpu_has_the_weights_at_hand_and_spyre_starts_its_stack(core: Device, llama: Model, catalog: Catalog) -> None:
    assert load_s(llama, core, "fp16") == 0
    assert load_s(llama, catalog.device("spyre_1_0"), "fp16") == 120


def test_an_unknown_bus_and_no_device_are_errors(h100: Device, llama: Model) -> None:
    with pytest.raises(CostError, match="h100_sxm has no host_bytes_per_s"):
        load_s(llama, replace(h100, host_bytes_per_s=None), "fp16")
    with pytest.raises(CostError, match="at least one device, got tp=0"):
        load_s(llama, h100, "fp16", tp=0)
