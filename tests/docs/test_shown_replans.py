"""What docs/replanning.md shows is what `replan` prints after the plans that the page makes first; times aside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.cli import invoke

SHOWN = re.compile(r"<!-- output: orchestrator (replan [^\n]*?) -->\n```text\n(.*?)\n?```", re.DOTALL)
MADE = re.compile(r"^    orchestrator (plan [^\n]*--out \S+)$", re.MULTILINE)
TIMED = re.compile(r"^planned in .*$", re.MULTILINE)


def test_replans_print_what_the_page_shows(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    page = (project / "docs/replanning.md").read_text(encoding="utf-8")
    for command in MADE.findall(page):
        assert invoke(_there(command, tmp_path)) == 0
    shown = SHOWN.findall(page)
    assert len(shown) == 4
    for command, text in shown:
        capsys.readouterr()
        assert invoke(_there(command, tmp_path)) == 0
        printed = TIMED.sub("planned", capsys.readouterr().out).rstrip()
        assert printed == TIMED.sub("planned", text).rstrip(), f"run `orchestrator {command}` and show what it prints"


def _there(command: str, folder: Path) -> list[str]:
    """The command with its own plans in a folder: they follow --out and --plan."""
    words = command.split()
    return [
        str(folder / word) if before in {"--out", "--plan"} else word
        for before, word in zip(["", *words[:-1]], words, strict=True)
    ]
