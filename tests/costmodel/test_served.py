"""Served points: what callers see, within physics, for every model and device of the catalog."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.catalog import load_catalog
from costmodel.errors import CatalogError, CostError
from costmodel.hardware import Device
from costmodel.models import load_models
from costmodel.points import Point, why_not_served
from costmodel.served import Served, Unserved, predict_point, predict_points

CATALOG, MODELS = load_catalog("default"), load_models()
GENERATORS = [each for each in MODELS.models.values() if each.is_text_generator]


def devices() -> list[Device]:
    found: list[Device] = []
    for id_ in CATALOG.ids:
        try:
            found.append(CATALOG.device(id_))
        except CatalogError:
            continue
    return found


DEVICES = devices()


def served(**changes: object) -> Served:
    point = {
        "model": MODELS.model("llama3.1-70b"),
        "device": CATALOG.device("h100_sxm"),
        "tp": 4,
        "precision": "fp8",
        "tokens_in": 1024,
        "tokens_out": 256,
        "concurrency": 16,
    }
    return predict_point(**(point | changes))  # pyright: ignore[reportArgumentType]


def test_every_value_lies_in_its_interval_and_above_its_bound() -> None:
    found = served()
    for each in (found.ttft_s, found.tpot_s, found.e2e_s, found.tokens_per_s):
        assert each.low < each.value < each.high
    assert found.ttft_s.low >= found.bound_ttft_s
    assert found.tpot_s.low >= found.bound_tpot_s
    assert found.tokens_per_s.high <= found.bound_tokens_per_s


def test_parts_add_up_to_the_time_between_tokens() -> None:
    found = served()
    assert sum(found.parts.values()) == pytest.approx(found.tpot_s.value)


def test_tokens_per_second_follow_from_the_time_of_a_call() -> None:
    # 16 callers, each 256 tokens in every e2e_s seconds.
    found = served()
    assert found.e2e_s.value == pytest.approx(found.ttft_s.value + 255 * found.tpot_s.value)
    assert found.tokens_per_s.value == pytest.approx(16 * 256 / found.e2e_s.value)


def test_callers_beyond_memory_wait_for_their_turn() -> None:
    few, many = served(tp=2, tokens_in=8192, concurrency=16), served(tp=2, tokens_in=8192, concurrency=512)
    assert few.batch == 16
    assert 16 < many.batch < 512
    assert many.ttft_s.value > 512 / many.batch * few.ttft_s.value


def test_the_wait_for_a_place_is_as_uncertain_as_a_stay_and_not_as_a_first_token() -> None:
    # Far beyond memory almost all of a call's time is that of calls before it, which is mostly tokens.
    many = served(tp=2, tokens_in=1024, concurrency=32768)
    assert many.batch < 4000
    token = many.tpot_s
    assert many.tokens_per_s.value / many.tokens_per_s.low < 1.5 * token.high / token.value
    assert many.ttft_s.high / many.ttft_s.value < 1.5 * token.high / token.value


def test_a_device_without_data_has_a_wider_interval_and_says_so() -> None:
    near, far, strange = served(), served(device=CATALOG.device("b200_sxm")), served(device=CATALOG.device("mi300x"))
    widths = [each.tpot_s.high / each.tpot_s.low for each in (near, far, strange)]
    assert widths == sorted(widths)
    assert near.extrapolated == ()
    assert near.situation == "known"
    assert "no serving on b200_sxm was measured" in far.extrapolated[0]
    assert far.situation == "unseen device"
    assert strange.situation == "unlike device"


def test_an_input_beyond_the_measured_range_is_flagged() -> None:
    assert "tokens_in 100000 is outside 1000 to 8192" in served(tokens_in=100_000).extrapolated[0]


def test_the_engine_selects_its_own_coefficients() -> None:
    assert served().basis == "device:h100_sxm"
    assert served(engine="vllm").basis == "engine:vllm"
    assert served(engine="vllm 0.12.0").basis == "engine:vllm 0.12.0"
    assert served(engine="another 1.0").basis == "device:h100_sxm"
    assert served(device=CATALOG.device("b200_sxm")).basis == "any"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tp": 1, "tokens_in": 20_000}, "leaves 1.4 GB on each of 1 x h100_sxm"),
        ({"tp": 16}, "above the scale-up domain"),
        ({"tokens_in": 200_000}, "takes at most 131,072 tokens"),
        ({"concurrency": 0}, "at least 1"),
        ({"precision": "fp3"}, "a precision is one of"),
        ({"model": MODELS.model("whisper-large-v3")}, "generates no text"),
    ],
)
def test_a_point_that_cannot_run_says_why(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(CostError, match=reason):
        served(**changes)


def test_one_point_that_cannot_run_does_not_stop_the_others() -> None:
    good = Point(MODELS.model("llama3.1-8b"), CATALOG.device("h100_sxm"), 1, "fp16", 512, 64, 4)
    bad = Point(MODELS.model("llama3.1-405b"), CATALOG.device("t4"), 1, "fp16", 512, 64, 4)
    first, second, third = predict_points([good, bad, good])
    assert isinstance(second, Unserved)
    assert first == third


def test_ten_thousand_points_take_less_than_five_seconds() -> None:
    model, device = MODELS.model("llama3.1-70b"), CATALOG.device("h200_sxm")
    points = [
        Point(model, device, 8, "fp8", 100 + each % 4000, 50 + each % 700, 1 + each % 64) for each in range(10_000)
    ]
    start = time.perf_counter()
    assert all(isinstance(each, Served) for each in predict_points(points))
    assert time.perf_counter() - start < 5


@st.composite
def points(draw: st.DrawFn) -> Point:
    """Any model of the catalog that generates text on any device, as far as that can run."""
    model, device = draw(st.sampled_from(GENERATORS)), draw(st.sampled_from(DEVICES))
    limit = model.max_ctx_tokens or 131_072
    tokens_in = draw(st.integers(1, limit // 4))
    return Point(
        model,
        device,
        draw(st.sampled_from([1, 2, 4, 8, 64])),
        draw(st.sampled_from(["fp16", "fp8", "fp4"])),
        tokens_in,
        draw(st.integers(1, limit // 4)),
        draw(st.integers(1, 1000)),
    )


def one(point: Point) -> Served | None:
    found = predict_points([point])[0]
    return found if isinstance(found, Served) else None


TINY = 1 + 1e-9


@given(points())
def test_nothing_is_faster_than_the_roofline(point: Point) -> None:
    found = one(point)
    if found is not None:
        assert found.tpot_s.low >= found.bound_tpot_s
        assert found.ttft_s.low >= found.bound_ttft_s
        assert found.tpot_s.value * TINY >= found.bound_tpot_s
        assert found.ttft_s.value * TINY >= found.bound_ttft_s


def changed(point: Point, **changes: object) -> Point:
    from dataclasses import replace

    return replace(point, **changes)  # pyright: ignore[reportArgumentType]


@given(points(), st.integers(1, 5000))
def test_more_tokens_never_take_less_time(point: Point, more: int) -> None:
    found = one(point)
    for name in ("tokens_in", "tokens_out"):
        longer = one(changed(point, **{name: getattr(point, name) + more}))
        if found is not None and longer is not None:
            assert longer.e2e_s.value * TINY >= found.e2e_s.value, name


@given(points(), st.integers(1, 500))
def test_more_callers_never_wait_less(point: Point, more: int) -> None:
    found, crowded = one(point), one(changed(point, concurrency=point.concurrency + more))
    if found is not None and crowded is not None:
        assert crowded.tpot_s.value * TINY >= found.tpot_s.value
        assert crowded.ttft_s.value * TINY >= found.ttft_s.value


@given(points(), st.floats(1.01, 4))
def test_faster_hardware_is_never_slower(point: Point, factor: float) -> None:
    found = one(point)
    rates = {name: rate * factor for name, rate in point.device.flops_per_s.items()}
    for change in ({"mem_bytes_per_s": point.device.mem_bytes_per_s * factor}, {"flops_per_s": rates}):
        faster = one(changed(point, device=changed_device(point.device, change)))
        if found is not None and faster is not None:
            assert faster.tpot_s.value <= found.tpot_s.value * TINY
            assert faster.ttft_s.value <= found.ttft_s.value * TINY


def changed_device(device: Device, changes: dict[str, object]) -> Device:
    from dataclasses import replace

    return replace(device, **changes)  # pyright: ignore[reportArgumentType]


@given(points())
def test_the_batch_never_exceeds_memory(point: Point) -> None:
    from costmodel.llm import kv_bytes, weight_bytes
    from costmodel.roofline import kv_shards

    found = one(point)
    if found is not None:
        held = found.batch * kv_bytes(point.model, point.tokens_in + point.tokens_out / 2, point.kv)
        used = weight_bytes(point.model, point.precision) / point.tp
        used += held / kv_shards(point.model, point.device, point.tp)
        assert used <= point.device.mem_bytes
        assert found.batch <= point.concurrency


def test_the_generators_cover_the_catalog() -> None:
    assert len(GENERATORS) >= 15
    assert len(DEVICES) >= 28
    runs = {
        (model.id, device.id)
        for model in GENERATORS
        for device in DEVICES
        for tp in (1, 2, 4, 8, 64)
        if why_not_served(Point(model, device, tp, "fp8", 512, 64, 1)) is None
    }
    assert {device for _, device in runs} >= {each.id for each in DEVICES if each.kind != "cpu"} - {"t4"}
