"""Aims of one agent in the units of a run, and what does not suit one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from costmodel.fleet import load_fleet
from ir.sla import parse_sla
from orchestrator.agent_files import find_agent
from orchestrator.cost_breakdown import cost_breakdown
from orchestrator.objective import ObjectiveError
from orchestrator.pipeline import PlanRequest, PlanResult, plan_agent
from orchestrator.run_objective import reached_aims, run_objective
from orchestrator.what_if import what_if

MIXED = "examples/fleets/mixed.yaml"


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def voice(objective: str, fleet: str = MIXED, **rest: Any) -> PlanResult:
    request = replace(PlanRequest(objective=objective), **rest)
    return plan_agent(find_agent(Path("examples/voice_agent.py"), None).graph, load_fleet(Path(fleet)), request)


def test_units_are_of_a_run() -> None:
    assert run_objective("cost,carbon").meaning == ("least cost ($/run), then least carbon (gCO2e/run) within 1% of it")
    with pytest.raises(ObjectiveError, match="without a load a plan is of one run"):
        run_objective("throughput")


@pytest.fixture(scope="module")
def plans(project: Path) -> dict[str, PlanResult]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        return {aim: voice(aim) for aim in ("cost", "latency", "energy", "carbon")}


def values(result: PlanResult) -> dict[str, float]:
    """Of a run, worked out from the plan document and not by the solver."""
    assert result.plan is not None
    used = [row.used for row in cost_breakdown(result.plan, result).rows if row.device]
    known = [each for each in used if each is not None]
    assert len(known) == len(used)
    return {
        "cost": result.plan.promised.cost_usd,
        "latency": result.plan.promised.latency_s,
        "energy": sum(each.facility_j for each in known),
        "carbon": sum(each.operational_gco2e + (each.embodied_gco2e or 0.0) for each in known),
    }


@pytest.mark.parametrize("aim", ["latency", "energy", "carbon"])
def test_each_aim_is_best_at_its_own_and_says_so(plans: dict[str, PlanResult], aim: str) -> None:
    reached = {each: values(result)[aim] for each, result in plans.items()}
    (row,) = reached_aims(plans[aim].objective, plans[aim].reached)
    assert row.value == pytest.approx(reached[aim])
    assert row.gap == pytest.approx(0.0, abs=1e-6)
    assert min(reached.values()) == pytest.approx(reached[aim])
    assert reached[aim] < reached["cost"] * 0.99


def test_an_order_gives_up_one_percent_of_the_first(plans: dict[str, PlanResult]) -> None:
    found = values(voice("energy,cost"))
    assert found["energy"] <= values(plans["energy"])["energy"] * 1.01 * (1.0 + 1e-6)
    assert found["cost"] < values(plans["energy"])["cost"]


def test_power_that_nobody_knows_is_refused() -> None:
    graph = find_agent(Path("examples/worked_example.py"), None).graph
    fleet = load_fleet(Path("examples/fleets/hp-co.yaml"))
    with pytest.raises(ObjectiveError, match="nobody says what cpu, hp, co draws"):
        plan_agent(graph, fleet, PlanRequest(objective="energy"))
    fastest = plan_agent(graph, fleet, PlanRequest(objective="latency"))
    assert fastest.plan is not None
    assert fastest.plan.promised.latency_s == pytest.approx(0.105)
    assert (fastest.plan.bound_usd, fastest.plan.gap) == (0.0, 1.0)


def test_a_margin_tightens_the_limits_and_not_the_promise() -> None:
    # Split over both classes 120 ms, of which a move takes 10: 1.25 x 110 + 10 = 147.5 ms.
    graph = find_agent(Path("examples/worked_example.py"), None).graph
    fleet = load_fleet(Path("examples/fleets/hp-co.yaml"))
    request = PlanRequest(sla=parse_sla("148ms"), margin=1.25)
    found = plan_agent(graph, fleet, request)
    assert found.plan is not None
    assert found.solution is not None
    assert found.plan.promised.latency_s == pytest.approx(0.120)
    assert found.solution.evaluation.latency_s == pytest.approx(0.1475)
    assert any("margin 1.25: every limit holds" in text for text in found.plan.provenance.assumptions)
    faster = plan_agent(graph, fleet, replace(request, sla=parse_sla("147ms")))
    assert faster.plan is not None
    assert faster.plan.promised.cost_usd == pytest.approx(0.11)
    refused = plan_agent(graph, fleet, replace(request, sla=parse_sla("120ms")))
    assert refused.infeasible is not None
    assert refused.infeasible.value == pytest.approx(1.25 * 0.105)


def test_a_change_keeps_the_aim(plans: dict[str, PlanResult]) -> None:
    (answer,) = what_if(plans["energy"], ["sla=2s"])
    assert answer.result.request.objective == "energy"
    assert values(answer.result)["energy"] >= values(plans["energy"])["energy"]
    assert values(answer.result)["latency"] <= 2.0
