"""Physics for every entry of the catalogs, none drawn by chance: each text generator on each device that can hold it.

At the smallest and the largest degree of tensor parallelism that run, on 16 and on 8 bits; and each model that
generates no text likewise. `test_served.py` draws degrees, tokens and callers at random.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from costmodel.catalog import load_catalog
from costmodel.errors import CatalogError, CostError
from costmodel.estimate import estimate_model_run
from costmodel.hardware import Device
from costmodel.llm import kv_bytes, weight_bytes
from costmodel.model_run import RULES, Size, input_size, model_run_phases
from costmodel.models import Model, load_models
from costmodel.parallel import tensor_parallel_degrees
from costmodel.points import Point, demand, why_not_served
from costmodel.roofline import Efficiency, Estimate, kv_shards, step_coefficients, time
from costmodel.served import Served, predict_points
from costmodel.served_step import Coefficients, decode_parts
from costmodel.step import Engine, closed_loop, decode_step_s, prefill_s, touched_share

ALL = list(load_models().models.values())
GENERATORS = [each for each in ALL if each.is_text_generator]
TINY = 1 + 1e-9
SIZES = ((200, 100, 1), (6000, 40, 300))
"""Tokens in, tokens out and callers: one call alone, and long prompts that crowd memory."""

IDEAL = Efficiency(mfu=1.0, mbu=1.0, step_s=0.0)


@cache
def devices() -> tuple[Device, ...]:
    """All that can be costed; a catalog's row without memory (Telum II) cannot, and says so."""
    found: list[Device] = []
    for name in ("default", "paper-2025"):
        catalog = load_catalog(name)
        for id_ in catalog.ids:
            try:
                found.append(catalog.device(id_))
            except CatalogError:
                continue
    return tuple(found)


def degrees(model: Model, device: Device) -> tuple[int, ...]:
    return tensor_parallel_degrees(model, device, 64)


@cache
def points() -> tuple[Point, ...]:
    found: list[Point] = []
    for device, model, precision, (tokens_in, tokens_out, callers) in product(
        devices(), GENERATORS, ("fp16", "fp8"), SIZES
    ):
        row = [Point(model, device, tp, precision, tokens_in, tokens_out, callers) for tp in degrees(model, device)]
        runs = [each for each in row if why_not_served(each) is None]
        found += dict.fromkeys((runs[0], runs[-1])) if runs else ()
    return tuple(found)


@cache
def predictions() -> tuple[Served, ...]:
    return tuple(each for each in predict_points(points()) if isinstance(each, Served))


def pairs(change: Callable[[Point], Point]) -> list[tuple[Served, Served, Point]]:
    """(prediction, that of the changed point, point) wherever both run."""
    others = predict_points([change(each) for each in points()])
    rows = zip(predictions(), others, points(), strict=True)
    return [(one, other, point) for one, other, point in rows if isinstance(other, Served)]


def faster(device: Device, *, bandwidth: float = 1.0, flops: float = 1.0) -> Device:
    rates = {name: rate * flops for name, rate in device.flops_per_s.items()}
    return replace(device, mem_bytes_per_s=device.mem_bytes_per_s * bandwidth, flops_per_s=rates)


def named(found: Sequence[Point]) -> list[str]:
    return [f"{p.model.id} on {p.tp} x {p.device.id} in {p.precision}, {p.concurrency:g} callers" for p in found]


def test_every_model_and_every_device_is_there() -> None:
    assert {each.model.id for each in points()} == {each.id for each in GENERATORS}
    assert {each.device for each in points()} == set(devices())
    assert len(predictions()) == len(points())
    assert set(load_catalog("default").ids) - {each.id for each in devices()} == {"telum2_z17"}


@pytest.mark.parametrize(
    "change",
    [
        lambda p: replace(p, tokens_in=p.tokens_in * 1.5),
        lambda p: replace(p, tokens_out=p.tokens_out * 2),
    ],
    ids=["tokens in", "tokens out"],
)
def test_more_tokens_never_take_less_time(change: Callable[[Point], Point]) -> None:
    found = pairs(change)
    assert len(found) > len(points()) / 2
    assert not named([p for one, more, p in found if more.e2e_s.value * TINY < one.e2e_s.value])


def test_more_callers_never_wait_less() -> None:
    found = pairs(lambda p: replace(p, concurrency=p.concurrency * 2))
    assert len(found) == len(points())
    for name in ("tpot_s", "ttft_s", "e2e_s"):
        assert not named([p for one, more, p in found if getattr(more, name).value * TINY < getattr(one, name).value])


@pytest.mark.parametrize("rates", [{"bandwidth": 1.7}, {"flops": 1.7}], ids=["bandwidth", "FLOPs"])
def test_faster_hardware_is_never_slower(rates: dict[str, float]) -> None:
    found = pairs(lambda p: replace(p, device=faster(p.device, **rates)))
    assert len(found) == len(points())
    for name in ("tpot_s", "ttft_s", "e2e_s"):
        assert not named(
            [p for one, fast, p in found if getattr(fast, name).value > getattr(one, name).value * TINY]
        ), name


def test_nothing_is_faster_than_the_roofline() -> None:
    for point, found in zip(points(), predictions(), strict=True):
        assert found.tpot_s.value * TINY >= found.bound_tpot_s, named([point])
        assert found.ttft_s.value * TINY >= found.bound_ttft_s, named([point])
        assert found.tpot_s.low >= found.bound_tpot_s, named([point])
        assert found.ttft_s.low >= found.bound_ttft_s, named([point])


def test_the_bound_is_no_faster_than_its_terms() -> None:
    """The bound by another way: `step.py` at the datasheet's rates, which has attention and all-reduces besides."""
    for point, found in zip(points(), predictions(), strict=True):
        c = step_coefficients(point.model, point.device, point.tp, point.precision, point.kv, efficiency=IDEAL)
        tokens, batch = point.tokens_in, found.batch
        linear_s = tokens * c.token_s + c.head_s
        weights_s = [c.weights_s + c.experts_s * touched_share(c.expert_share, each) for each in (tokens, batch)]
        reach = min(tokens, c.window_tokens)
        kv_s = batch * (tokens * c.kv_s + reach * c.window_kv_s + c.state_s)
        assert found.bound_ttft_s == pytest.approx(max(linear_s, weights_s[0])), named([point])
        step_s = max(batch * (c.token_s + c.head_s), weights_s[1] + kv_s)
        assert found.bound_tpot_s == pytest.approx(step_s), named([point])
        assert prefill_s(c, tokens) * TINY >= found.bound_ttft_s, named([point])
        assert decode_step_s(c, batch, tokens) * TINY >= found.bound_tpot_s, named([point])


def test_the_batch_never_exceeds_memory() -> None:
    for point, found in zip(points(), predictions(), strict=True):
        context = point.tokens_in + point.tokens_out / 2
        kv = found.batch * kv_bytes(point.model, context, point.kv) / kv_shards(point.model, point.device, point.tp)
        assert weight_bytes(point.model, point.precision) / point.tp + kv <= point.device.mem_bytes, named([point])
        assert found.batch <= point.concurrency, named([point])


def test_tensor_parallel_splits_conserve_bytes_and_flops() -> None:
    """tp shares of the products make the whole; of what is read of KV, the whole for each copy of its heads."""
    batch, context = np.array([8.0]), np.array([600.0])
    for device, model, precision in product(devices(), GENERATORS, ("fp16", "fp8")):
        alone = Point(model, device, 1, precision, 500, 200, 8)
        whole = decode_parts(demand([alone]), Coefficients(), batch, context)
        one = step_coefficients(model, device, 1, precision)
        for tp in degrees(model, device):
            point = replace(alone, tp=tp)
            part = decode_parts(demand([point]), Coefficients(), batch, context)
            assert tp * part["linear layers"] == pytest.approx(whole["linear layers"]), named([point])
            split, copies = step_coefficients(model, device, tp, precision), tp / kv_shards(model, device, tp)
            assert copies >= 1, named([point])
            for name in ("weights_s", "experts_s", "token_s", "head_s", "pair_s", "prefill_pair_s", "window_pair_s"):
                assert tp * getattr(split, name) == pytest.approx(getattr(one, name)), named([point])
            for name in ("kv_s", "window_kv_s", "state_s"):
                assert tp * getattr(split, name) == pytest.approx(copies * getattr(one, name)), named([point])


def test_the_steps_that_plans_are_priced_with_obey_too() -> None:
    for point in points():
        now, wide, quick = (
            step_coefficients(point.model, device, point.tp, point.precision)
            for device in (point.device, faster(point.device, bandwidth=1.7), faster(point.device, flops=1.7))
        )
        base = closed_loop(now, Engine(), 800, 200, 8)
        for tokens_in, tokens_out, callers in ((1200, 200, 8), (800, 400, 8), (800, 200, 16)):
            assert closed_loop(now, Engine(), tokens_in, tokens_out, callers).e2e_s * TINY >= base.e2e_s, named([point])
        for better in (wide, quick):
            assert closed_loop(better, Engine(), 800, 200, 8).e2e_s <= base.e2e_s * TINY, named([point])


OTHERS = [
    (each, unit) for each in ALL if not each.is_text_generator for modality, unit in RULES if modality == each.modality
]


@pytest.mark.parametrize(("model", "unit"), OTHERS, ids=[f"{model.id} by {unit}" for model, unit in OTHERS])
def test_models_that_generate_no_text_obey_on_every_device(model: Model, unit: str) -> None:
    runs = 0
    for device in devices():
        if device.id.startswith("spyre"):
            continue  # its compiled sizes and batches have rules of their own: test_spyre_estimate.py

        def seconds(amount: float, batch: int, on: Device, model: Model = model, unit: str = unit) -> Estimate:
            return estimate_model_run(model, on, 1, "fp16", batch, **{unit: amount})

        try:
            base = seconds(6, 2, device)
        except CostError:
            assert weight_bytes(model, "fp16") > 0.5 * device.mem_bytes, device.id
            continue
        runs += 1
        assert seconds(9, 2, device).latency_s * TINY >= base.latency_s, device.id
        assert seconds(6, 4, device).latency_s * TINY >= base.latency_s, device.id
        for better in (faster(device, bandwidth=1.7), faster(device, flops=1.7)):
            assert seconds(6, 2, better).latency_s <= base.latency_s * TINY, device.id
        for phase in model_run_phases(model, input_size_of(model, unit), batch=2):
            ideal = time(phase.work, device, 1, "fp16", model=model, efficiency=IDEAL)
            assert ideal.latency_s <= base.latency_s, f"{device.id} {phase.name}"
            assert ideal.latency_s * TINY >= phase.work.flops / device.flops_per_s["fp16"], device.id
    assert runs >= 20


def input_size_of(model: Model, unit: str) -> Size:
    sizes: dict[str, float | None] = dict.fromkeys(("audio_s", "tokens", "images"))
    return input_size(model, **{**sizes, unit: 6.0})
