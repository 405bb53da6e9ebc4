from pathlib import Path

import pytest

from costmodel.errors import FleetError
from costmodel.yaml_text import MAX_BYTES, read_yaml


def written(folder: Path, text: str) -> Path:
    path = folder / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_and_item_has_its_line(tmp_path: Path) -> None:
    text = read_yaml(written(tmp_path, "name: x\ndevices:\n  - class: a\n    count: 1\n  - class: b\n"))
    assert text.value == {"name": "x", "devices": [{"class": "a", "count": 1}, {"class": "b"}]}
    assert text.line(("devices", 0, "count")) == 4
    assert text.line(("devices", 1)) == 5
    assert text.line(("devices", 1, "absent")) == 5
    assert text.line(("absent",)) == 1
    assert text.is_mapping


@pytest.mark.parametrize(
    ("number", "value"), [("50e9", 50e9), ("1e-6", 1e-6), ("-2.5E3", -2500.0), ("7", 7), ("0.4", 0.4)]
)
def test_exponents_are_numbers(tmp_path: Path, number: str, value: float) -> None:
    assert read_yaml(written(tmp_path, f"x: {number}\n")).value == {"x": value}


def test_words_with_an_e_stay_text(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, "x: 1e9g\ny: e9\n")).value == {"x": "1e9g", "y": "e9"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nname: y\n", "fleet.yaml:2: the key 'name' stands twice"),
        ("name: [x\n", "fleet.yaml:2: not YAML"),
        ("a: b: c\n", "fleet.yaml:1: not YAML: mapping values are not allowed here"),
        ("a: &x [1]\nb: *x\n", "aliases .* are not allowed"),
        ("a: &x\n  b: *x\n", "aliases .* are not allowed"),
        ("a: 1\n---\nb: 2\n", "not YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "not a plain YAML value"),
        ("a: !!timestamp 2025-13-45\n", "not a plain YAML value"),
        ("? [a]\n: 1\n", "not a plain YAML value"),
        ("a: \x07\n", "not YAML"),
        ("a: " + "[" * 40 + "]" * 40, "nested more than 20 deep"),
        ("a: " + "[" * 5000, "not YAML"),
    ],
)
def test_what_would_be_misread_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FleetError, match=message):
        read_yaml(written(tmp_path, text))


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="the fleet file cannot be read"):
        read_yaml(tmp_path / "absent.yaml")
    with pytest.raises(FleetError, match="the fleet file cannot be read"):
        read_yaml(tmp_path)
    (tmp_path / "fleet.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(FleetError, match="UTF-8"):
        read_yaml(tmp_path / "fleet.yaml")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="at most"):
        read_yaml(written(tmp_path, "#" * (MAX_BYTES + 1)))


def test_an_empty_file_is_no_mapping(tmp_path: Path) -> None:
    text = read_yaml(written(tmp_path, ""))
    assert (text.value, text.is_mapping) == (None, False)
