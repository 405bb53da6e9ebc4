import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agent_files import find_agent
from orchestrator.cli import invoke
from orchestrator.plan_file import read_plan
from runtime.program import compile

PLAN = ("plan", "examples/voice_agent.py", "--fleet", "examples/fleets/provisioned.yaml")
LOADED = (*PLAN, "--load", "examples/loads/voice.yaml")


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def test_the_tables_and_progress(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, "--progress"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("voice on fleet provisioned\n\npool ")
    assert "voice_agent       2  " in out
    for line in ("total: $", "devices: ", "bound: $", "margin: every limit holds although each time is 1.25 times"):
        assert f"\n{line}" in out
    assert "(of: surrogate" in out
    assert err.startswith("1 agents, ")
    assert "an hour, gap" in err


def test_without_a_terminal_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(LOADED) == 0
    assert capsys.readouterr().err == ""


def test_json_and_a_document_for_each_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "plans"
    assert invoke([*LOADED, "--json", "--out", str(out)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["feasible"]
    assert document["cost_basis"] == "provisioned"
    assert [each.name for each in out.iterdir()] == ["voice_agent.json"]
    plan = read_plan(out / "voice_agent.json", find_agent(Path("examples/voice_agent.py"), None).graph)
    assert {pool.id: pool.replicas for pool in plan.pools} == {
        pool["id"]: pool["replicas"] for pool in document["pools"]
    }
    assert len(compile(plan).operators) == len(plan.operators)


def test_a_budget_that_is_too_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = tmp_path / "load.yaml"
    load.write_text("name: poor\nbudget: {usd_per_hour: 0.01}\nagents: [{agent: voice_agent, rate_per_s: 2}]\n")
    assert invoke([*PLAN, "--load", str(load), "--out", str(tmp_path / "plans")]) == 2
    assert capsys.readouterr().out.startswith("infeasible: ")
    assert not (tmp_path / "plans").exists()


@pytest.mark.parametrize("option", [["--sla", "4s"], ["--batch", "2"], ["--agent", "a"]])
def test_options_of_one_agent_are_refused(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, *option]) == 1
    assert f"{option[0]}{' cost' if 'cost' in option else ''} and --load do not go together" in capsys.readouterr().err


def test_a_provisioned_fleet_without_a_load_names_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(PLAN) == 1
    assert "--load LOAD" in capsys.readouterr().err


def test_several_files_need_a_load(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan", "examples/voice_agent.py", "examples/worked_example.py", *PLAN[2:]]) == 1
    assert "only with --load" in capsys.readouterr().err


def test_out_is_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.json"
    path.write_text("")
    assert invoke([*LOADED, "--out", str(path)]) == 1
    assert "is no folder" in capsys.readouterr().err


def test_an_operator_is_explained_with_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, "--explain", "voice_agent.recall", "--progress"]) == 0
    out, told = capsys.readouterr()
    assert "recall, 1 of " in told
    options = [line for line in out.splitlines() if "/functions/" in line]
    assert told.count("recall, ") == len(options)
    assert out.startswith(
        "voice_agent.recall (memory.lookup), 1 calls per run\nnot on the critical path; a call waits "
    )
    taken = [line for line in out.splitlines() if line.startswith("->")]
    assert [line.split()[1] for line in taken] == ["xeon_8480p/functions/u0.5"]


def test_the_cost_of_an_hour_is_explained_by_pool_and_term(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, "--explain", "cost", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = document["cost"]
    a40 = found["prices"]["a40"]
    pair = next(row for row in found["pools"] if "/tp2/" in row["name"])
    # One replica of two A40 for an hour: 2 x capital and 2 x power; 300 W x 2 x 3600 s x PUE 1.54 = 3.3264e6 J.
    assert pair["device_s"] == 7200
    assert pair["usd"] == pytest.approx({term: 2 * usd for term, usd in a40["terms"].items()})
    assert pair["energy_j"] == pytest.approx(3.3264e6)
    parts = [usd for row in found["pools"] for usd in row["usd"].values()]
    assert sum(parts) == pytest.approx(document["usd_per_hour"])
    grams = sum(row["operational_gco2e"] + (row["embodied_gco2e"] or 0.0) for row in found["pools"])
    assert grams == pytest.approx(document["gco2e_per_hour"])


def test_what_cannot_be_read_is_refused_before_anything_is_planned(capsys: pytest.CaptureFixture[str]) -> None:
    for option in (["--what-if", "nonsense"], ["--compare", "absent.yaml"], ["--out", "README.md"]):
        assert invoke([*LOADED, "--progress", *option]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")


def test_an_operator_that_nobody_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, "--explain", "voice_agent.nobody"]) == 1
    assert "there is no operator 'voice_agent.nobody'; use one of voice_agent.transcribe" in capsys.readouterr().err


def test_limits_that_bind_and_the_slack_of_every_operator(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*LOADED, "--explain", "limits", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    limits, (agent,) = document["limits"], document["agents"]
    assert [(each["kind"], each["what"]) for each in limits["limits"]] == [("sla", "voice_agent")]
    assert limits["limits"][0]["free_usd"] > 0
    rows = {each["operator"]: each for each in limits["operators"]}
    # What always runs once and is critical has the slack of the whole run.
    assert rows["transcribe"]["critical"]
    assert rows["transcribe"]["slack_s"] == pytest.approx(agent["sla_limit_s"] - agent["latency_s"])
    # At most 3 turns of the model, one after another, share it.
    assert rows["converse.decode"]["slack_s"] == pytest.approx(rows["transcribe"]["slack_s"] / 3)


def planned(capsys: pytest.CaptureFixture[str], objective: str) -> dict[str, Any]:
    assert invoke([*LOADED, "--objective", objective, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_each_objective_is_best_at_its_own_aim(capsys: pytest.CaptureFixture[str]) -> None:
    found = {aim: planned(capsys, aim) for aim in ("cost", "energy", "carbon", "latency")}
    # Each was solved to a gap of 1%.
    for aim, key in (("cost", "usd_per_hour"), ("energy", "watts"), ("carbon", "gco2e_per_hour")):
        assert found[aim][key] <= 1.011 * min(each[key] for each in found.values())
        assert found[aim]["objective"]["value"] == pytest.approx(found[aim][key])
        assert found[aim]["objective"]["bound"] <= found[aim]["objective"]["value"] * (1.0 + 1e-9)
    assert found["cost"]["bound_usd_per_hour"] is not None
    assert found["carbon"]["bound_usd_per_hour"] is None


def test_one_aim_after_another_and_throughput(capsys: pytest.CaptureFixture[str]) -> None:
    cost, both = planned(capsys, "cost"), planned(capsys, "cost,carbon")
    assert both["usd_per_hour"] <= 1.01 * cost["usd_per_hour"] * (1.0 + 1e-9)
    assert both["gco2e_per_hour"] <= cost["gco2e_per_hour"] * 1.011
    most = planned(capsys, "throughput")
    aim = most["objective"]
    assert 1.0 < aim["rate_factor"] <= aim["bound_rate_factor"]
    assert aim["gap"] == pytest.approx(1.0 - aim["rate_factor"] / aim["bound_rate_factor"])
    assert aim["unsplit_bound_rate_factor"] <= aim["bound_rate_factor"]
    (one,) = most["agents"]
    assert one["rate_per_s"] == pytest.approx(2.0 * most["objective"]["rate_factor"])


def test_an_objective_needs_a_load_and_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*PLAN, "--objective", "throughput"]) == 1
    assert "without a load a plan is of one run; give --load, or" in capsys.readouterr().err.replace("\n", " ")
    assert invoke([*LOADED, "--objective", "speed"]) == 1
    assert "use cost, latency, energy, carbon or throughput" in capsys.readouterr().err
    assert invoke([*LOADED, "--objective", "carbon", "--explain", "voice_agent.converse"]) == 1
    assert "--explain says what other levels would cost" in capsys.readouterr().err
