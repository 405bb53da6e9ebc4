"""Measurements from a run's report: what counts, what does not, and files that do not belong together."""

import json
from pathlib import Path
from typing import Any

import pytest

from costmodel.errors import ProfileError
from orchestrator.cli import invoke
from orchestrator.run_measured import measured_from_run

DECODE, PREFILL = "plan_research.decode", "plan_research.prefill"


@pytest.fixture
def plan(project: Path, tmp_path: Path) -> Path:
    """The plan of the research assistant on a fleet of absent devices."""
    path = tmp_path / "plan.json"
    agent, fleet = project / "examples/research_assistant.py", project / "examples/fleets/mixed.yaml"
    assert invoke(["plan", str(agent), "--fleet", str(fleet), "--out", str(path)]) == 0
    return path


def report(folder: Path, plan: Path, **operators: dict[str, Any]) -> Path:
    """A report of the plan in which the named operators, dots as double underscores, ran as given."""
    document = json.loads(plan.read_text(encoding="utf-8"))
    rows = [
        {"id": each["id"], "simulated": True, "measured_s": 1.0, **operators.get(each["id"].replace(".", "__"), {})}
        for each in document["operators"]
    ]
    path = folder / "report.json"
    path.write_text(json.dumps({"agent": document["agent"], "operators": rows}), encoding="utf-8")
    return path


def test_a_decode_on_a_real_device_is_a_measured_point(tmp_path: Path, plan: Path) -> None:
    document = json.loads(plan.read_text(encoding="utf-8"))
    demand = next(each["demand"] for each in document["operators"] if each["id"] == DECODE)
    ran = {"simulated": False, "measured_s": 5.4}
    first = {"simulated": False, "measured_s": 0.2}
    path = report(tmp_path, plan, plan_research__decode=ran, plan_research__prefill=first)
    (row,), left = measured_from_run(path, plan)
    assert row.ttft_s == 0.2
    assert row.tpot_s == pytest.approx(5.4 / (demand["tokens_out"] - 1))
    assert (row.point.tokens_in, row.point.concurrency) == (demand["tokens_in"], 1)
    assert {each.reason for each in left} == {"it ran on a simulated device, whose times are predictions"}


def test_without_a_measured_prefill_there_is_no_time_to_the_first_token(tmp_path: Path, plan: Path) -> None:
    path = report(tmp_path, plan, plan_research__decode={"simulated": False})
    (row,), _ = measured_from_run(path, plan)
    assert row.ttft_s is None


def test_a_decode_that_never_succeeded_says_so(tmp_path: Path, plan: Path) -> None:
    path = report(tmp_path, plan, plan_research__decode={"simulated": False, "measured_s": None})
    rows, left = measured_from_run(path, plan)
    assert rows == ()
    assert "no attempt succeeded" in {each.reason for each in left}


def test_files_that_are_no_report_and_plan(tmp_path: Path, plan: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("[]", encoding="utf-8")
    with pytest.raises(ProfileError, match="no report of a run"):
        measured_from_run(other, plan)
    with pytest.raises(ProfileError, match="cannot be read"):
        measured_from_run(other, other)
    other.write_text(json.dumps({"agent": "another", "operators": []}), encoding="utf-8")
    with pytest.raises(ProfileError, match="is of agent 'another'"):
        measured_from_run(other, plan)
