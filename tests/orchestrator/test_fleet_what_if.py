"""Changes of a load and its fleet, and the plans under them."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.fleet import Fleet, load_fleet
from ir.sla import Sla
from orchestrator.agent_files import find_all
from orchestrator.commands.fleet_what_if_text import fleet_what_if_json, fleet_what_if_lines
from orchestrator.fleet_pipeline import FleetRequest, plan_fleet
from orchestrator.fleet_what_if import FleetWhatIf, FleetWhatIfError, changed, fleet_what_if
from placement.load import Load
from placement.load_document import load_load


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def fleet() -> Fleet:
    return load_fleet("examples/fleets/provisioned.yaml")


def load(name: str = "voice") -> Load:
    return load_load(f"examples/loads/{name}.yaml")


def asked(*changes: str) -> tuple[FleetWhatIf, ...]:
    graphs, request = find_all([Path("examples/voice_agent.py")]), FleetRequest()
    return fleet_what_if(graphs, plan_fleet(graphs, fleet(), load(), request), request, changes)


def test_every_form_of_change() -> None:
    more, _ = changed(fleet(), load(), "+1:h200_sxm, -6:a40")
    assert {each.id: each.count for each in more.classes}["h200_sxm"] == 1
    assert more.device_class("a40").count == 10
    dearer, _ = changed(fleet(), load(), "price:a40=0.9")
    assert dearer.device_class("a40").usd_per_hour == 0.9
    _, all_limited = changed(fleet(), load("five-agents"), "sla=p95=2s")
    assert {each.sla for each in all_limited.agents} == {Sla("p95", 2.0)}
    _, one = changed(fleet(), load("five-agents"), "sla:supervisor=3s,rate:voice_agent=2.5")
    by_name = {each.agent: each for each in one.agents}
    assert by_name["supervisor"].sla == Sla("worst", 3.0)
    assert by_name["rag_two_retrievals"].sla is None
    assert by_name["voice_agent"].rate_per_s == 2.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("faster", r"'faster' is no change that can be read.*rate:AGENT=2.5"),
        ("rate:voice_agent=often", "'often' is no rate"),
        ("rate:voice_agent=0", "'0' is no rate"),
        ("rate:nobody=1", "names the agent 'nobody'.*the load has voice_agent"),
        ("sla:nobody=1s", "names the agent 'nobody'"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(change: str, message: str) -> None:
    with pytest.raises(FleetWhatIfError, match=message):
        changed(fleet(), load(), change)


def test_a_shorter_sla_costs_more_and_says_what_moves() -> None:
    shorter, none, dearer = asked("sla=p95=2s", "sla:voice_agent=p95=1s", "price:spyre_1_0=99")
    assert shorter.plan.answer is not None
    assert shorter.more_usd_per_hour is not None
    assert shorter.more_usd_per_hour > 0.0
    assert shorter.plan.answer.evaluation.agents[0].latency_s <= 2.0
    names = [move.name for move in shorter.moves]
    assert "voice_agent/converse.decode" in names
    assert any(name.startswith("replicas of ") for name in names)
    assert (none.more_usd_per_hour, none.moves) == (None, ())
    assert (dearer.more_usd_per_hour, dearer.moves) == (0.0, ()), "a class that nobody uses"
    lines = list(fleet_what_if_lines((shorter, none, dearer)))
    assert lines[1].startswith("what if sla=p95=2s: $")
    assert "infeasible: " in next(line for line in lines if "p95=1s" in line)
    assert lines[-1].endswith("; nothing moves")
    first, second, _ = fleet_what_if_json((shorter, none, dearer))
    assert first["more_usd_per_hour"] == shorter.more_usd_per_hour
    assert first["latency_s"]["voice_agent"] <= 2.0
    assert second["feasible"] is False
