"""`orchestrator doctor`: exit code 1 exactly when something needed is missing."""

from pathlib import Path

import pytest

from orchestrator.cli import invoke


def test_all_is_well(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(project)
    assert invoke(["doctor", "--port", "0"]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith("everything needed is here\n")
    for fleet in ("hp-co", "mixed", "paper-2025"):
        assert f"ok      fleet examples/fleets/{fleet}.yaml: " in shown


def test_something_needed_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["doctor", "--port", "0", "--fleet", str(tmp_path / "absent.yaml")]) == 1
    shown = capsys.readouterr().out
    assert f"MISSING fleet {tmp_path / 'absent.yaml'}: " in shown
    assert "        -> correct the file" in shown
    assert shown.endswith("1 needed thing is missing\n")
