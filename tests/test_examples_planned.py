"""The examples on the shipped fleets give the plans that their texts promise."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from costmodel.fleet import Fleet, load_fleet
from ir.sla import Sla, parse_sla
from orchestrator.agent_files import find_agent
from orchestrator.graph import Graph
from orchestrator.pipeline import PlanRequest, PlanResult, plan_agent, price_agent
from orchestrator.report import plan_json
from placement.infeasible import InfeasibleError
from placement.plan import Plan
from placement.problem import Problem
from placement.solve import Solution, solve
from runtime.program import compile

EXAMPLES = ("worked_example", "voice_agent", "research_assistant")
PAIRS = (
    ("worked_example", "hp-co"),
    ("voice_agent", "paper-2025"),
    ("voice_agent", "mixed"),
    ("research_assistant", "mixed"),
    ("research_assistant", "paper-2025"),
)
CPU_OPS = ("tool.invoke", "memory.lookup", "memory.load", "memory.store", "agent.compute", "llm.render", "llm.parse")
STEP = 0.95
"""Each limit of a tightening is this share of the last plan's latency."""


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def graph(name: str) -> Graph:
    return find_agent(Path(f"examples/{name}.py"), None).graph


def fleet(name: str) -> Fleet:
    return load_fleet(f"examples/fleets/{name}.yaml")


def planned(example: str, on: str, sla: str | None = None) -> PlanResult:
    return plan_agent(graph(example), fleet(on), PlanRequest(sla=None if sla is None else parse_sla(sla)))


def devices(result: PlanResult) -> dict[str, str]:
    """The device class of each operator."""
    return {operator["name"]: operator["device"] for operator in plan_json(result)["operators"]}


@pytest.mark.parametrize(
    ("sla", "latency_s", "cost_usd", "prefill", "decode"),
    [
        ("120ms", 0.120, 0.095, "hp", "co"),  # 80 + 10 + 30 ms; 0.08 + 0.005 + 0.01 USD
        ("110ms", 0.105, 0.11, "hp", "hp"),  # 80 + 25 ms; 0.08 + 0.03 USD
        ("1s", 0.160, 0.06, "co", "co"),  # 130 + 30 ms; 0.05 + 0.01 USD
    ],
)
def test_the_worked_example(sla: str, latency_s: float, cost_usd: float, prefill: str, decode: str) -> None:
    result = planned("worked_example", "hp-co", sla)
    document = plan_json(result)
    assert document["feasible"]
    for name in ("latency_s", "latency_mean_s", "latency_worst_s"):
        assert document[name] == pytest.approx(latency_s, rel=1e-12)
    assert document["cost_usd"] == pytest.approx(cost_usd, rel=1e-12)
    assert document["bound_usd"] == pytest.approx(cost_usd, rel=1e-6)
    assert document["sla"] == {"stat": "worst", "limit_s": parse_sla(sla).limit_s}
    assert devices(result) == {
        "answer.render": "cpu",
        "answer.prefill": prefill,
        "answer.decode": decode,
        "answer.parse": "cpu",
    }


def test_the_worked_example_below_what_can_be_done() -> None:
    document = plan_json(planned("worked_example", "hp-co", "100ms"))
    assert not document["feasible"]
    assert document["binding"] == "sla"
    assert document["best_latency_s"] == pytest.approx(0.105, rel=1e-12)  # all on HP: 80 + 25 ms
    assert "105 ms" in document["message"]


@pytest.fixture(scope="module")
def voice(project: Path) -> PlanResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        return planned("voice_agent", "paper-2025", "4s")


def test_the_voice_agents_tools_memory_and_compute_are_on_cores(voice: PlanResult) -> None:
    assert voice.plan is not None
    assert voice.plan.promised.latency_s <= 4.0
    placed = devices(voice)
    on_cores = [operator.id for operator in voice.plan.operators if operator.op in CPU_OPS]
    assert {"recall", "choose_language", "web_search", "prepare_speech"} < set(on_cores)
    assert {placed[name] for name in on_cores} == {"xeon_8480p"}


def test_the_voice_agents_speech_goes_where_it_costs_least(voice: PlanResult) -> None:
    """At 4 s the limit does not bind, so that each step is on the cheapest option that its links allow."""
    assert voice.solution is not None
    problem = voice.lowered.problem
    chosen = {
        operator.id: operator.options[option].cost_usd
        for operator, option in zip(problem.operators, voice.solution.placement.option, strict=True)
        if operator.op.startswith("model.") and option is not None
    }
    assert list(chosen) == ["transcribe.encode (split)", "transcribe.decode_encoded (split)", "speak"]
    cheapest = {each.id: min(option.cost_usd for option in each.options) for each in problem.operators if each.options}
    assert chosen == {name: cheapest[name] for name in chosen}
    assert sum(cheapest[name] for name in chosen if "split" in name) < cheapest["transcribe (whole)"]


def test_the_report_says_under_which_cost_basis_the_papers_claim_holds(voice: PlanResult) -> None:
    (finding,) = plan_json(voice)["findings"]
    assert "'non-LLM parts on CPU'" in finding
    for basis in ("operating column", "full cost (with principal)", "CPU cores at no charge"):
        assert basis in finding
    assert "it holds" in finding


def solved(problem: Problem, limit_s: float) -> Solution | None:
    try:
        return solve(replace(problem, sla=Sla("worst", limit_s)))
    except InfeasibleError:
        return None


def tightened(problem: Problem) -> list[Solution]:
    """The plans of a limit that is tightened step by step, from one that binds nothing to the last that can be kept."""
    found = [solve(replace(problem, sla=Sla("worst", 1e6)))]
    while (tighter := solved(problem, STEP * found[-1].evaluation.latency_s)) is not None:
        found.append(tighter)
    return found


@pytest.mark.parametrize(
    ("example", "on"), [("voice_agent", "paper-2025"), ("voice_agent", "mixed"), ("research_assistant", "mixed")]
)
def test_a_tighter_limit_never_costs_less_and_moves_work_to_faster_devices(example: str, on: str) -> None:
    problem = price_agent(graph(example), fleet(on), PlanRequest()).problem
    plans = tightened(problem)
    assert len(plans) > 4
    for looser, tighter in pairwise(plans):
        assert tighter.evaluation.latency_s <= STEP * looser.evaluation.latency_s * (1 + 1e-9)
        # cost falls by no more than the gap: no plan of the looser limit is below its bound, and this is one
        assert tighter.evaluation.cost_usd >= looser.bound_usd
        assert looser.gap <= 1e-6
    slowest, fastest = (times(problem, plan) for plan in (plans[0], plans[-1]))
    moved = [name for name in slowest if name in fastest and slowest[name] != fastest[name]]
    assert len(moved) + len(slowest.keys() - fastest.keys()) >= 3
    assert [name for name in moved if fastest[name] > slowest[name]] == []


def times(problem: Problem, solution: Solution) -> dict[str, float]:
    """Seconds of one visit of each operator that runs, by its id without the alternative."""
    rows = zip(problem.operators, solution.placement.option, strict=True)
    return {each.id.split(" ")[0]: each.options[option].latency_s for each, option in rows if option is not None}


def test_a_limit_that_cannot_be_kept_names_the_best_that_can() -> None:
    document = plan_json(planned("voice_agent", "paper-2025", "100ms"))
    assert (document["feasible"], document["binding"]) == (False, "sla")
    best_s = document["best_latency_s"]
    assert planned("voice_agent", "paper-2025", f"{best_s * (1 + 1e-9)!r}s").feasible
    assert not planned("voice_agent", "paper-2025", f"{best_s * 0.999!r}s").feasible


def test_the_research_assistant_runs_its_tools_on_cores_and_its_models_elsewhere() -> None:
    result = planned("research_assistant", "mixed")
    assert result.plan is not None
    assert result.plan.sla is not None
    assert result.plan.promised.latency_s <= result.plan.sla.limit_s
    drivers = {operator.id: operator.driver for operator in result.plan.operators}
    really_run = {operator.id for operator in result.plan.operators if operator.op in CPU_OPS}
    assert {name for name, driver in drivers.items() if driver == "cpu"} == really_run
    assert {"search_docs", "find_text", "calculate", "gather", "check_citations", "compose"} <= really_run
    assert {name.split(".")[0] for name in drivers if name.endswith(".decode")} == {
        "plan_research",
        "write_draft",
        "revise",
    }


@pytest.mark.parametrize(("example", "on"), PAIRS)
def test_every_example_gives_a_whole_plan(example: str, on: str) -> None:
    result = planned(example, on, "60s")
    plan = result.plan
    assert plan is not None
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert len(compile(plan).operators) == len(plan.operators)
    costs = [each.visits * each.promised.cost_usd for each in plan.operators]
    costs += [each.visits * each.cost_usd for each in plan.transfers]
    assert math.fsum(costs) == pytest.approx(plan.promised.cost_usd, rel=1e-12)
    taken: dict[str, int] = {}
    for pool in plan.pools:
        taken[pool.device] = taken.get(pool.device, 0) + pool.replicas * pool.tp
    assert all(count <= result.fleet.device_class(device).count for device, count in taken.items())


@pytest.mark.parametrize("example", EXAMPLES)
def test_planning_an_example_twice_gives_the_same_plan(example: str) -> None:
    on = dict(PAIRS)[example]
    first, second = planned(example, on), planned(example, on)
    assert first.plan == second.plan is not None


def test_the_json_of_a_plan_has_what_is_promised_of_it() -> None:
    document: dict[str, Any] = plan_json(planned("worked_example", "hp-co"))
    fields = (
        "feasible sla latency_s latency_mean_s latency_worst_s cost_basis cost_usd bound_usd gap bound_scope "
        "critical_path operators"
    )
    assert set(fields.split()) <= document.keys()
    assert all({"name", "op", "device", "latency_s", "cost_usd"} <= each.keys() for each in document["operators"])
    assert document["cost_basis"] == "metered"
