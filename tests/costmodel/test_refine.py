"""A calibration drawn towards a few rows, and when a fit stands for itself."""

from dataclasses import replace

import numpy as np
import pytest

from costmodel.calibration import load_calibration
from costmodel.catalog import load_catalog
from costmodel.errors import ProfileError
from costmodel.fit import blind, predicted
from costmodel.measured import Measured
from costmodel.models import load_models
from costmodel.points import Point
from costmodel.refine import calibrate

SHIPPED = load_calibration()


def slow_rows(count: int) -> list[Measured]:
    """An L40S whose times between tokens are 40 % longer than the shipped calibration says."""
    model, device = load_models().model("llama3.1-8b"), load_catalog("default").device("l40s")
    points = [Point(model, device, 1, "fp8", 500 + 50 * each, 128, 1 + each % 8) for each in range(count)]
    rows = [Measured(each, None, 1.0, "own") for each in points]
    tpot_s = predicted(rows, SHIPPED.coefficients, blind)[:, 1]
    return [replace(row, tpot_s=1.4 * float(each)) for row, each in zip(rows, tpot_s, strict=True)]


def test_a_few_rows_draw_the_shipped_calibration_towards_them() -> None:
    rows = slow_rows(8)
    found = calibrate(rows, SHIPPED, name="own", date="2026-02-03", origin=["8 rows of own.csv"])
    assert set(found.coefficients) == {*SHIPPED.coefficients, "device:l40s"}
    measured = np.array([row.tpot_s for row in rows])
    before = np.abs(predicted(rows, SHIPPED.coefficients, blind)[:, 1] / measured - 1).mean()
    after = np.abs(predicted(rows, found.coefficients, blind)[:, 1] / measured - 1).mean()
    assert before == pytest.approx(1 - 1 / 1.4)
    assert after < before / 2
    assert found.fitted_on[0] == f"{SHIPPED.name} ({SHIPPED.date}), drawn towards 8 rows"
    assert found.ranges["tokens_in"] == (500, 8192)
    assert found.situation(rows[0].point) == "unseen device"


def test_enough_rows_are_fitted_for_themselves() -> None:
    found = calibrate(slow_rows(40), SHIPPED, name="own", date="2026-02-03", origin=["40 rows of own.csv"])
    assert found.devices == ("l40s",)
    assert found.fitted_on == ("40 rows of own.csv",)


def test_without_a_row_there_is_nothing_to_do() -> None:
    with pytest.raises(ProfileError, match="no row with a time between tokens"):
        calibrate([replace(slow_rows(1)[0], tpot_s=None)], SHIPPED, name="own", date="2026-02-03", origin=[])
