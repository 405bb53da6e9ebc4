"""The file of today's placement: what it may say, and what is wrong with other files."""

from __future__ import annotations

from pathlib import Path

import pytest

from placement.today import Rule, TodayError
from placement.today_document import PARTS, load_today


def test_a_place_alone_or_with_replicas(tmp_path: Path) -> None:
    path = tmp_path / "today.yaml"
    path.write_text(
        "name: racks\noperators:\n  converse.*: h100_sxm\nagents:\n  voice_agent:\n    operators:\n"
        "      speak: {place: a40/kokoro-82m, replicas: 2}\n"
    )
    found = load_today(path)
    assert found.name == "racks"
    assert found.of("other") == (Rule("converse.*", "h100_sxm", None, f"{path}:3"),)
    assert found.of("voice_agent")[0] == Rule("speak", "a40/kokoro-82m", 2, f"{path}:7")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("operators: {a: {at: hp}}", ":1: operators.a.at"),
        ("operators: {a: {place: hp, replicas: 0}}", ":1: operators.a.replicas: Input should be greater than"),
        ("operators: {a: 3}", ":1: operators.a: "),
        ("name: x", "no operator is placed; write operators:"),
        ("- a", "write name, operators (operator: place)"),
    ],
)
def test_mistakes_name_line_key_and_remedy(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "today.yaml"
    path.write_text(text)
    with pytest.raises(TodayError) as caught:
        load_today(path)
    assert told in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(TodayError, match="cannot be read"):
        load_today("nowhere.yaml")


def test_the_page_names_every_key(project: Path) -> None:
    page = (project / "docs/reasons.md").read_text(encoding="utf-8")
    keys = {key for part in PARTS for key in part.model_fields}
    assert [key for key in keys if f"`{key}`" not in page] == []
