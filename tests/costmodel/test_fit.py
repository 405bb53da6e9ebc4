"""The fit: coefficients recovered from points made with them, too few rows, and points left out."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel.calibration import SITUATIONS
from costmodel.catalog import load_catalog
from costmodel.errors import ProfileError
from costmodel.fit import blind, fit_one, fold, left_out, predicted, residuals
from costmodel.measured import Measured
from costmodel.models import load_models
from costmodel.points import Point, demand
from costmodel.refine import fit
from costmodel.served_step import Coefficients, steps

TRUE = replace(
    Coefficients(),
    compute16_share=0.7,
    weights_share=0.75,
    sequence_s=6e-5,
    layer_s=4e-5,
    first_batch=0.1,
    first_s=0.02,
)


def made(coefficients: Coefficients = TRUE) -> list[Measured]:
    """Points of two models on two devices, with the times that the coefficients give."""
    catalog, models = load_catalog("default"), load_models()
    points = [
        Point(models.model(model), catalog.device(device), tp, "fp16", tokens_in, tokens_out, concurrency)
        for model in ("llama3.1-8b", "qwen3-32b")
        for device in ("h100_sxm", "a100_80_sxm")
        for tp in (2, 4)
        for tokens_in in (512, 4096)
        for tokens_out in (128, 1024)
        for concurrency in (4, 16)
    ]
    found = steps(demand(points), coefficients)
    return [
        Measured(point, float(ttft_s), float(tpot_s), "made")
        for point, ttft_s, tpot_s in zip(points, found.first_s + found.queue_s, found.tpot_s, strict=True)
    ]


def test_a_fit_comes_back_to_the_times_that_it_was_made_from() -> None:
    rows = made()
    start = predicted(rows, {"any": Coefficients()}, blind)
    found = predicted(rows, {"any": fit_one(rows, Coefficients(), 0.01)}, blind)
    assert np.abs(residuals(rows, start)).mean() > 0.1
    assert np.abs(residuals(rows, found)).mean() < 0.01


def test_coefficients_stay_within_their_bounds() -> None:
    faster = [replace(row, tpot_s=0.3 * (row.tpot_s or 1.0)) for row in made()]
    found = fit_one(faster, Coefficients(), 0.1)
    assert all(0 < value <= 1 for name, value in found.values().items() if name.endswith("_share"))


def test_a_calibration_knows_its_rows_and_its_spread() -> None:
    found = fit(made(), name="made", date="2026-01-01", origin=["made up"])
    assert found.devices == ("a100_80_sxm", "h100_sxm")
    assert found.ranges["tokens_in"] == (512, 4096)
    assert sum(each.rows for each in found.errors) == 2 * 64
    assert set(found.spread["tpot"]) == set(SITUATIONS)
    assert found.spread["tpot"]["known"].low > 0.9


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ProfileError, match="at least 30 rows"):
        fit(made()[:20], name="few", date="2026-01-01", origin=[])


def test_rows_left_out_are_predicted_without_them() -> None:
    # One device is 30 % slower than its datasheet says; who has not seen it cannot know.
    rows = [
        replace(row, tpot_s=1.3 * (row.tpot_s or 0)) if row.point.device.id == "a100_80_sxm" else row for row in made()
    ]
    off = left_out(rows, lambda row: row.point.device.id)
    slow = np.array([row.point.device.id == "a100_80_sxm" for row in rows])
    assert np.median(off[slow, 1]) > 0.15


def test_folds_are_even_and_the_same_at_each_call() -> None:
    rows = made()
    first, second = fold(rows), fold(rows)
    assert [first(row) for row in rows] == [second(row) for row in rows]
    assert min(np.bincount([first(row) for row in rows])) >= 10
