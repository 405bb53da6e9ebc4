"""Intervals by situation: what batches add, which setups count, and what stands in where nothing is left out."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel.calibration import Calibration, load_calibration
from costmodel.catalog import load_catalog
from costmodel.fit import blind, fit_one, predicted
from costmodel.measured import Measured
from costmodel.models import load_models
from costmodel.offline import Batches, batch_seconds
from costmodel.points import Point
from costmodel.refine import calibrate
from costmodel.served_step import Coefficients
from costmodel.spreads import leave_out, spreads, spreads_of

LLAMA, CATALOG = load_models().model("llama3.1-8b"), load_catalog("default")
HOST_S = 0.002


def servings() -> list[Measured]:
    """Forty points on an H100 under one engine, exactly as the coefficients of a first fit have them."""
    points = [
        Point(LLAMA, CATALOG.device("h100_sxm"), 1, "fp16", 512 * (1 + each % 5), 256, 1 + each % 8, None, "vllm 1")
        for each in range(40)
    ]
    rows = [Measured(each, None, 1.0, "made") for each in points]
    tpot_s = predicted(rows, {"any": Coefficients()}, blind)[:, 1]
    return [replace(row, tpot_s=float(each)) for row, each in zip(rows, tpot_s, strict=True)]


def batches(device: str, engine: str) -> Batches:
    """Ten batches whose every step takes the host two milliseconds longer than predicted."""
    points = tuple(
        Point(LLAMA, CATALOG.device(device), 1, "fp16", 512, 512, 1 + each, None, engine) for each in range(10)
    )
    fitted = {"any": fit_one(servings(), Coefficients(), 0.4)}
    return Batches(points, ("made",) * 10, batch_seconds(points, fitted) + 512 * HOST_S, 0)


@pytest.fixture(scope="module")
def without() -> dict[str, float]:
    return {name: each.more_s for name, each in spreads(servings())["tpot"].items()}


def test_without_batches_no_step_takes_longer_by_seconds(without: dict[str, float]) -> None:
    assert set(without.values()) == {0.0}


def test_another_device_takes_the_seconds_of_its_batches() -> None:
    found = spreads_of(leave_out(tuple(servings())), batches("a100_80_sxm", "vllm 1"))
    device = found["tpot"]["unseen device"]
    assert 0.5 * HOST_S < device.more_s <= 1.01 * HOST_S
    assert found["tpot"]["unlike device"].more_s == pytest.approx(1.5 * device.more_s)
    assert found["tpot"]["known"].more_s == 0.0
    assert found["ttft"]["unseen device"].more_s == 0.0


def test_batches_on_the_one_device_that_was_served_say_nothing_of_another() -> None:
    found = spreads_of(leave_out(tuple(servings())), batches("h100_sxm", "vllm 0"))
    assert found["tpot"]["unseen device"].more_s == 0.0
    assert found["tpot"]["unseen version"].more_s > 0.5 * HOST_S


def test_batches_of_an_engine_that_was_not_served_widen_that_of_unseen_engines() -> None:
    left = leave_out(tuple(servings()))
    found, before = spreads_of(left, batches("h100_sxm", "other 1")), spreads(servings())
    assert found["tpot"]["unseen engine"].high > before["tpot"]["unseen engine"].high
    assert found["tpot"]["unseen device"] == before["tpot"]["unseen device"]


def test_measurements_of_ones_own_claim_no_more_of_what_they_have_not_seen_than_what_is_shipped() -> None:
    shipped = load_calibration()
    own: Calibration = calibrate(servings(), shipped, name="own", date="2026-01-01", origin=[])
    for quantity, found in own.spread.items():
        for name in ("unseen version", "unseen engine", "unseen device", "unlike device"):
            low, high = found[name].ends(0.01)
            before = shipped.spread[quantity][name].ends(0.01)
            assert low <= before[0]
            assert high >= before[1]
    assert own.spread["tpot"]["known"].high < shipped.spread["tpot"]["known"].high
    assert np.isfinite(own.spread["tpot"]["known"].high)
