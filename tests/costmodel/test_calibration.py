"""Calibrations: the shipped one, the document and back, and which coefficients a point takes."""

from pathlib import Path

import pytest

from costmodel.calibration import Spread, choose, hull, keys, load_calibration, to_yaml
from costmodel.catalog import load_catalog
from costmodel.errors import ProfileError
from costmodel.models import load_models
from costmodel.points import Point

SHIPPED = load_calibration()


def point(engine: str | None = None, device: str = "h100_sxm", model: str = "llama3.1-8b") -> Point:
    catalog, models = load_catalog("default"), load_models()
    return Point(models.model(model), catalog.device(device), 1, "fp16", 1024, 256, 16, None, engine)


def test_the_shipped_calibration_says_what_it_was_fitted_on() -> None:
    assert SHIPPED.fitted_on
    assert SHIPPED.date >= "2026"
    assert set(SHIPPED.devices) == {"h100_sxm", "h200_sxm"}
    assert {each.phase for each in SHIPPED.errors} == {"ttft", "tpot"}
    assert sum(each.rows for each in SHIPPED.errors if each.phase == "tpot") == 750


def test_the_farther_a_point_is_from_the_data_the_wider_its_spread() -> None:
    chains = (
        ("known", "unseen model", "unseen device", "unlike device"),
        ("known engine", "named engine", "unseen version", "unseen engine"),
    )
    for spreads in SHIPPED.spread.values():
        for chain in chains:
            ends = [spreads[name].ends(0.01) for name in chain]
            widths = [high / low for low, high in ends]
            assert widths == sorted(widths)
            assert widths[-1] > widths[0]


def test_a_device_without_servings_may_have_an_engine_that_takes_milliseconds_more_for_a_step() -> None:
    found = SHIPPED.spread["tpot"]
    assert found["known"].more_s == found["unseen model"].more_s == 0
    assert 0.0005 < found["unseen version"].more_s < 0.003
    assert 0.0005 < found["unseen device"].more_s < found["unlike device"].more_s < 0.005


def test_the_ends_of_a_spread_by_hand() -> None:
    # 0.8 x 10 ms, and 1.2 x 10 + 3 ms
    assert Spread(0.8, 1.2, 0.003).ends(0.01) == pytest.approx((0.008, 0.015))
    assert hull(Spread(0.8, 1.2, 0.003), Spread(0.7, 1.1)) == Spread(0.7, 1.2, 0.003)


def test_the_document_and_back(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(to_yaml(SHIPPED), encoding="utf-8")
    assert load_calibration(path) == SHIPPED


def test_a_point_takes_the_coefficients_nearest_to_it() -> None:
    found = {"any": None, "device:h100_sxm": None, "engine:vllm": None, "engine:vllm 0.12.0": None}
    assert keys(point("vllm 0.12.0")) == ("engine:vllm 0.12.0", "engine:vllm", "device:h100_sxm")
    assert choose(found, point("vllm 0.12.0")) == "engine:vllm 0.12.0"  # pyright: ignore[reportArgumentType]
    assert choose(found, point("vllm 9")) == "engine:vllm"  # pyright: ignore[reportArgumentType]
    assert choose(found, point("other 1")) == "device:h100_sxm"  # pyright: ignore[reportArgumentType]
    assert choose(found, point(device="b200_sxm")) == "any"  # pyright: ignore[reportArgumentType]


def test_situations_and_what_is_extrapolated() -> None:
    assert SHIPPED.situation(point()) == "known"
    assert SHIPPED.situation(point("trtllm 1.0.0rc3")) == "known engine"
    assert SHIPPED.situation(point("vllm")) == "named engine"
    assert SHIPPED.situation(point("vllm 2024")) == "unseen version"
    assert SHIPPED.situation(point("another")) == "unseen engine"
    assert SHIPPED.situation(point("vllm 2024", model="qwen3-8b")) == "unseen version, unseen model"
    assert SHIPPED.situation(point("vllm 2024", device="l40s")) == "unseen device, unseen version"
    assert SHIPPED.situation(point(model="qwen3-8b")) == "unseen model"
    assert SHIPPED.situation(point(device="l40s")) == "unseen device"
    assert SHIPPED.situation(point(device="mi300x")) == "unlike device"
    assert SHIPPED.extrapolations(point()) == ()
    assert SHIPPED.extrapolations(point(model="qwen3-8b")) == ("no serving of qwen3-8b was measured",)
    (note,) = SHIPPED.extrapolations(point("vllm 2024"))
    assert note.startswith("no serving under vllm 2024 was measured, only under sglang, sglang 0.5.1.post1")


def test_a_point_far_in_two_ways_has_the_wider_interval_of_both() -> None:
    both, device, version = (
        SHIPPED.spread_of("tpot", each)
        for each in (point("vllm 2024", "l40s"), point(None, "l40s"), point("vllm 2024"))
    )
    assert both == hull(device, version)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("kind: serving calibration", "kind: something", "kind is 'something'"),
        ("weights_share: 0.8", "weights_share: 1.8", "shares are in"),
        ("weights_share:", "unknown_share:", "unexpected keyword"),
        ("  any:", "  none:", "coefficients lack 'any'"),
        ("    known: [", "    other: [", "the spread of ttft lacks known"),
    ],
)
def test_a_document_that_is_no_calibration(tmp_path: Path, old: str, new: str, reason: str) -> None:
    text = to_yaml(SHIPPED)
    assert old in text
    path = tmp_path / "profile.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ProfileError, match=reason):
        load_calibration(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load_calibration(tmp_path / "none.yaml")
