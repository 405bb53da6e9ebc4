"""Plans of a load whose turns go on from the KV of the turn before, and runs of them on several replicas."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from costmodel.fleet import Fleet, load_fleet
from orchestrator import ToolCall, ToolCalls, agent, llm, react, tool
from orchestrator.fleet_pipeline import FleetPlan, FleetRequest, plan_fleet
from orchestrator.fleet_report import fleet_json
from placement.kept_turns import FOUND
from placement.load import AgentDemand, Load
from runtime.ray_executor import RayExecutor
from runtime.run_options import RunOptions
from runtime.trace import RunReport


@tool(latency="500ms", cpu="5ms", cost_usd=0, tokens_out=800)
def look_up(page: int) -> str:
    return f"page {page}"


def three_pages(question: str, messages: list[Any]) -> str | ToolCalls:
    """A page in each of three turns, then the answer: four turns, as expected."""
    read = sum(message["role"] == "tool" for message in messages)
    return ToolCalls([ToolCall("look_up", {"page": read})]) if read < 3 else "read"


@llm(model="llama3.1-8b", tokens_in=8_000, tokens_out=100, max_tokens=300, simulate=three_pages)
def consult(question: str) -> str:
    return question


@agent(sla={"p95": "30s"})
def reader(question: str) -> str:
    return react(consult, [look_up], question, max_turns=6, expect=4)


LOAD = Load("readers", (AgentDemand("reader", 4.0),), keeps_turns=True)


@pytest.fixture
def fleet(project: Path) -> Fleet:
    return load_fleet(project / "examples/fleets/provisioned.yaml")


def planned(load: Load, fleet: Fleet) -> FleetPlan:
    return plan_fleet({"reader": reader.trace()}, fleet, load, FleetRequest(split=False))


def test_turns_that_find_their_kv_take_fewer_devices(fleet: Fleet) -> None:
    kept, anew = planned(LOAD, fleet), planned(replace(LOAD, keeps_turns=False), fleet)
    assert kept.answer is not None
    assert anew.answer is not None
    cost, before = (each.answer.evaluation.usd_per_hour for each in (kept, anew) if each.answer is not None)
    assert cost < 0.85 * before
    assert not any(level.keeps for level in anew.shared.problem.levels)
    (plan,) = kept.plans
    assert plan.choices == {"consult_choice": "continued"}
    (prefill,) = (each for each in plan.operators if each.continues)
    (pool,) = (each for each in plan.pools if each.id == prefill.routes[0].pool)
    assert "/keep/" in pool.id
    assert pool.keeps > 0
    told = fleet_json(kept)["assumptions"]
    assert any(f"memory is left for {pool.keeps} contexts whose tools work" in each for each in told)
    assert any(note.startswith(f"{FOUND:.0%} of later turns") for note in prefill.promised.notes)


@pytest.mark.ray
def test_every_later_turn_finds_the_kv_of_the_turn_before_on_its_replica(fleet: Fleet, project: Path) -> None:
    (plan,) = planned(LOAD, fleet).plans
    (prefill,) = (each for each in plan.operators if each.continues)
    replicas = next(each.replicas for each in plan.pools if each.id == prefill.routes[0].pool)
    assert replicas > 1

    async def all_runs(executor: RayExecutor) -> list[RunReport]:
        return await asyncio.gather(*(executor.execute({"question": "why"}) for _ in range(4)))

    executor = RayExecutor(plan, RunOptions(root=project, time_scale=0.01))
    executor.start()
    try:
        reports = asyncio.run(all_runs(executor))
    finally:
        executor.close()
    taken: set[str] = set()
    for report in reports:
        turns = [report.results[f"consult_react[{turn}]/consult.prefill"] for turn in range(4)]
        assert [each["found"] for each in turns] == [None, *(each["kv"] for each in turns[:-1])]
        (replica,) = {
            each.replica for each in report.attempts if each.operator.startswith("consult.") and "keep" in each.pool
        }
        taken.add(replica)
    assert len(taken) > 1
