import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from costmodel.errors import FleetError
from costmodel.fleet import Link
from ir.sla import Sla
from ir.view import graphs
from orchestrator.agent_files import find_agent
from orchestrator.graph import Graph
from orchestrator.graph_json import graph_from_json, to_json_text
from orchestrator.pipeline import PlanRequest, PlanRequestError, lower, plan_agent
from placement.evaluate import evaluate
from placement.plan import Plan
from runtime.program import compile
from tests.placement import sample_agents as agents
from tests.placement.sample_agents import cores, described, fleet, h100, row

ANSWER = agents.answer_agent.trace()


def sample(name: str) -> Graph:
    return find_agent(Path(__file__).with_name("agents_sample.py"), name).graph


def test_a_plan_with_all_that_it_was_made_of() -> None:
    request = PlanRequest(sla=Sla("p95", 30.0))
    result = plan_agent(ANSWER, fleet(), request)
    assert result.feasible
    assert result.infeasible is None
    assert result.plan is not None
    assert result.solution is not None
    assert (result.request, result.graph, result.fleet) == (request, ANSWER, fleet())
    assert evaluate(result.lowered.problem, result.solution.placement) == result.solution.evaluation
    assert result.plan.promised.cost_usd == result.solution.evaluation.cost_usd
    assert result.plan.sla is not None
    assert (result.plan.sla.stat, result.plan.sla.limit_s) == ("p95", 30.0)
    assert 0 < result.seconds < 60


def test_an_impossible_limit_is_no_error() -> None:
    result = plan_agent(ANSWER, fleet(), PlanRequest(sla=Sla("worst", 0.001)))
    assert not result.feasible
    assert (result.plan, result.solution) == (None, None)
    assert result.infeasible is not None
    assert (result.infeasible.kind, result.infeasible.limit) == ("sla", 0.001)
    # what it names as the best achievable can be achieved
    best_s = result.infeasible.value
    assert plan_agent(ANSWER, fleet(), PlanRequest(sla=Sla("worst", best_s))).feasible
    assert not plan_agent(ANSWER, fleet(), PlanRequest(sla=Sla("worst", 0.999 * best_s))).feasible


def test_without_a_limit_in_the_request_the_agents_own_holds() -> None:
    own = replace(ANSWER, sla=Sla("mean", 50.0))
    mine, both = plan_agent(own, fleet(), PlanRequest()), plan_agent(own, fleet(), PlanRequest(sla=Sla("p50", 40.0)))
    none = plan_agent(ANSWER, fleet(), PlanRequest())
    slas = [result.lowered.problem.sla for result in (mine, both, none)]
    assert slas == [Sla("mean", 50.0), Sla("p50", 40.0), None]


def test_a_soft_limit_may_be_missed_at_its_price() -> None:
    soft = plan_agent(ANSWER, fleet(), PlanRequest(sla=Sla("worst", 0.001), soft_usd_per_s=1e-9))
    assert soft.solution is not None
    late_s = soft.solution.evaluation.latency_s - 0.001
    assert soft.solution.evaluation.penalty_usd == pytest.approx(late_s * 1e-9)
    assert soft.plan is not None
    assert "penalty" in soft.plan.bound_scope


def test_a_price_on_seconds_over_no_limit_is_refused() -> None:
    with pytest.raises(PlanRequestError, match="a soft SLA needs an SLA"):
        plan_agent(ANSWER, fleet(), PlanRequest(soft_usd_per_s=1.0))


def test_batch_and_precisions_reach_the_options() -> None:
    result = plan_agent(ANSWER, fleet(), PlanRequest(batch=4, precisions=("fp16", "fp8")))
    options = [option for operator in result.lowered.problem.operators for option in operator.options]
    assert {option.batch for option in options} == {1, 4}
    assert {pool.precision for pool in result.lowered.problem.pools} == {None, "fp16", "fp8"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 0}, r"batch=0; at least 1 request"),
        ({"time_limit_s": 0.0}, r"time_limit_s=0.0; give the solver some seconds"),
        ({"time_limit_s": math.nan}, r"time_limit_s=nan"),
        ({"soft_usd_per_s": -1.0}, r"soft_usd_per_s=-1.0; a second above the SLA costs 0 or more"),
        ({"precisions": ()}, r"precisions=\(\); offer at least one of fp16"),
        ({"precisions": ("fp16", "fp12")}, r"precision 'fp12'; use one of fp16, fp8"),
    ],
)
def test_a_request_outside_its_rules_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanRequestError, match=message):
        plan_agent(ANSWER, fleet(), PlanRequest(**changes))


def test_a_fleet_of_a_later_version_is_refused() -> None:
    with pytest.raises(FleetError, match="cost_basis: provisioned"):
        plan_agent(ANSWER, replace(fleet(), cost_basis="provisioned"), PlanRequest())
    with pytest.raises(FleetError, match="driver 'openai'"):
        plan_agent(ANSWER, fleet(cores(), h100(driver="openai")), PlanRequest())


def test_what_fits_nowhere_says_why() -> None:
    result = plan_agent(ANSWER, fleet(cores(1), h100(0)), PlanRequest())
    assert result.infeasible is not None
    assert result.infeasible.kind == "option"
    operators = {operator.id: operator for operator in result.lowered.problem.operators}
    why = operators[result.infeasible.what[0]].rejected
    assert why[0].startswith("xeon_8480p/llama3.1-8b/tp1/fp16: memory: needs 16.")
    assert why[1] == "h100_sxm: the fleet has 0 of them"


def test_stages_of_the_ir() -> None:
    names = {
        stage: {op.name for op in next(graphs(lower(ANSWER, stage))).walk()} for stage in ("capture", "decompose-llm")
    }
    assert "llm.call" in names["capture"]
    assert {"llm.render", "llm.prefill", "llm.decode", "llm.parse"} <= names["decompose-llm"] - names["capture"]


@pytest.mark.parametrize("name", ["assistant", "voice", "gather"])
def test_an_agent_with_everything_plans_once_every_tool_has_a_price(name: str) -> None:
    tools = ("search", "recall", "lookup_term", "remember", "merge", "flatten")
    rows = tuple(row(f"{tool}.call", "xeon_8480p", 0.01, 0.0) for tool in tools)
    result = plan_agent(replace(sample(name), sla=None), fleet(cores(), h100(), rows=rows), PlanRequest())
    assert result.plan is not None
    assert Plan.model_validate_json(result.plan.model_dump_json()) == result.plan
    assert compile(result.plan).operators == tuple(result.plan.operators)


def test_a_graph_from_a_document_plans_like_the_captured_one() -> None:
    again = graph_from_json(to_json_text(ANSWER))
    one, other = (plan_agent(graph, fleet(), PlanRequest()).plan for graph in (ANSWER, again))
    assert one == other is not None


@pytest.mark.parametrize(("links", "device"), [((), "xeon_8480p"), ((Link("ear", "xeon_8480p", 1e6, 0, 0),), "ear")])
def test_a_class_that_only_rows_describe_takes_part_where_it_is_linked(links: tuple[Link, ...], device: str) -> None:
    rows = (row("transcribe.run", "ear", 0.5, 0.0),)
    described_too = fleet(cores(), described("ear"), links=links, rows=rows)
    result = plan_agent(agents.speech_agent.trace(), described_too, PlanRequest())
    assert result.plan is not None
    assert result.plan.operators[0].routes[0].pool == f"{device}/whisper-large-v3/tp1/fp16"
