from dataclasses import replace

import pytest

from costmodel.errors import FleetError
from costmodel.fleet import DeviceClass
from placement.pricing import Refusal, check_fleet, cpu_pool, model_pool, runs_functions, usd_per_s
from tests.placement.sample_agents import CORE, cores, described, fleet, h100


def test_a_second_costs_its_share_of_an_hour() -> None:
    assert usd_per_s(h100(), fleet()) == pytest.approx(7.2 / 3600)  # 0.002 USD


def test_a_class_without_a_price_is_refused_where_it_is_needed() -> None:
    with pytest.raises(FleetError, match=r"'hp' of fleet 'test' is in no catalog.*give usd_per_hour"):
        usd_per_s(described("hp"), fleet())


def test_the_pool_of_functions() -> None:
    pool = cpu_pool(cores())
    assert (pool.id, pool.tp, pool.model, pool.place, pool.driver) == (
        "xeon_8480p/functions",
        1,
        None,
        "xeon_8480p",
        "cpu",
    )


def test_pools_of_a_model_exchange_kv_by_class_and_model() -> None:
    one, other = model_pool(h100(), "llama3.1-8b", 2, "fp16"), model_pool(h100(), "llama3.1-8b", 4, "fp8")
    assert (one.id, one.tp, one.driver) == ("h100_sxm/llama3.1-8b/tp2/fp16", 2, "simulated")
    assert one.kv_place == other.kv_place == "h100_sxm/llama3.1-8b"
    assert model_pool(h100(), "llama3.1-70b", 2, "fp16").kv_place != one.kv_place


def test_cores_run_functions_and_only_simulate_models() -> None:
    assert model_pool(cores(), "kokoro-82m", 1, "fp16").driver == "simulated"


@pytest.mark.parametrize(
    ("device_class", "expected"),
    [
        (cores(), True),
        (replace(cores(), driver="simulated"), True),
        (h100(), False),
        (described("cpu", driver="cpu"), True),
        (described("hp"), False),
    ],
)
def test_users_functions_run_on_cpu_cores(device_class: DeviceClass, expected: bool) -> None:
    assert runs_functions(device_class) is expected


def test_provisioned_fleets_are_refused() -> None:
    with pytest.raises(
        FleetError, match=r"'test' has cost_basis: provisioned, .* --load LOAD`, or write cost_basis: metered"
    ):
        check_fleet(replace(fleet(), cost_basis="provisioned"))


@pytest.mark.parametrize("driver", ["openai", "spyre", "reference", "transformers", "anything"])
def test_drivers_of_later_versions_are_refused(driver: str) -> None:
    with pytest.raises(FleetError, match=rf"'h100_sxm' of fleet 'test' has the driver '{driver}'.*driver: simulated"):
        check_fleet(fleet(cores(), h100(driver=driver)))


def test_the_driver_of_cores_needs_cores() -> None:
    with pytest.raises(FleetError, match=r"'h100_sxm' .* has the driver 'cpu'.* is no CPU; write driver: simulated"):
        check_fleet(fleet(h100(driver="cpu")))


def test_shipped_kinds_of_fleets_are_taken() -> None:
    check_fleet(fleet(cores(), DeviceClass("far_core", CORE, 4, "dc", None, "simulated"), h100(), described("hp", 1.0)))


def test_a_refusal_reads_as_one_sentence() -> None:
    assert str(Refusal("h100_sxm", "the fleet has 0 of them", is_limit=True)) == "h100_sxm: the fleet has 0 of them"
