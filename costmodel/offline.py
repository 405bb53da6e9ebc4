"""Offline batches of a public benchmark beside predictions that were fitted to other software: all prompts at once.

They judge a calibration on a device that it has not seen, the A100, and on engines of 2024. No coefficient is fitted to
them; how far off they are makes the intervals of what no serving was measured of (`spreads`).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from costmodel.calibration import Calibration, choose
from costmodel.catalog import Catalog, load_catalog
from costmodel.errors import ProfileError
from costmodel.models import ModelCatalog, load_models
from costmodel.points import Array, Demand, Point, demand, sequence_bytes, why_not_served
from costmodel.served_step import CHUNK_TOKENS, Coefficients, decode_parts, linear_s, prompt_seconds

DEVICES = {"Nvidia A100 GPU": "a100_40_sxm", "Nvidia H100 GPU": "h100_sxm"}
"""Of the A100 the file does not say how large it is. On one, 64 x 4,096 tokens of Llama 3 8B, 34 GB of KV beside 16 GB
of weights, take out of proportion long, as they do where 40 GB are full."""

MODELS = {"meta-llama/Meta-Llama-3-8B": "llama3.1-8b", "meta-llama/Meta-Llama-3-70B": "llama3.1-70b"}
"""Of the benchmark's models those whose shape the catalog has."""


FRAMEWORKS = {
    "vLLM": "vllm 2024",
    "TensorRT-LLM": "trtllm 2024",
    "llama.cpp": "llama.cpp 2024",
    "Deepspeed-MII": "deepspeed-mii 2024",
}
"""Engine and version by the benchmark's name of it; the file states no versions, so its year stands for them."""

_HEADER = {"hardware", "num_devices", "framework", "model", "input_output_length", "batch", "latency_s"}


@dataclass(frozen=True, slots=True)
class Batches:
    """[row] batches in 16 bits: `seconds` from the first prompt to the last token, as measured; `left` rows hold more
    than fits at once, or are of a model, device or framework that is not in the tables above. Each point names its
    engine."""

    points: tuple[Point, ...]
    frameworks: tuple[str, ...]
    seconds: Array
    left: int

    def select(self, chosen: Sequence[bool] | NDArray[np.bool_]) -> Batches:
        """The rows for which `chosen` holds."""
        kept = [index for index, each in enumerate(chosen) if each]
        points = tuple(self.points[index] for index in kept)
        return Batches(points, tuple(self.frameworks[index] for index in kept), self.seconds[kept], self.left)

    def and_those(self, others: Batches) -> Batches:
        """The rows of both; one that both have counts once."""
        mine = set(zip(self.points, self.seconds, strict=True))
        more = others.select([each not in mine for each in zip(others.points, others.seconds, strict=True)])
        points, frameworks = self.points + more.points, self.frameworks + more.frameworks
        return Batches(points, frameworks, np.concatenate((self.seconds, more.seconds)), self.left + more.left)

    def seen_as(self, view: Callable[[Point], Point]) -> Batches:
        """The same rows with `view` of each point, such as one that does not name the engine."""
        return replace(self, points=tuple(view(each) for each in self.points))


NO_BATCHES = Batches((), (), np.empty(0), 0)


def is_batches(path: Path) -> bool:
    """Whether the first line of a file is a header that `read_batches` understands."""
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        return set(next(csv.reader(lines), list[str]())) >= _HEADER


def read_batches(path: Path) -> Batches:
    """The rows of LLM-Inference-Bench whose model the catalog has and whose batch fits into memory at once.

    `input_output_length` tokens go in and as many come out; `concurrency` of a point is the batch. Raises ProfileError.
    """
    models, catalog = load_models(), load_catalog("default")
    points: list[Point] = []
    frameworks: list[str] = []
    seconds: list[float] = []
    left = 0
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in (rows := csv.DictReader(lines)):
            if row["model"] not in MODELS or row["hardware"] not in DEVICES or row["framework"] not in FRAMEWORKS:
                left += 1
                continue
            try:
                point, measured_s = _point(row, models, catalog), float(row["latency_s"])
            except (TypeError, ValueError) as error:
                raise ProfileError(
                    f"{path}:{rows.line_num}: a batch has numbers only ({error}); mend the row"
                ) from error
            if not _fits(point):
                left += 1
                continue
            points.append(point)
            frameworks.append(row["framework"])
            seconds.append(measured_s)
    return Batches(tuple(points), tuple(frameworks), np.array(seconds), left)


def _point(row: Mapping[str, str], models: ModelCatalog, catalog: Catalog) -> Point:
    return Point(
        models.model(MODELS[row["model"]]),
        catalog.device(DEVICES[row["hardware"]]),
        int(row["num_devices"]),
        "fp16",
        float(row["input_output_length"]),
        float(row["input_output_length"]),
        float(row["batch"]),
        None,
        FRAMEWORKS[row["framework"]],
    )


def batch_seconds(points: Sequence[Point], coefficients: Mapping[str, Coefficients]) -> Array:
    """[point] seconds: all prompts are read in chunks, then every sequence decodes at its mean context."""
    out = np.empty(len(points))
    chosen = [choose(coefficients, each) for each in points]
    for key in set(chosen):
        of = [index for index, each in enumerate(chosen) if each == key]
        out[of] = _seconds(demand([points[index] for index in of]), coefficients[key])
    return out


def inside(batches: Batches, fitted: Calibration) -> Array:
    """[row] 1 where the measurement lies in the 80 % interval of the time between tokens, which makes most of it."""
    steps = np.array([each.tokens_out for each in batches.points])
    predicted_s = batch_seconds(batches.points, fitted.coefficients) / steps
    ends = [
        fitted.spread_of("tpot", each).ends(float(token_s))
        for each, token_s in zip(batches.points, predicted_s, strict=True)
    ]
    return np.array([float(low <= at <= high) for (low, high), at in zip(ends, batches.seconds / steps, strict=True)])


def _fits(point: Point) -> bool:
    if why_not_served(point) is not None:
        return False
    units = demand([point])
    whole = sequence_bytes(units, units.tokens_in + units.tokens_out)
    return bool(point.concurrency * whole[0] <= units.free_bytes[0])


def _seconds(units: Demand, c: Coefficients) -> Array:
    batch = units.concurrency
    tokens, alone = batch * units.tokens_in, np.minimum(units.tokens_in, CHUNK_TOKENS)
    chunk = np.minimum(tokens, CHUNK_TOKENS)
    products_s = tokens / chunk * linear_s(units, c, chunk, batch * chunk / tokens)
    beside_s = prompt_seconds(units, c) - units.tokens_in / alone * linear_s(units, c, alone, np.ones_like(alone))
    step_s = np.sum(list(decode_parts(units, c, batch, units.tokens_in + units.tokens_out / 2).values()), axis=0)
    return products_s + batch * beside_s + units.tokens_out * step_s
