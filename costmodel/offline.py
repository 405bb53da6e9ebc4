"""Offline batches of a public benchmark beside predictions that were fitted to other software: all prompts at once.

They judge the calibration on a device that it has not seen, the A100, and on engines of 2024. Nothing is fitted here.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from costmodel.calibration import Calibration, choose
from costmodel.catalog import load_catalog
from costmodel.models import load_models
from costmodel.points import Array, Demand, Point, demand, sequence_bytes, why_not_served
from costmodel.served_step import CHUNK_TOKENS, Coefficients, decode_parts, linear_s, prompt_seconds

DEVICES = {"Nvidia A100 GPU": "a100_40_sxm", "Nvidia H100 GPU": "h100_sxm"}
"""Of the A100 the file does not say how large it is. On one, 64 x 4,096 tokens of Llama 3 8B, 34 GB of KV beside 16 GB
of weights, take out of proportion long, as they do where 40 GB are full."""

MODELS = {"meta-llama/Meta-Llama-3-8B": "llama3.1-8b", "meta-llama/Meta-Llama-3-70B": "llama3.1-70b"}
"""Of the benchmark's models those whose shape the catalog has."""


@dataclass(frozen=True, slots=True)
class Batches:
    """[row] batches in 16 bits: `seconds` from the first prompt to the last token, as measured; `left` rows hold more
    than fits at once, or have another model."""

    points: tuple[Point, ...]
    frameworks: tuple[str, ...]
    seconds: Array
    left: int


def read_batches(path: Path) -> Batches:
    """The rows of LLM-Inference-Bench whose model the catalog has and whose batch fits into memory at once.

    `input_output_length` tokens go in and as many come out; `concurrency` of a point is the batch.
    """
    models, catalog = load_models(), load_catalog("default")
    points: list[Point] = []
    frameworks: list[str] = []
    seconds: list[float] = []
    left = 0
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["model"] not in MODELS:
                left += 1
                continue
            model, device = models.model(MODELS[row["model"]]), catalog.device(DEVICES[row["hardware"]])
            length = float(row["input_output_length"])
            point = Point(model, device, int(row["num_devices"]), "fp16", length, length, float(row["batch"]))
            if _fits(point):
                points.append(point)
                frameworks.append(row["framework"])
                seconds.append(float(row["latency_s"]))
            else:
                left += 1
    return Batches(tuple(points), tuple(frameworks), np.array(seconds), left)


def batch_seconds(points: Sequence[Point], fitted: Calibration) -> Array:
    """[point] seconds: all prompts are read in chunks, then every sequence decodes at its mean context."""
    return np.array(
        [_seconds(demand([each]), fitted.coefficients[choose(fitted.coefficients, each)]) for each in points]
    )


def inside(batches: Batches, fitted: Calibration) -> Array:
    """[row] 1 where the measurement lies in the 80 % interval of the time between tokens, which makes most of it."""
    found: list[float] = []
    for point, measured_s, predicted_s in zip(
        batches.points, batches.seconds, batch_seconds(batches.points, fitted), strict=True
    ):
        spread = fitted.spread["tpot"][fitted.situation(point)]
        found.append(float(spread.low <= measured_s / predicted_s <= spread.high))
    return np.array(found)


def _fits(point: Point) -> bool:
    if why_not_served(point) is not None:
        return False
    units = demand([point])
    whole = sequence_bytes(units, units.tokens_in + units.tokens_out)
    return bool(point.concurrency * whole[0] <= units.free_bytes[0])


def _seconds(units: Demand, c: Coefficients) -> float:
    batch = units.concurrency
    tokens, alone = batch * units.tokens_in, np.minimum(units.tokens_in, CHUNK_TOKENS)
    chunk = np.minimum(tokens, CHUNK_TOKENS)
    products_s = tokens / chunk * linear_s(units, c, chunk, batch * chunk / tokens)
    beside_s = prompt_seconds(units, c) - units.tokens_in / alone * linear_s(units, c, alone, np.ones_like(alone))
    step_s = np.sum(list(decode_parts(units, c, batch, units.tokens_in + units.tokens_out / 2).values()), axis=0)
    return float((products_s + batch * beside_s + units.tokens_out * step_s)[0])
