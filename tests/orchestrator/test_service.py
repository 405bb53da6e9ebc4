"""The service between its front ends and the road from agent to run; what it does over HTTP is tested there."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from costmodel.fleet import load_fleet
from orchestrator.agent_files import find_all
from orchestrator.pipeline import PlanRequest
from orchestrator.service import NoPlacementError, Service, UnknownAgentError, ray_executors
from placement.plan import Plan
from runtime.ray_resources import needs
from runtime.run_options import OnMiss, RunOptions

INPUT = {"question": "why?"}


@dataclass(eq=False)
class Stuck:
    """An executor whose runs never end by themselves."""

    running: threading.Event
    closed: threading.Event

    def start(self) -> None:
        return None

    async def execute(self, inputs: Mapping[str, Any], *, run_id: str) -> Any:
        self.running.set()
        await asyncio.Event().wait()

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def stuck() -> Stuck:
    return Stuck(threading.Event(), threading.Event())


@pytest.fixture
def service(project: Path, stuck: Stuck, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.chdir(project)

    def make(plan: Plan, on_miss: OnMiss) -> Stuck:
        return stuck

    agents = find_all([Path("examples/worked_example.py")])
    return Service(agents, load_fleet("examples/fleets/hp-co.yaml"), make)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 120))


def test_closing_cancels_what_runs_and_closes_executors(service: Service, stuck: Stuck) -> None:
    async def work() -> None:
        graph = service.graph_of("worked_example", None)
        record = await service.start_run(graph, INPUT, PlanRequest(), "continue")
        await asyncio.to_thread(stuck.running.wait)
        await service.close()
        ended = service.runs.get(record.id)
        assert ended is not None
        assert ended.status == "cancelled"
        assert ended.finished_at is not None
        assert stuck.closed.is_set()

    run(work())


def test_a_plan_is_kept(service: Service) -> None:
    async def work() -> None:
        record = await service.plan(service.graph_of("worked_example", None), PlanRequest())
        assert service.plans.get(record.id) is record
        assert record.plan.promised.cost_usd == pytest.approx(0.095)

    run(work())


def test_an_infeasible_plan_carries_its_document(service: Service) -> None:
    async def work() -> None:
        from ir.sla import parse_sla

        with pytest.raises(NoPlacementError) as caught:
            await service.plan(service.graph_of("worked_example", None), PlanRequest(sla=parse_sla("100ms")))
        assert caught.value.document["best_latency_s"] == pytest.approx(0.105)

    run(work())


def test_an_unknown_agent(service: Service) -> None:
    with pytest.raises(UnknownAgentError, match="served are worked_example"):
        service.graph_of("nobody", None)


def test_executors_on_ray_know_the_whole_fleet(service: Service) -> None:
    async def work() -> None:
        record = await service.plan(service.graph_of("worked_example", None), PlanRequest())
        fleet = load_fleet("examples/fleets/hp-co.yaml")
        executor: Any = ray_executors(fleet, RunOptions(time_scale=0.5))(record.plan, "cancel")
        assert executor.options.on_miss == "cancel"
        assert executor.options.time_scale == 0.5
        assert executor.options.resources == {"cpu": 2.0, "hp": 1.0, "co": 1.0}
        assert set(needs(record.plan)) <= set(executor.options.resources)

    run(work())
