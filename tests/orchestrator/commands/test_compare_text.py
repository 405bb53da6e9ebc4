import json
from pathlib import Path

import pytest

from orchestrator.cli import invoke

PLAN = ("plan", "examples/worked_example.py", "--fleet", "examples/fleets/hp-co.yaml")
TODAY = ("--compare", "examples/today/worked.yaml")


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def test_both_sides_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    # Today all on HP: 80 + 25 = 105 ms, $0.11. The plan decodes on CO: 120 ms, $0.095; 0.11 / 0.095 = 1.158.
    assert invoke([*PLAN, *TODAY, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["compare"]
    today, plan = found["today"], found["plan"]
    assert (today["cost_usd"], today["latency_s"]) == (pytest.approx(0.11), pytest.approx(0.105))
    assert (plan["cost_usd"], plan["latency_s"]) == (pytest.approx(0.095), pytest.approx(0.120))
    assert {"name": "answer.decode", "before": "hp fp16", "after": "co fp16"} in found["moves"]
    assert (today["devices"], today["broken"]) == ({"cpu": 1, "hp": 1}, [])
    assert invoke([*PLAN, *TODAY]) == 0
    assert "this plan is 1.16 times cheaper: 13.64% less" in capsys.readouterr().out


def test_today_is_judged_where_there_is_no_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*PLAN, *TODAY, "--sla", "100ms"]) == 2
    out = capsys.readouterr().out
    assert "SLA worst <= 100 ms  missed by 5 ms" in out
    assert "no plan keeps the limits" in out


def test_energy_and_carbon_where_devices_are_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "today.yaml"
    file.write_text("operators: {transcribe: a40, converse: h100_sxm, speak: a40}\n")
    command = ["plan", "examples/voice_agent.py", "--fleet", "examples/fleets/mixed.yaml", "--compare", str(file)]
    assert invoke([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["compare"]
    today, plan = found["today"], found["plan"]
    assert plan["cost_usd"] <= today["cost_usd"]
    # 369 g a kWh of the catalog
    for side in (today, plan):
        assert side["operational_gco2e"] == pytest.approx(side["facility_j"] / 3.6e6 * 369)
    assert {"h100_sxm", "a40"} <= set(today["devices"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("operators: {answr: hp}", "there is no operator 'answr'; use one of answer.render"),
        ("operators: {answer: h100_sxm}", "'answer' of worked_example cannot run on 'h100_sxm'; use cpu, hp, co"),
        ("operators: {answer: {place: hp, replicas: 2}}", "take replicas out, or plan a load"),
        ("agents: {other: {operators: {answer: hp}}}", "there is no agent 'other'; use one of worked_example"),
    ],
)
def test_errors_name_operator_value_and_remedy(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "today.yaml"
    file.write_text(text + "\n")
    assert invoke([*PLAN, "--compare", str(file)]) == 1
    assert told in capsys.readouterr().err
