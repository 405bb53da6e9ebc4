"""The document of a plan: every field that is promised to other programs, and what an infeasible one says instead."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from costmodel.fleet import load_fleet
from ir.sla import Sla
from orchestrator.agent_files import find_agent
from orchestrator.pipeline import PlanRequest, PlanResult, plan_agent
from orchestrator.report import plan_json, plan_rows
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import cores, fleet, h100

ANSWER = agents.answer_agent.trace()


@pytest.fixture
def worked(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`worked(limit_s, soft_usd_per_s)` plans the worked example on its fleet."""
    monkeypatch.chdir(project)
    graph = find_agent(Path("examples/worked_example.py"), None).graph
    devices = load_fleet(Path("examples/fleets/hp-co.yaml"))

    def plan(limit_s: float, soft_usd_per_s: float | None = None) -> PlanResult:
        return plan_agent(graph, devices, PlanRequest(sla=Sla("worst", limit_s), soft_usd_per_s=soft_usd_per_s))

    return plan


def test_every_field_of_a_feasible_plan(worked: Any) -> None:
    document = plan_json(worked(0.120))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    # 80 + 10 + 30 = 120 ms; 0.08 + 0.005 + 0.01 = 0.095 USD.
    assert document["feasible"] is True
    assert document["sla"] == {"stat": "worst", "limit_s": 0.120}
    for field in ("latency_s", "latency_mean_s", "latency_worst_s"):
        assert document[field] == pytest.approx(0.120), field
    for field in ("cost_usd", "bound_usd"):
        assert document[field] == pytest.approx(0.095), field
    assert document["gap"] == pytest.approx(0.0, abs=1e-6)
    assert document["penalty_usd"] == 0.0
    assert document["cost_basis"] == "metered"
    assert document["bound_scope"] == "metered MILP at operator means (exact)"
    assert document["critical_path"] == ["answer.render", "answer.prefill", "answer.decode"]
    assert document["choices"] == {"answer_choice": "disaggregated"}
    assert [(each["name"], each["op"], each["device"]) for each in document["operators"]] == [
        ("answer.render", "llm.render", "cpu"),
        ("answer.prefill", "llm.prefill", "hp"),
        ("answer.decode", "llm.decode", "co"),
        ("answer.parse", "llm.parse", "cpu"),
    ]
    assert [each["latency_s"] for each in document["operators"]] == pytest.approx([0.0, 0.080, 0.030, 0.0])
    assert [each["cost_usd"] for each in document["operators"]] == pytest.approx([0.0, 0.08, 0.01, 0.0])


def test_costs_of_operators_and_transfers_add_up_to_the_run(worked: Any) -> None:
    result = worked(0.120)
    rows, transfers = plan_rows(result), plan_json(result)["transfers"]
    total = sum(row.cost_usd for row in rows) + sum(each["cost_usd"] for each in transfers)
    assert total == pytest.approx(plan_json(result)["cost_usd"])


def test_every_field_of_an_infeasible_plan(worked: Any) -> None:
    result = worked(0.100)
    document = plan_json(result)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["feasible"] is False
    assert document["sla"] == {"stat": "worst", "limit_s": 0.100}
    assert (document["binding"], document["what"]) == ("sla", ["worst"])
    assert document["best_latency_s"] == pytest.approx(0.105)
    assert document["fix"] == "SLA 100 ms -> 105 ms"
    assert document["message"].startswith("SLA worst 100 ms cannot be kept: the best achievable is 105 ms")
    assert (document["missing_devices"], document["proven"]) == ({}, True)
    assert plan_rows(result) == ()
    # Nothing in it can be mistaken for a plan.
    assert not {"cost_usd", "latency_s", "operators", "bound_usd"} & set(document)


def test_what_fits_nowhere_is_said_of_each_operator() -> None:
    document = plan_json(plan_agent(ANSWER, fleet(cores(1), h100(0)), PlanRequest()))
    assert (document["feasible"], document["binding"], document["best_latency_s"]) == (False, "option", None)
    assert document["sla"] is None
    for name in document["what"]:
        assert f"{name}: " in document["message"]
    assert "h100_sxm: the fleet has 0 of them" in document["message"]


def test_the_penalty_of_a_soft_sla_stands_beside_the_cost(worked: Any) -> None:
    # All on CO: 160 ms, 60 ms over 100 ms: 0.06 + 0.06 s x 0.1 USD/s = 0.066, below 0.11 + 0.005 x 0.1 on HP.
    document = plan_json(worked(0.100, 0.1))
    assert document["cost_usd"] == pytest.approx(0.06)
    assert document["penalty_usd"] == pytest.approx(0.006)
    assert document["bound_usd"] == pytest.approx(0.066)
    total = document["cost_usd"] + document["penalty_usd"]
    assert document["gap"] == pytest.approx((total - document["bound_usd"]) / total, abs=1e-9)
    assert "penalty" in document["bound_scope"]


def test_a_row_says_what_is_simulated_and_where_its_time_comes_from() -> None:
    rows = {row.op: row for row in plan_rows(plan_agent(replace(ANSWER, sla=None), fleet(), PlanRequest()))}
    prefill, render = rows["llm.prefill"], rows["llm.render"]
    assert (prefill.simulated, prefill.model, prefill.precision) == (True, "llama3.1-8b", "fp16")
    assert (render.simulated, render.model, render.precision) == (False, None, None)
    assert prefill.source == "calibrated"
