from dataclasses import replace

import pytest

from costmodel.errors import FleetError
from placement.levels import CAPS, Flow, cheapest, check_priced, pick, rents, waiting_s, without_power
from placement.pricing import cpu_pool, model_pool
from placement.problem import Pool
from placement.shared_problem import Service
from placement.ways import Way
from tests.placement.sample_agents import cores, described, fleet, h100

FLEET = fleet(cores(), h100(8))


def pool(tp: int = 1, model: str = "llama3.1-8b") -> Pool:
    return model_pool(h100(8), model, tp, "fp16")


def flow(calls_per_s: float, *ways: tuple[Pool, int, float]) -> Flow:
    """Calls with a time in a slot at each pool and number of slots."""
    return Flow(
        calls_per_s,
        {(where, slots): Way(where, slots, Service(slot_s, 0.0), 0.0, "test") for where, slots, slot_s in ways},
    )


def test_a_replica_pays_for_all_its_devices_at_the_meter() -> None:
    rent = rents(FLEET, pool(tp=4))
    # 4 devices at 7.2 USD; 4 x 700 W x PUE 1.2 = 3,360 W
    assert rent.usd_per_hour == pytest.approx(28.8)
    assert rent.watts == pytest.approx(3360)
    alone = rents(FLEET, pool())
    assert rent.gco2e_per_hour == pytest.approx(4 * alone.gco2e_per_hour)
    # 0.84 kWh an hour at the catalog's grams, and what making the device emitted
    assert alone.gco2e_per_hour >= 0.84 * FLEET.catalog.gco2e_per_kwh


def test_a_class_outside_the_catalog_has_a_price_but_no_power() -> None:
    owned = fleet(described("hp", usd_per_hour=2.0))
    hp = replace(pool(), device="hp")
    assert rents(owned, hp).watts == 0.0
    assert without_power(owned, [hp, hp]) == ("hp",)
    assert without_power(FLEET, [pool()]) == ()


def test_a_class_without_a_price_cannot_be_rented() -> None:
    with pytest.raises(FleetError, match="provisioned needs an hourly price of every class"):
        check_priced(fleet(described("hp")))


def test_waiting_of_one_slot_is_that_of_m_m_1() -> None:
    # u / (1 - u) x s = 0.5 / 0.5 x 2 s
    assert waiting_s(2.0, 1, 0.5) == pytest.approx(2.0)
    assert waiting_s(2.0, 16, 0.5) < 0.01


def test_each_class_keeps_its_cheapest_and_its_fastest() -> None:
    slow, fast = (pool(1), 16, 4.0), (pool(8), 4, 0.5)
    cpu = (cpu_pool(cores()), 1, 40.0)
    picked = pick([flow(1.0, slow, fast, cpu)], FLEET, most=0)
    # cheapest h100: 4 busy slots of 16 on one device; fastest: eight devices, least busy
    assert ((pool(8), 4), 0.5) in picked
    assert any(spot == (pool(1), 16) for spot, _ in picked)
    # 40 busy cores at 0.9 are 45 cores; at 0.5 they are 80
    assert ((cpu_pool(cores()), 1), 0.9) in picked


def test_what_is_left_is_filled_up_to_the_most() -> None:
    ways = [(pool(tp), slots, 1.0 / tp + 0.1 * slots) for tp in (1, 2, 4, 8) for slots in (1, 4, 16, 64)]
    assert len(pick([flow(5.0, *ways)], FLEET, most=9)) == 9
    everything = pick([flow(5.0, *ways)], FLEET, most=1000)
    assert len(everything) == len(ways) * len(CAPS)


def test_no_call_is_left_without_a_level() -> None:
    common, rare = flow(10.0, (pool(1), 64, 1.0)), flow(0.01, (pool(2), 1, 9.0))
    spots = {spot for spot, _ in pick([common, rare], FLEET, most=0)}
    assert spots == {(pool(1), 64), (pool(2), 1)}


def test_the_cheapest_spots_count_whole_replicas() -> None:
    # 0.1 busy slots: one replica of either, so that the pool of one device is cheaper than that of two
    found = cheapest([flow(0.1, (pool(2), 1, 1.0), (pool(1), 1, 1.0))], FLEET, 0.7, 1)
    assert found == ((pool(1), 1),)
