"""`orchestrator run` on a real Ray: the report, the user's traceback, a plan made before; and what needs no Ray."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import invoke

EXAMPLE = ("examples/worked_example.py", "--fleet", "examples/fleets/hp-co.yaml")

FAILING = """
from orchestrator import agent, compute


@compute(latency="1ms", cost_usd=0)
def first(question: str) -> str:
    return question


@compute(latency="1ms", cost_usd=0)
def second(question: str) -> str:
    raise ValueError(f"cannot answer {question}")


@agent
def assistant(question: str) -> str:
    return second(first(question))
"""

CPU_FLEET = "name: cores\ndevices:\n  - {class: xeon_8480p, count: 2}\n"


def test_an_infeasible_run_is_never_started(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert invoke(["run", *EXAMPLE, "--sla", "100ms"]) == 2
    assert capsys.readouterr().out.startswith("infeasible (sla): ")
    assert invoke(["run", *EXAMPLE, "--sla", "100ms", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["best_latency_s"] == pytest.approx(0.105)


@pytest.mark.ray
def test_a_run_reports_promise_and_measurement(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert invoke(["run", *EXAMPLE, "--sla", "1s", "--time-scale", "0.5"]) == 0
    captured = capsys.readouterr()
    lines = [" ".join(line.split()) for line in captured.out.splitlines()]
    assert lines[0] == "worked_example: success"
    assert "[simulated text]" in lines[2]
    # all on CO: 130 ms and 30 ms, unscaled although half of it was slept
    assert "answer.prefill llm.prefill co 130 ms 130 ms 1 simulated" in lines
    assert "answer.decode llm.decode co 30 ms 30 ms 1 simulated" in lines
    assert "SLA worst <= 1 s: met" in lines
    assert "note: simulated operators really took 0.5 of their time; all times here are unscaled" in lines


@pytest.mark.ray
def test_a_function_that_raises_ends_the_run_with_the_users_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("agent.py").write_text(FAILING)
    Path("fleet.yaml").write_text(CPU_FLEET)
    assert invoke(["plan", "agent.py", "--fleet", "fleet.yaml", "--out", "plan.json"]) == 0
    capsys.readouterr()
    assert invoke(["run", "agent.py", "--plan", "plan.json", "--input", "why?", "--json"]) == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["status"] == "error"
    assert report["results"] == {}, "fused computes are one operator: it finished or it did not"
    assert 'agent.py", line 12, in second' in captured.err
    assert captured.err.splitlines()[-1] == "error: second_fused/second: ValueError: cannot answer why?"
