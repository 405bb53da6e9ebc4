"""`orchestrator reproduce`: what it prints and writes."""

from pathlib import Path

import pytest

from orchestrator.cli import invoke
from orchestrator.commands.reproduce import What
from orchestrator.reproduction import drawing
from orchestrator.reproduction.write import ALL, PAGES


def test_the_items_are_the_pages() -> None:
    assert [each.value for each in What] == [*PAGES, ALL]


def test_an_item_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["reproduce", "table5", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "H100 is the exception" in printed
    assert f"wrote 2 files to {tmp_path}" in printed
    assert (tmp_path / "table5.md").is_file()


def test_without_matplotlib_it_says_how_to_get_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "can_draw", lambda: False)
    assert invoke(["reproduce", "figure4", "--out", str(tmp_path)]) == 0
    assert "pip install '.[figures]'" in capsys.readouterr().err


def test_an_unknown_item_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["reproduce", "figure5"]) == 1
    assert "worked-example" in capsys.readouterr().err
