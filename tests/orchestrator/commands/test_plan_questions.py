"""What `plan` answers below a plan: the front as table, JSON and figure."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import invoke

WORKED = ("plan", "examples/worked_example.py", "--fleet", "examples/fleets/hp-co.yaml")


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def test_the_front_as_a_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*WORKED, "--pareto"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    front = lines[lines.index("cost against worst latency: of no plan below is another both cheaper and faster") + 3 :]
    assert front == [
        "105 ms $0.11 $0.11 0.00% 1 cpu, 1 hp",
        "* 120 ms $0.095 $0.095 0.00% 1 cpu, 1 hp, 1 co",
        "160 ms $0.06 $0.06 0.00% 1 cpu, 1 co",
    ]
    assert invoke([*WORKED, "--pareto", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)["pareto"]
    assert (document["stat"], document["is_complete"]) == ("worst", True)
    assert [point["cost_usd"] for point in document["points"]] == pytest.approx([0.11, 0.095, 0.06])
    assert document["points"][2]["operators"]["answer.prefill"] == "co/llama3.1-8b/tp1/fp16"


def test_the_front_is_there_although_the_sla_cannot_be_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*WORKED, "--sla", "100ms", "--pareto"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert sum("$0.11" in line for line in lines) >= 1
    assert not any(line.startswith("*") for line in lines)


@pytest.mark.parametrize("name", ["front.png", "front.svg"])
def test_the_front_as_a_figure(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert invoke([*WORKED, "--figure", str(tmp_path / name)]) == 0
    assert (tmp_path / name).stat().st_size > 1000


def test_a_figure_that_cannot_be_drawn_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("orchestrator.commands.pareto_figure.find_spec", lambda _: None)
    assert invoke([*WORKED, "--figure", str(tmp_path / "front.png")]) == 1
    assert "pip install '.[figures]'" in capsys.readouterr().err


def test_a_figure_of_an_unknown_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert invoke([*WORKED, "--figure", str(tmp_path / "front.nonsense")]) == 1
    assert "name a .png, .svg or .pdf file" in capsys.readouterr().err
