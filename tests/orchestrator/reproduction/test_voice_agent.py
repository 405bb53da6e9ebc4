"""The claim about the voice agent is the planner's answer."""

from pathlib import Path

import pytest

from orchestrator.reproduction.voice_agent import overall, verdicts


def test_it_is_tested_under_three_cost_bases(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    found = verdicts()
    assert len(found) == 3
    assert str(overall(found)).endswith(f"({sum(said == 'it holds' for said in found.values())} of 3)")


def test_elsewhere_it_is_not_tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert verdicts() == {}
    assert overall({}) is None


def test_words() -> None:
    assert str(overall({"under a": "it holds", "under b": "it does not hold: x"})) == "holds under a (1 of 2)"
    assert str(overall({"under a": "it does not hold: x"})) == "does not hold (0 of 1)"
    assert str(overall({"under a": "it holds"})) == "holds (1 of 1)"
