import pytest

from costmodel.errors import CatalogError
from costmodel.facts import Fact, Source
from costmodel.hardware import Device, device_from_facts


def entry(**facts: object) -> dict[str, Fact]:
    return {
        name.replace("__", "."): Fact(str(each), Source("a page", "sourced"), "f.csv:1") for name, each in facts.items()
    }


SOCKET = entry(
    kind="cpu",
    cores=50,
    mem_bytes=500e9,
    mem_bytes_per_s=300e9,
    tdp_w=350,
    flops_per_s__fp16=200e12,
    scaleup_latency_s=1e-7,
    scaleout_bytes_per_s=12.5e9,
    scaleout_latency_s=5e-5,
    price_new_usd_lo=9000,
    price_new_usd_hi=11000,
)


def test_a_cpu_device_is_one_core_with_its_share_of_the_socket() -> None:
    core = device_from_facts("cpu", SOCKET)
    # 500e9 / 50, 300e9 / 50, 200e12 / 50, 350 / 50, the midpoint 10,000 / 50
    assert (core.mem_bytes, core.mem_bytes_per_s) == (10e9, 6e9)
    assert (core.flops_per_s, core.tdp_w, core.price_usd) == ({"fp16": 4e12}, 7.0, 200.0)
    assert (core.cores, core.scaleup_domain, core.scaleup_bytes_per_s) == (50, 50, 6e9)
    assert core.scaleout_bytes_per_s == 12.5e9


def test_the_price_is_the_midpoint_of_the_new_price(h100: Device) -> None:
    # (25,000 + 40,000) / 2
    assert h100.price_usd == 32500


def test_a_device_without_a_public_price_has_none() -> None:
    unpriced = {name: fact for name, fact in SOCKET.items() if not name.startswith("price")}
    assert device_from_facts("cpu", unpriced).price_usd is None


def test_missing_facts_are_named() -> None:
    lacking = {name: fact for name, fact in SOCKET.items() if name not in {"mem_bytes", "tdp_w"}}
    with pytest.raises(CatalogError, match="lacks mem_bytes, tdp_w"):
        device_from_facts("cpu", lacking)


def test_an_accelerator_needs_its_scale_up_facts() -> None:
    accelerator = {**SOCKET, **entry(kind="gpu")}
    with pytest.raises(CatalogError, match="lacks scaleup_bytes_per_s, scaleup_domain"):
        device_from_facts("gpu", accelerator)


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(CatalogError, match="kind must be one of gpu, asic, cpu, other, got 'toaster'"):
        device_from_facts("x", {**SOCKET, **entry(kind="toaster")})


def test_a_cpu_without_cores_is_an_error() -> None:
    with pytest.raises(CatalogError, match="at least one core"):
        device_from_facts("cpu", {**SOCKET, **entry(cores=0)})


def test_a_device_can_be_a_key(h100: Device) -> None:
    assert {h100: 1}[h100] == 1
