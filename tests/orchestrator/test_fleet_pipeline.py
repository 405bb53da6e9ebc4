from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.calibration import load_calibration
from costmodel.fleet import Fleet, load_fleet
from ir.sla import Sla
from orchestrator.agent_files import find_all
from orchestrator.commands.fleet_text import fleet_text
from orchestrator.fleet_pipeline import FleetPlan, FleetRequest, FleetRequestError, plan_fleet
from orchestrator.fleet_report import agent_rows, fleet_json, placed_rows, pool_rows
from orchestrator.graph import Graph
from placement.load import AgentDemand, Load
from placement.load_document import load_load

FIVE = (
    "examples/voice_agent.py",
    "examples/research_assistant.py",
    "examples/patterns/rag_two_retrievals.py",
    "examples/patterns/single_agent_with_tools.py",
    "examples/patterns/supervisor.py",
)


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def graphs(*files: str) -> dict[str, Graph]:
    return find_all([Path(each) for each in files or ("examples/voice_agent.py",)])


def fleet(name: str = "provisioned") -> Fleet:
    return load_fleet(f"examples/fleets/{name}.yaml")


def voice(**changes: object) -> Load:
    load = load_load("examples/loads/voice.yaml")
    (agent,) = load.agents
    return replace(load, agents=(replace(agent, **changes),))  # type: ignore[arg-type]


def planned(load: Load) -> FleetPlan:
    return plan_fleet(graphs(), fleet(), load, FleetRequest())


def test_the_voice_agent_in_service_keeps_its_sla_with_waiting_and_margin() -> None:
    plan = planned(voice())
    assert plan.answer is not None
    (agent,) = agent_rows(plan, plan.answer)
    assert agent.latency_s <= 4.0
    assert plan.answer.evaluation.samples == 10_000
    (document,) = plan.plans
    assert document.cost_basis == "provisioned"
    assert document.promised.latency_s == agent.latency_s


def test_a_plan_of_the_heuristic_has_the_programs_bound_too() -> None:
    """At one run a second the judge refuses what the program finds cheaper, and the heuristic's plan stays."""
    plan = planned(voice(rate_per_s=1.0))
    assert plan.answer is not None
    assert plan.answer.gap < 0.05


def test_twice_the_load_costs_more_but_less_than_twice_as_much() -> None:
    costs = [planned(voice(rate_per_s=rate)).answer for rate in (8.0, 16.0)]
    low, high = (each.evaluation.usd_per_hour for each in costs if each is not None)
    assert low < high < 2.05 * low


def test_no_pool_is_busier_than_its_cap() -> None:
    plan = planned(voice(rate_per_s=20.0))
    assert plan.answer is not None
    rows = list(pool_rows(plan, plan.answer))
    assert max(row.replicas for row in rows) > 1
    assert all(row.utilisation <= row.cap + 1e-9 for row in rows)
    assert sum(row.usd_per_hour for row in rows) == pytest.approx(plan.answer.evaluation.usd_per_hour)


def test_five_agents_share_pools_and_their_costs_add_up() -> None:
    told: list[str] = []
    load = load_load("examples/loads/five-agents.yaml")
    plan = plan_fleet(graphs(*FIVE), fleet(), load, FleetRequest(), told.append)
    assert plan.answer is not None
    document = fleet_json(plan)
    assert [each["agent"] for each in document["agents"]] == [each.agent for each in load.agents]
    assert sum(each["usd_per_hour"] for each in document["agents"]) == pytest.approx(document["usd_per_hour"])
    assert all(each["sla_limit_s"] is None or each["latency_s"] <= each["sla_limit_s"] for each in document["agents"])
    shared = [row for row in pool_rows(plan, plan.answer) if len({name.split("/")[0] for name in row.operators}) == 5]
    assert shared, "a pool that all five agents use"
    for agent in agent_rows(plan, plan.answer):
        rows = [row for row in placed_rows(plan, plan.answer) if row.agent == agent.agent]
        assert sum(row.usd_per_run for row in rows) == pytest.approx(agent.usd_per_run)
    assert told[0].startswith("5 agents, ")
    assert any("an hour, gap" in each for each in told)
    assert document["bound_scope"].startswith("surrogate")
    assert document["margin"] == 1.25
    assert any("margin 1.25" in each for each in document["assumptions"])


def test_each_time_may_have_the_margin_of_its_own_interval() -> None:
    plan = planned(replace(voice(), margin="interval"))
    assert plan.answer is not None
    rows = {row.operator: row for row in placed_rows(plan, plan.answer)}
    assert rows["recall"].factor == 1.0  # stated by its author
    spread = load_calibration().spread
    assert rows["transcribe"].factor == spread["tpot"]["unlike device"].high  # no run of such a model was measured
    assert rows["converse.decode"].factor in {each.high for each in spread["tpot"].values()}
    assert rows["converse.prefill"].factor in {each.high for each in spread["ttft"].values()}
    assert all(row.held_s == pytest.approx(row.factor * row.visit_s) for row in rows.values())
    busy = sum(row.visits * row.held_s for row in rows.values() if row.operator in {"transcribe", "speak"})
    pool = next(row for row in pool_rows(plan, plan.answer) if "voice_agent/speak" in row.operators)
    assert pool.utilisation == pytest.approx(2.0 * busy / pool.replicas)
    text = fleet_text(plan)
    assert "x1.258" in text
    assert "margin: every limit holds although each time is at the upper end of its own interval" in text
    assert fleet_json(plan)["margin"] == "interval"


def test_system_prompts_are_kept_where_the_load_says_so() -> None:
    load = Load("rag", (AgentDemand("rag_two_retrievals", 1.0, sla=Sla("p95", 4.0)),))
    times: list[float] = []
    for keeps in (True, False):
        plan = plan_fleet(graphs(FIVE[2]), fleet(), replace(load, keeps_prefixes=keeps), FleetRequest())
        assert plan.answer is not None
        told = " ".join(fleet_json(plan)["assumptions"])
        assert ("keeps their KV and reads only the rest" in told) == keeps
        assert ("prompts share no KV of a common prefix" in told) != keeps
        (agent,) = plan.shared.problem.agents
        prefill = next(index for index, each in enumerate(agent.problem.operators) if ".prefill (colo" in each.id)
        rows = zip(agent.problem.operators[prefill].options, agent.services[prefill], strict=True)
        times.append(min(each.slot_s for option, each in rows if "h100" in agent.problem.pools[option.pool].id))
    assert times[0] < times[1]


def test_an_encoder_may_stand_apart_from_its_decoder() -> None:
    (agent,) = planned(replace(voice(), splits_encoders=True)).shared.problem.agents
    halves = [each for each in agent.problem.operators if "(split)" in each.id]
    assert [each.id for each in halves] == ["transcribe.encode (split)", "transcribe.decode_encoded (split)"]
    parts = [{agent.problem.pools[option.pool].part for option in each.options} for each in halves]
    assert parts == [{"encoder"}, {"decoder"}]


def test_an_sla_that_nothing_keeps_is_infeasible_with_a_reason() -> None:
    plan = planned(voice(sla=Sla("p95", 0.2)))
    assert not plan.feasible
    assert (plan.plans, plan.answer) == ((), None)
    assert fleet_json(plan)["message"] == plan.why != ""


def test_a_pin_that_leaves_nothing_says_which_operator_and_why() -> None:
    plan = planned(voice(pins={"speak": "spyre_1_0"}))
    assert not plan.feasible
    assert plan.why.startswith("nothing may run speak of voice_agent: ")
    assert "pinned to spyre_1_0" in plan.why


def test_a_load_needs_a_fleet_that_is_paid_by_the_hour() -> None:
    with pytest.raises(FleetRequestError, match=r"'mixed' has cost_basis: metered.*write cost_basis: provisioned"):
        plan_fleet(graphs(), fleet("mixed"), voice(), FleetRequest())


def test_an_agent_that_no_file_defines() -> None:
    load = Load("test", (AgentDemand("absent", 1.0),))
    with pytest.raises(FleetRequestError, match="names the agent 'absent', and the files define voice_agent"):
        plan_fleet(graphs(), fleet(), load, FleetRequest())


def test_agents_without_a_rate_are_told_but_for_those_that_others_call() -> None:
    plan = plan_fleet(graphs("examples/voice_agent.py", FIVE[-1]), fleet(), voice(), FleetRequest())
    assert plan.left_out == ("supervisor",)


def test_a_function_may_choose_its_model() -> None:
    plan = planned(voice())
    (agent,) = plan.shared.problem.agents
    speak = next(each for each in agent.problem.operators if each.id == "speak")
    models = {agent.problem.pools[option.pool].model or "" for option in speak.options}
    assert {"kokoro-82m", "orpheus-3b-tts"} <= models


def test_without_the_calibration_the_roofline_predicts() -> None:
    plan = plan_fleet(graphs(), fleet(), voice(), FleetRequest(calibration="none"))
    (agent,) = plan.shared.problem.agents
    decode = next(each for each in agent.problem.operators if each.id.startswith("converse.decode"))
    assert {option.source for option in decode.options} == {"roofline"}


def test_reasons_against_pools_are_told_once() -> None:
    plan = planned(voice(pins={"speak": "spyre_1_0"}))
    assert plan.why.count("pinned to spyre_1_0") == 1
    assert " pools such as " in plan.why


def test_power_that_nobody_knows_cannot_be_minimised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placement.levels.without_power", lambda *_: ("mystery",))
    with pytest.raises(FleetRequestError, match="nobody says what mystery draws"):
        plan_fleet(graphs(), fleet(), voice(), FleetRequest(objective="cost+carbon"))
    assert plan_fleet(graphs(), fleet(), voice(), FleetRequest(objective="cost")).feasible
