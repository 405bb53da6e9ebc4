"""What attention apart from its weights would cost per token where both halves are paid for by the hour.

One engine holds devices of both halves and rotates two batches between them, so that no call of another engine waits
for either: the best case for shared pools. Links are taken to need no time.
"""

import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from costmodel.errors import CostError
from costmodel.estimate import estimate_llm, fits, tensor_parallel_degrees
from costmodel.fleet import DeviceClass, Fleet, load_fleet
from costmodel.llm import kv_bytes
from costmodel.memory import MARGIN
from costmodel.models import Model, load_models
from costmodel.part import Half, estimate_half, part_fits
from costmodel.tco import price

BATCHES = tuple(2**power for power in range(11))

Shape = tuple[Model, int, int]


@pytest.fixture(scope="module")
def fleet(project: Path) -> Fleet:
    return load_fleet(project / "examples/fleets/provisioned.yaml")


@pytest.fixture(scope="module")
def classes(fleet: Fleet) -> list[DeviceClass]:
    accelerators = [each for each in fleet.classes if each.device is not None and each.device.kind != "cpu"]
    return [each for each in accelerators if not each.id.startswith("spyre")]


def whole(shape: Shape, classes: list[DeviceClass], fleet: Fleet) -> Iterator[float]:
    """Dollars of a million tokens of a decode as it is offered."""
    model, tokens_in, tokens_out = shape
    for each in classes:
        assert each.device is not None
        for tp, batch in product(tensor_parallel_degrees(model, each.device, each.count), BATCHES):
            if fits(model, each.device, tp, "fp16", batch, tokens_in + tokens_out).ok:
                found = estimate_llm(model, "decode", each.device, tp, "fp16", batch, tokens_in, tokens_out)
                yield tp * price(each, fleet).usd_per_hour / 3.6 * found.latency_s / tokens_out / batch * 1e3


def half_s(shape: Shape, half: Half, each: DeviceClass, tp: int, batch: int) -> float:
    """Seconds of a step of one half; endless where it cannot run."""
    model, tokens_in, tokens_out = shape
    assert each.device is not None
    try:
        return estimate_half(model, half, each.device, tp, "fp16", batch, tokens_in, tokens_out).latency_s / tokens_out
    except CostError:
        return math.inf


def rotating(shape: Shape, classes: list[DeviceClass], fleet: Fleet, most_usd: float) -> Iterator[float]:
    """The same of engines of at most so many dollars an hour, with one group of linear devices and n of attention: two
    batches of b take 2 max(linear, attention / n) for a token of each, and their KV lies on the n."""
    model, tokens_in, tokens_out = shape
    for linear, attention, batch in product(classes, classes, BATCHES):
        assert linear.device is not None
        assert attention.device is not None
        attention_s = half_s(shape, "attention", attention, 1, 1) * batch
        kv = 2 * batch * kv_bytes(model, tokens_in + tokens_out)
        least = max(1, math.ceil(kv / (MARGIN * attention.device.mem_bytes)))
        for tp in tensor_parallel_degrees(model, linear.device, linear.count):
            linear_s = half_s(shape, "linear", linear, tp, batch)
            if not part_fits(model, "linear", linear.device, tp, "fp16", batch, 0).ok or math.isinf(linear_s):
                continue
            prices = [price(each, fleet).usd_per_hour for each in (linear, attention)]
            for count in range(least, math.ceil((most_usd - tp * prices[0]) / prices[1])):
                step_s = max(linear_s, attention_s / count)
                yield (tp * prices[0] + count * prices[1]) / 3.6 * step_s / batch * 1e3


@pytest.mark.parametrize(
    ("name", "tokens_in", "ratios"),
    [
        ("llama3.1-8b", 2000, (0.99, 0.93, 0.93)),
        ("llama3.1-8b", 8000, (1.00, 0.85, 0.81)),
        ("qwen3-32b", 8000, (1.50, 0.91, 0.76)),
    ],
)
def test_engines_of_two_halves_pay_off_only_when_they_are_large(
    name: str, tokens_in: int, ratios: tuple[float, ...], classes: list[DeviceClass], fleet: Fleet
) -> None:
    shape = load_models().model(name), tokens_in, 300
    best = min(whole(shape, classes, fleet))
    found = [min(rotating(shape, classes, fleet, most_usd)) / best for most_usd in (3.0, 6.0, 30.0)]
    assert found == pytest.approx(ratios, abs=0.01)
