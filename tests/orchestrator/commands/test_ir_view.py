"""`orchestrator ir --format` and `--unroll`: a stage as text or as a drawing, as it is or written out."""

from pathlib import Path

import pytest

from orchestrator.cli import invoke

FILE = "examples/figure7.py"


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


@pytest.mark.parametrize(("form", "start"), [("mermaid", "flowchart TD\n"), ("dot", "digraph {\n")])
def test_a_stage_is_drawn(form: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, "--stage", "capture", "--format", form]) == 0
    captured = capsys.readouterr().out
    assert captured.startswith(start)
    assert "llm.call" in captured
    assert invoke(["ir", FILE, "--format", form]) == 0
    assert "disaggregated" in capsys.readouterr().out


def test_what_placement_decided_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    solved = ["ir", "examples/worked_example.py", "--stage", "solve", "--fleet", "examples/fleets/hp-co.yaml"]
    assert invoke([*solved, "--format", "mermaid"]) == 0
    assert "device hp" in capsys.readouterr().out


@pytest.mark.parametrize(("form", "comment"), [("text", "// "), ("mermaid", "%% "), ("dot", "// ")])
def test_turns_are_written_out(form: str, comment: str, capsys: pytest.CaptureFixture[str]) -> None:
    # figure 7's agent: three turns are expected, and three are its bound
    assert invoke(["ir", FILE, "--stage", "capture", "--unroll", "--format", form]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{comment}unrolled: answer_react x3\n")
    assert [f"answer_c{number}" in shown for number in (1, 2, 3, 4)] == [True, True, True, False]
    assert "agent.react" not in shown


def test_as_often_as_the_bounds_allow(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", "examples/research_assistant.py", "--unroll", "--max-counts"]) == 0
    head = capsys.readouterr().out.splitlines()[0]
    assert head == ("// unrolled: search_docs_fanout x4, find_text_fanout x3, calculate_fanout x3, revision_loop x3")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "dot", "--stats"), "--format and --unroll show one stage"),
        (("--unroll", "--print-after-all"), "--format and --unroll show one stage"),
        (("--max-counts",), "give --unroll too"),
    ],
)
def test_options_that_do_not_fit(arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["ir", FILE, *arguments]) == 1
    assert message in " ".join(capsys.readouterr().err.split())
