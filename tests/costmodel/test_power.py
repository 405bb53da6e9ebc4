import csv
import math
from pathlib import Path

import pytest

from costmodel.power import HIGH, LOW, serving_share, serving_w

TDP_W = {"Nvidia A100 GPU": 400, "Nvidia H100 GPU": 700}


def test_a_doubling_of_the_batch_adds_a_step_up_to_the_tdp() -> None:
    assert serving_share(1) == serving_share(0.2) == 0.56
    # 0.56 + 0.037 x 5
    assert serving_share(32) == pytest.approx(0.745)
    assert serving_share(1e9) == 1.0
    # 700 x 0.745; x 0.83; x 1.2
    assert serving_w(700, 32) == pytest.approx((521.5, 432.845, 625.8))


def test_the_line_is_that_of_the_measurements(shared: Path) -> None:
    with (shared / "data/perf/llm_inference_bench_power.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["hardware"] in TDP_W]
    ratios = [
        float(row["avg_power_mw"]) / 1000 / TDP_W[row["hardware"]] / serving_share(float(row["batch"])) for row in rows
    ]
    assert len(ratios) == 40
    assert math.fsum(abs(ratio - 1) for ratio in ratios) / len(ratios) == pytest.approx(0.094, abs=0.005)
    inside = sum(LOW <= ratio <= HIGH for ratio in ratios) / len(ratios)
    assert 0.7 <= inside <= 0.9
