"""What stands in the way of a load, and changes that were planned."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.fleet import Fleet, load_fleet
from ir.sla import Sla
from orchestrator.agent_files import find_all
from orchestrator.commands.fleet_relaxed_text import fleet_relaxed_json, fleet_relaxed_lines
from orchestrator.fleet_pipeline import FleetPlan, FleetRequest, plan_fleet
from orchestrator.fleet_relaxed import FleetRelaxed, fleet_relaxed, with_count
from placement.load import Load
from placement.load_document import load_load
from placement.shared_problem import Budget

REQUEST = FleetRequest(time_limit_s=20.0)


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def voice(**changes: object) -> Load:
    load = load_load("examples/loads/voice.yaml")
    (agent,) = load.agents
    return replace(load, agents=(replace(agent, **changes),))  # type: ignore[arg-type]


def fleet() -> Fleet:
    return load_fleet("examples/fleets/provisioned.yaml")


def planned(load: Load, on: Fleet | None = None) -> FleetPlan:
    return plan_fleet(find_all([Path("examples/voice_agent.py")]), on or fleet(), load, REQUEST)


def relaxed(load: Load, on: Fleet | None = None, request: FleetRequest = REQUEST) -> FleetRelaxed:
    plan = planned(load, on)
    assert not plan.feasible
    return fleet_relaxed(find_all([Path("examples/voice_agent.py")]), plan, request)


def test_an_sla_that_is_too_short_and_the_one_that_a_plan_keeps() -> None:
    load = voice(sla=Sla("p95", 1.2))
    found = relaxed(load)
    assert [term.text for term in found.conflict.limits] == ["SLA of voice_agent p95 1.2 s"]
    (fix,) = found.fixes.found
    assert 1.2 < fix.after < 2.0
    again = planned(voice(sla=Sla("p95", fix.after)))
    assert again.answer is not None
    assert again.answer.evaluation.usd_per_hour <= fix.usd_per_hour * 1.05


def test_a_pin_and_a_class_that_the_fleet_has_none_of() -> None:
    found = relaxed(voice(pins={"speak": "h100_sxm"}), with_count(fleet(), "h100_sxm", 0))
    assert {term.text for term in found.conflict.limits} == {"0 h100_sxm", "speak of voice_agent pinned to h100_sxm"}
    assert [fix.text for fix in found.fixes.found] == ["unpin speak of voice_agent", "+1 h100_sxm"]
    lines = list(fleet_relaxed_lines(found))
    assert lines[0].startswith("these cannot hold together (of: surrogate): ")
    assert lines[1].startswith("fix: unpin speak of voice_agent; then $0.6")


def test_a_budget_or_fewer_runs() -> None:
    load = replace(voice(rate_per_s=20.0), budget=Budget(usd_per_hour=1.0))
    found = relaxed(load)
    assert [term.text for term in found.conflict.limits] == ["budget 1 $/h"]
    assert {fix.term.kind for fix in found.fixes.found} == {"usd_per_hour", "rate"}
    for fix in found.fixes.found:
        budget, rate = (fix.after, 20.0) if fix.term.kind == "usd_per_hour" else (1.0, fix.after)
        assert planned(replace(voice(rate_per_s=rate), budget=Budget(usd_per_hour=budget))).feasible
    document = fleet_relaxed_json(found)
    assert document["conflict"] == {"limits": ["budget 1 $/h"], "is_irreducible": True, "scope": "surrogate"}
    assert [fix["text"] for fix in document["fixes"]] == [fix.text for fix in found.fixes.found]
    assert document["undecided"] == []


def test_it_says_when_time_ran_out() -> None:
    began = time.monotonic()
    load = voice(sla=Sla("p95", 1.2))
    found = relaxed(load, request=replace(REQUEST, time_limit_s=1e-6))
    assert time.monotonic() - began < 10.0
    assert not found.conflict.is_irreducible
    assert found.fixes.found == ()
    lines = list(fleet_relaxed_lines(found))
    assert "note: time ran out before it was known whether fewer of them conflict; a longer --time-limit helps" in lines
    assert lines[-1].startswith("note: time ran out before it was known whether a change of these helps: ")
