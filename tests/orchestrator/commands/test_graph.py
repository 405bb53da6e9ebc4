"""`orchestrator graph`: a document that can be read back, and a drawing."""

from pathlib import Path

import pytest

from orchestrator.agent_files import find_agent
from orchestrator.cli import invoke
from orchestrator.graph_json import graph_from_json


@pytest.mark.parametrize("name", ["worked_example", "voice_agent", "research_assistant"])
def test_the_document_reads_back(
    name: str, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    file = Path(f"examples/{name}.py")
    assert invoke(["graph", str(file)]) == 0
    assert graph_from_json(capsys.readouterr().out) == find_agent(file, None).graph


@pytest.mark.parametrize(("form", "start"), [("mermaid", "flowchart TD\n"), ("dot", "digraph {\n")])
def test_the_drawings(
    form: str, start: str, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    assert invoke(["graph", "examples/worked_example.py", "--format", form]) == 0
    assert capsys.readouterr().out.startswith(start)
