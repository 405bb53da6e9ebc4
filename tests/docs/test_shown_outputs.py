"""What the pages show of `orchestrator plan` is what it prints; times of the planner itself aside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from orchestrator.cli import invoke

PAGES = ("README.md", "docs/getting-started.md", "docs/provisioned.md", "docs/reasons.md", "docs/aims.md")
SHOWN = re.compile(r"<!-- output: orchestrator (plan [^\n]*?) -->\n```text\n(.*?)\n```", re.DOTALL)
LINES = re.compile(r"<!-- lines: orchestrator (plan [^\n]*?) -->\n```text\n(.*?)\n```", re.DOTALL)
REFUSED = re.compile(r"<!-- infeasible: orchestrator (plan [^\n]*?) -->\n```text\n(.*?)\n```", re.DOTALL)
NUMBER = re.compile(r"\d+(\.\d+)?")
TIMED = re.compile(r"^planned in .*$", re.MULTILINE)


def shown(project: Path) -> Iterator[tuple[str, str, str]]:
    for page in PAGES:
        for command, text in SHOWN.findall((project / page).read_text(encoding="utf-8")):
            yield page, command, text


def test_every_page_shows_a_plan(project: Path) -> None:
    assert {page for page, _, _ in shown(project)} == set(PAGES)


def test_plans_print_what_the_pages_show(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    for page, command, text in shown(project):
        assert invoke(command.split()) == 0
        printed = TIMED.sub("planned", capsys.readouterr().out).rstrip().splitlines()
        expected = TIMED.sub("planned", text).splitlines()
        if expected[-1] == "...":
            expected = expected[:-1]
        if expected[0] == "...":
            expected = expected[1:]
            printed = printed[printed.index(expected[0]) :] if expected[0] in printed else printed
        assert printed[: len(expected)] == expected, f"{page}: run `orchestrator {command}` and show what it prints"


def test_loads_without_a_plan_print_what_the_page_shows(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    refused = REFUSED.findall((project / "docs/provisioned.md").read_text(encoding="utf-8"))
    assert refused
    for command, text in refused:
        assert invoke(command.split()) == 2
        shown = text.splitlines()
        printed = capsys.readouterr().out.splitlines()[: len(shown)]
        assert printed[:2] == shown[:2]
        # A search that a busy machine cuts short finds larger changes.
        assert [NUMBER.sub("N", line) for line in printed] == [NUMBER.sub("N", line) for line in shown]


def test_files_that_a_page_shows_are_the_examples(project: Path) -> None:
    page = (project / "docs/reasons.md").read_text(encoding="utf-8")
    shown_files = re.findall(r"```yaml\n# (examples/[\w/.]+)[^\n]*\n(.*?)```", page, re.DOTALL)
    assert len(shown_files) == 2
    for name, text in shown_files:
        assert yaml.safe_load(text) == yaml.safe_load((project / name).read_text(encoding="utf-8"))


def test_plans_print_every_line_that_the_page_shows(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    pages = [(project / page).read_text(encoding="utf-8") for page in ("docs/provisioned.md", "docs/fleets.md")]
    parts = [part for page in pages for part in LINES.findall(page)]
    assert len(parts) > len(pages)
    for command, text in parts:
        assert invoke(command.split()) == 0
        printed = capsys.readouterr().out.splitlines()
        assert [line for line in text.splitlines() if line not in printed] == [], f"run `orchestrator {command}`"
