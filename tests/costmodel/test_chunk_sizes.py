"""Smaller chunks of prompts beside decode steps: the ideal and the calibrated engine do not agree on what they save."""

import pytest

from costmodel import served_step
from costmodel.calibration import choose, load_calibration
from costmodel.catalog import load_catalog
from costmodel.models import load_models
from costmodel.points import Point, demand
from costmodel.roofline import step_coefficients
from costmodel.step import Engine, closed_loop

POINT = Point(
    load_models().model("llama3.1-8b"), load_catalog("default").device("h100_sxm"), 1, "fp16", 8000, 300, 16, "fp16"
)


def test_in_the_ideal_engine_chunks_hide_behind_memory_traffic() -> None:
    coefficients = step_coefficients(POINT.model, POINT.device, 1, "fp16", "fp16")
    usual, small = (closed_loop(coefficients, Engine(chunk_tokens=each), 8000, 300, 16) for each in (8192, 512))
    assert small.tpot_s / usual.tpot_s == pytest.approx(0.675, abs=0.005)
    assert small.ttft_s / usual.ttft_s == pytest.approx(1.31, abs=0.01)


def test_the_calibrated_engine_gains_a_third_of_that(monkeypatch: pytest.MonkeyPatch) -> None:
    calibration = load_calibration()
    coefficients = calibration.coefficients[choose(calibration.coefficients, POINT)]
    usual = served_step.steps(demand([POINT]), coefficients)
    monkeypatch.setattr(served_step, "CHUNK_TOKENS", 512.0)
    small = served_step.steps(demand([POINT]), coefficients)
    assert small.tpot_s[0] / usual.tpot_s[0] == pytest.approx(0.911, abs=0.005)
    assert small.first_s[0] / usual.first_s[0] == pytest.approx(1.13, abs=0.01)
