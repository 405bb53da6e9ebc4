"""docs/patterns.md shows each pattern's graph as the command that stands beside it prints it today."""

import re
from pathlib import Path

import pytest

from orchestrator.cli import invoke

DRAWING = re.compile(
    r"^```\norchestrator (graph \S+ --format mermaid)\n```\n```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


@pytest.fixture
def drawings(project: Path) -> dict[str, str]:
    """The drawings of the page by the command that makes each."""
    page = (project / "docs/patterns.md").read_text(encoding="utf-8")
    found = dict(DRAWING.findall(page))
    assert len(found) == page.count("```mermaid"), "a drawing without its command"
    return found


def test_the_page_has_every_pattern(drawings: dict[str, str], project: Path) -> None:
    files = sorted((project / "examples/patterns").glob("*.py"))
    commands = {f"graph examples/patterns/{file.name} --format mermaid" for file in files}
    assert drawings.keys() == commands - {"graph examples/patterns/measure_priors.py --format mermaid"}


def test_the_drawings_are_up_to_date(
    drawings: dict[str, str], project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    for command, drawing in drawings.items():
        assert invoke(command.split()) == 0
        assert drawing == capsys.readouterr().out, f"paste the output of `orchestrator {command}` into docs/patterns.md"
