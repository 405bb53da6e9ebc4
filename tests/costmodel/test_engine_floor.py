"""The least error of predictions that do not know the engine, by hand sums."""

import pytest

from costmodel.catalog import load_catalog
from costmodel.engine_floor import floors
from costmodel.measured import Measured
from costmodel.models import load_models
from costmodel.points import Point

MODEL = load_models().model("llama3.1-8b")
DEVICES = load_catalog("default")


def row(
    engine: str | None, tpot_s: float | None, ttft_s: float | None, *, device: str = "h100_sxm", callers: int = 8
) -> Measured:
    point = Point(MODEL, DEVICES.device(device), 1, "fp16", 512, 128, callers, None, engine)
    return Measured(point, ttft_s, tpot_s, "made up")


def test_the_best_one_number_lies_at_a_measurement() -> None:
    # 10, 12 and 20 ms: at 12 the errors are 2/10 + 0 + 8/20 = 0.6; at 10 they are 2/12 + 10/20, at 20 1 + 8/12.
    rows = [row("a 1", 0.010, 1.0), row("a 2", 0.012, 1.0), row("b 1", 0.020, 1.0)]
    (found,) = floors(rows)
    assert (found.device, found.of, found.shared) == ("h100_sxm", 3, (0, 1, 2))
    assert found.least == pytest.approx({"tpot": 0.6 / 3, "ttft": 0.0})


def test_only_points_of_several_engines_count() -> None:
    # At 8 callers 10 and 20 ms: at 10 the error is 10/20; at 20 it is 1. At 4 callers one engine measured twice.
    rows = [
        row("a 1", 0.010, 1.0),
        row("a 1", 0.030, 1.0, callers=4),
        row("a 1", 0.050, 1.0, callers=4),
        row("b 1", 0.020, None),
        row("b 1", 0.020, 1.0, device="h200_sxm"),
    ]
    (found,) = floors(rows)
    assert (found.of, found.shared) == (4, (0, 3))
    assert found.least == pytest.approx({"tpot": 0.5 / 2, "ttft": 0.0})


def test_without_such_points_there_is_no_floor() -> None:
    assert floors([row("a 1", 0.010, 1.0), row("b 1", 0.020, 1.0, callers=4)]) == ()
