"""`replan` on the hand sums of the worked example, and on the voice agent in service."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agent_files import find_agent
from orchestrator.cli import invoke
from orchestrator.plan_file import read_plan

WORKED = ("examples/worked_example.py", "--fleet", "examples/fleets/hp-co.yaml")
VOICE = ("examples/voice_agent.py", "--fleet", "examples/fleets/provisioned.yaml")
LOAD = ("--load", "examples/loads/voice.yaml")


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


@pytest.fixture
def worked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert invoke(["plan", *WORKED, "--out", str(tmp_path / "plan.json")]) == 0
    capsys.readouterr()
    return str(tmp_path / "plan.json")


@pytest.fixture
def voice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert invoke(["plan", *VOICE, *LOAD, "--out", str(tmp_path / "plans")]) == 0
    capsys.readouterr()
    return str(tmp_path / "plans")


def replanned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert invoke(["replan", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_lost_device_of_a_metered_plan(worked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Prefill on HP and decode on CO cost 0.095; all on HP costs 0.08 + 0.03 = 0.11 USD.
    out = tmp_path / "new.json"
    found = replanned(capsys, *WORKED, "--plan", worked, "--lost", "co", "--out", str(out))
    assert found["usd_per_run_before"] == pytest.approx(0.095)
    assert found["usd_per_run"] == pytest.approx(0.11)
    assert found["usd_per_run_kept"] is None
    assert found["kept_breaks"] == ["capacity co: 1 of at most 0"]
    assert [step["kind"] for step in found["steps"]] == ["stop", "route", "route"]
    assert found["stays"] == ["answer.render", "answer.parse"]
    plan = read_plan(out, find_agent(Path(WORKED[0]), None).graph)
    assert {pool.device for pool in plan.pools if pool.model} == {"hp"}


def test_nothing_moves_without_an_event(worked: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = replanned(capsys, *WORKED, "--plan", worked)
    assert (found["steps"], found["moved"]) == ([], [])
    assert found["usd_per_run"] == found["usd_per_run_before"]


def test_no_plan_is_left(worked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["replan", *WORKED, "--plan", worked, "--lost", "hp"]) == 2
    assert "infeasible" in capsys.readouterr().out


def test_more_load_adds_replicas_where_a_move_costs_much(voice: str, capsys: pytest.CaptureFixture[str]) -> None:
    event = ("--load-up", "voice_agent=10", "--move-cost", "5")
    found = replanned(capsys, *VOICE, *LOAD, "--plan", voice, *event)
    assert {step["kind"] for step in found["steps"]} == {"start"}
    assert (found["moved"], found["change_usd"]) == ([], 0.0)
    assert found["usd_per_hour"] > found["usd_per_hour_before"]
    assert any(text.startswith("load ") for text in found["kept_breaks"])


def test_a_plan_that_splits_traffic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rush = ("--load", "examples/loads/voice-rush.yaml")
    running, out = tmp_path / "rush", tmp_path / "new"
    assert invoke(["plan", *VOICE, *rush, "--out", str(running)]) == 0
    capsys.readouterr()
    event = ("--lost", "a40:3", "--out", str(out))
    found = replanned(capsys, *VOICE, *rush, "--plan", str(running), *event)
    assert [one["operator"] for one in found["moved"]] == ["voice_agent/transcribe (whole)"]
    assert found["kept_breaks"] == ["capacity a40: 15 of at most 13"]
    routed = [step for step in found["steps"] if step["kind"] == "route"]
    assert sum(step["share"] for step in routed) == pytest.approx(1.0)
    graph = find_agent(Path(VOICE[0]), None).graph
    before, after = (read_plan(one / "voice_agent.json", graph) for one in (running, out))
    shares = [
        {each.id: [(r.pool, r.share) for r in each.routes] for each in plan.operators} for plan in (before, after)
    ]
    assert {name for name in shares[0] if shares[0][name] != shares[1][name]} == {"transcribe"}
    assert {pool.id: pool.replicas for pool in after.pools}["a40/whisper-large-v3/tp1/fp16/run/u0.9"] <= 13
    assert 0.0 <= found["gap"] <= 1.0
    assert found["bound_scope"] == "load alone"
    # The new plan's documents are read again as they were written: without an event nothing changes.
    again = replanned(capsys, *VOICE, *rush, "--plan", str(out))
    assert again["steps"] == []


def test_what_is_added_comes_before_what_is_removed(
    voice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new"
    found = replanned(capsys, *VOICE, *LOAD, "--plan", voice, "--price", "a40=2", "--out", str(out))
    kinds = [step["kind"] for step in found["steps"]]
    assert kinds == sorted(kinds, key=["start", "route", "drain", "stop"].index)
    assert all("an hour of a40 costs $2 instead of $0.22" in one["why"] for one in found["moved"])
    assert found["usd_per_hour"] < found["usd_per_hour_kept"]
    plan = read_plan(out / "voice_agent.json", find_agent(Path(VOICE[0]), None).graph)
    assert "a40" not in {pool.device for pool in plan.pools}
    # What was written is what runs next, so nothing moves when it is replanned at once.
    again = replanned(capsys, *VOICE, *LOAD, "--plan", str(out), "--price", "a40=2")
    assert again["moved"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--load-up", "worked_example=2"], "does not depend on load"),
        (["--lost", "nothing"], "nothing"),
        (["--lost", "co:9"], "takes 9 co away"),
    ],
)
def test_events_that_do_not_fit(
    arguments: list[str], message: str, worked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["replan", *WORKED, "--plan", worked, *arguments]) == 1
    assert message in capsys.readouterr().err


def test_plans_that_are_not_there(voice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["replan", *VOICE, *LOAD, "--plan", str(tmp_path)]) == 1
    assert "no plan of voice_agent" in capsys.readouterr().err
    assert invoke(["replan", *VOICE, "--plan", voice]) == 1
    assert "a folder holds the plans of a load" in capsys.readouterr().err


def test_a_plan_of_another_fleet(worked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["replan", WORKED[0], "--fleet", "examples/fleets/mixed.yaml", "--plan", worked]) == 1
    assert "give the fleet" in capsys.readouterr().err
