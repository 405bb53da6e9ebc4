"""A load whose traffic is split: what tables, JSON and the plan document say of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.fleet import load_fleet
from orchestrator.agent_files import find_all
from orchestrator.commands.fleet_explain_text import Patience, fleet_explain_text, held_of
from orchestrator.commands.fleet_text import fleet_text
from orchestrator.commands.plan_load import LoadOptionError, check_alone
from orchestrator.fleet_pipeline import FleetPlan, FleetRequest, plan_fleet
from orchestrator.fleet_report import agent_rows, fleet_json, placed_rows, pool_rows
from orchestrator.route_rows import route_rows
from orchestrator.running import RunningPlanError, running, running_together
from placement.load_document import load_load
from runtime.program import compile


@pytest.fixture(scope="module")
def split(project: Path) -> FleetPlan:
    """The voice agent at 80 runs a second: its 16 A40 are too few to transcribe all speech."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        load = load_load("examples/loads/voice.yaml")
        load = replace(load, agents=(replace(load.agents[0], rate_per_s=80.0),))
        graphs = find_all([Path("examples/voice_agent.py")])
        return plan_fleet(graphs, load_fleet("examples/fleets/provisioned.yaml"), load, FleetRequest())


def test_a_split_fills_the_cheap_class_first_and_costs_less(split: FleetPlan) -> None:
    answer = split.answer
    assert answer is not None
    assert answer.unsplit is not None
    assert answer.evaluation.usd_per_hour < 0.9 * answer.unsplit.usd_per_hour
    (agent,) = agent_rows(split, answer)
    assert agent.sla_limit_s is not None
    assert agent.latency_s <= agent.sla_limit_s
    rows = [row for row in placed_rows(split, answer) if row.operator == "transcribe"]
    assert len(rows) > 1
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    assert sum(row.visits for row in rows) == pytest.approx(1.0)
    assert all("voice_agent/transcribe" in row.operators for row in pool_rows(split, answer) if row.id == rows[0].pool)
    total = sum(row.usd_per_run for row in placed_rows(split, answer))
    assert total == pytest.approx(agent.usd_per_run)


def test_text_and_json_show_the_shares(split: FleetPlan) -> None:
    answer = split.answer
    assert answer is not None
    text = fleet_text(split)
    assert " share " in text
    assert "\nsplit: the runs of voice_agent/transcribe are spread over several pools; the best plan found" in text
    document = fleet_json(split)
    assert document["unsplit"]["usd_per_hour"] > document["usd_per_hour"]
    assert 0.0 <= document["gap"] <= 1.0
    assert document["bound_scope"] == "load alone"
    assert {row["share"] < 1.0 for row in document["operators"] if row["operator"] == "transcribe"} == {True}
    assert {row["share"] for row in document["operators"] if row["operator"] != "transcribe"} == {1.0}


def test_the_plan_document_has_the_routes_and_compiles(split: FleetPlan) -> None:
    (document,) = split.plans
    operator = next(each for each in document.operators if each.id == "transcribe")
    assert len(operator.routes) > 1
    assert sum(route.share for route in operator.routes) == pytest.approx(1.0)
    assert {route.pool for route in operator.routes} <= {pool.id for pool in document.pools}
    times = [route.mean_s for route in operator.routes]
    assert None not in times
    # The promise of a call is the mean over its routes.
    mean_s = sum(route.share * (route.mean_s or 0.0) for route in operator.routes)
    assert operator.promised.mean_s == pytest.approx(mean_s)
    paid = sum(each.visits * each.promised.cost_usd for each in document.operators)
    paid += sum(each.visits * each.cost_usd for each in document.transfers)
    assert document.promised.cost_usd == pytest.approx(paid)
    assert len(compile(document).operators) == len(document.operators)


def test_the_page_shows_this_plan(split: FleetPlan, project: Path) -> None:
    answer = split.answer
    assert answer is not None
    assert answer.unsplit is not None
    page = (project / "docs/provisioned.md").read_text(encoding="utf-8")
    rows = [row for row in placed_rows(split, answer) if row.operator == "transcribe"]
    pools = {row.id: row.replicas for row in pool_rows(split, answer)}
    (a40, gaudi) = rows
    assert f"gap {answer.unsplit.gap:.0%} of that program) | ${answer.unsplit.usd_per_hour:.4g} |" in page
    told = f"{a40.share:.0%} of `transcribe` on {pools[a40.pool]} A40, {gaudi.share:.0%} on {pools[gaudi.pool]} Gaudi 3"
    assert f"| {told} | ${answer.evaluation.usd_per_hour:.4g} |" in page


def test_each_route_has_its_time_and_slack(split: FleetPlan) -> None:
    answer = split.answer
    assert answer is not None
    rows = [row for row in route_rows(split.shared, answer) if row.operator == "transcribe"]
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    # The percentile takes the slowest route: only it is critical, and what the others are faster is theirs to take.
    slowest = max(rows, key=lambda row: row.time_s)
    assert [row.critical for row in rows] == [row is slowest for row in rows]
    (agent,) = agent_rows(split, answer)
    assert agent.sla_limit_s is not None
    assert slowest.slack_s == pytest.approx(agent.sla_limit_s - agent.latency_s)
    ends = [row.time_s + (row.slack_s or 0.0) for row in rows]
    assert ends == pytest.approx([ends[0]] * len(ends))


def test_an_explanation_has_every_route_as_the_page_shows(split: FleetPlan, project: Path) -> None:
    lines = fleet_explain_text(split, "voice_agent.transcribe", Patience(0.0)).splitlines()
    page = (project / "docs/reasons.md").read_text(encoding="utf-8")
    assert "\n".join(lines[:4]) in page
    assert [line.split("%")[0].strip() for line in lines[2:4]] == ["62.8", "37.2"]
    taken = [line for line in lines if line.startswith("->")]
    # Without time for a search: all on A40 is not decided, all on Gaudi 3 fits, and costs what it costs.
    assert ["all runs here: not decided in time" in line for line in taken] == [True, False]
    assert "all runs here: at most $" in taken[1]


def test_answers_are_held_against_the_gap_of_the_program(split: FleetPlan) -> None:
    answer = split.answer
    assert answer is not None
    assert answer.unsplit is not None
    held = held_of(answer)
    assert answer.gap > 0.1  # of the load alone
    assert (held.gap, held.splits) == (answer.unsplit.gap, True)


def test_the_documents_say_what_runs_where(split: FleetPlan) -> None:
    answer = split.answer
    assert answer is not None
    found = running_together(split.shared, split.plans)
    assert found == answer.placement
    with pytest.raises(RunningPlanError, match=r"transcribe is spread over 2 pools.* give --load"):
        running(split.shared.agents[0], split.plans[0])


def test_no_split_plans_each_operator_on_one_pool(
    split: FleetPlan, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    whole = plan_fleet(
        {each.name: each for each in split.graphs}, split.fleet, split.load, FleetRequest(split=False)
    ).answer
    assert whole is not None
    assert split.answer is not None
    assert split.answer.unsplit is not None
    assert whole.placement.routes == {}
    assert whole.evaluation.usd_per_hour == pytest.approx(split.answer.unsplit.usd_per_hour)


def test_without_a_load_there_is_nothing_to_split() -> None:
    with pytest.raises(LoadOptionError, match="leave --no-split out"):
        check_alone("cost", None, no_split=True)
