import json
from pathlib import Path

import pytest

from orchestrator.cli import invoke

PLAN = ("plan", "examples/voice_agent.py", "--fleet", "examples/fleets/provisioned.yaml")
LOADED = (*PLAN, "--load", "examples/loads/voice.yaml")


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def test_both_sides_and_the_pool_that_the_file_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, "--compare", "examples/today/voice.yaml", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = document["compare"]
    today, plan = found["today"], found["plan"]
    # The file's level is none of those that a plan is offered; u0.9 is its largest cap.
    assert today["pools"]["h100_sxm/llama3.1-8b/tp1/fp16/serve/b16/u0.9"] == 2
    assert today["devices"] == {"xeon_8480p": 1, "h100_sxm": 4}
    assert plan["usd_per_hour"] == pytest.approx(document["usd_per_hour"])
    assert plan["pools"] == {pool["id"]: pool["replicas"] for pool in document["pools"]}
    assert (today["broken"], plan["broken"]) == ([], [])
    assert "voice_agent.converse.decode" in [move["name"] for move in found["moves"]]


def test_the_plans_own_pools_cost_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = [f"  {row['operator']}: {row['pool']}" for row in document["operators"]]
    file = tmp_path / "today.yaml"
    file.write_text("\n".join(["operators:", *rows]) + "\n")
    assert invoke([*LOADED, "--compare", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["compare"]
    assert found["moves"] == []
    assert found["unsaid"] == []
    assert found["today"] == found["plan"]


def test_too_few_replicas_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "today.yaml"
    # 3.6 calls a second of a second and more on 4 slots: more than one replica of this size can do.
    file.write_text("operators: {converse: {place: a40/llama3.1-8b/tp1/fp16/serve/b4, replicas: 1}}\n")
    assert invoke([*LOADED, "--compare", str(file)]) == 0
    out = capsys.readouterr().out
    assert "never ends" in out
    assert "today breaks load of a40/llama3.1-8b/tp1/fp16/serve/b4/u0.9" in out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("operators: {convers: a40}", "there is no operator 'convers'; use one of transcribe"),
        ("agents: {voice: {operators: {converse: a40}}}", "there is no agent 'voice'; use one of voice_agent"),
        ("operators: {converse: h200_sxm}", "'converse' of voice_agent cannot run on 'h200_sxm'; use xeon_8480p, "),
    ],
)
def test_errors_name_operator_value_and_remedy(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "today.yaml"
    file.write_text(text + "\n")
    assert invoke([*LOADED, "--compare", str(file)]) == 1
    assert told in capsys.readouterr().err
