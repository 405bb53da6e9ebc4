"""A server on a real socket over the worked example, with an executor that needs no Ray."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from costmodel.fleet import load_fleet
from orchestrator.agent_files import find_all
from orchestrator.server import listen
from orchestrator.server.app import create_app
from orchestrator.service import Service, ServiceLimits
from placement.plan import Plan
from runtime.failure import Failure
from runtime.run_options import OnMiss
from runtime.trace import RunReport

ACTIVE_RUNS = 3


def report_of(plan: Plan, run_id: str, question: str) -> RunReport:
    """A report as the runtime writes it: a success in 100 ms, or the failure that the question asks for."""
    failure = Failure("raised", "ValueError", "boom", "Traceback ...", "answer") if question == "fail" else None
    return RunReport(
        run_id=run_id,
        agent=plan.agent,
        status="error" if failure else "success",
        value=None if failure else f"[simulated] {question}",
        error=failure,
        operators=(),
        attempts=(),
        latency_s=0.1,
        promised_latency_s=plan.promised.latency_s,
        promised_latency_mean_s=plan.promised.latency_mean_s,
        promised_latency_worst_s=plan.promised.latency_worst_s,
        sla_stat=None if plan.sla is None else plan.sla.stat,
        limit_s=None if plan.sla is None else plan.sla.limit_s,
        verdict="none" if failure else "met",
        loop_capped=False,
        marks=(),
        simulated=True,
        simulated_operators=("answer.prefill",),
        questions={},
        results={},
        wall_s=0.1,
        time_scale=1.0,
        notes=(),
    )


@dataclass
class FakeExecutor:
    """Answers at once; a question `wait` waits until the test says so, `broken` breaks the executor itself."""

    plan: Plan
    on_miss: OnMiss
    release: threading.Event
    running: threading.Event
    started: bool = False
    closed: bool = False

    def start(self) -> None:
        self.started = True

    async def execute(self, inputs: Mapping[str, Any], *, run_id: str) -> RunReport:
        assert self.started
        assert not self.closed
        question = inputs["question"]
        if question == "wait":
            self.running.set()
            await asyncio.to_thread(self.release.wait)
        if question == "broken":
            raise RuntimeError("the executor broke")
        return report_of(self.plan, run_id, question)

    def close(self) -> None:
        self.closed = True


@dataclass
class Served:
    """The server as a test sees it: a client, its address, and the executors that were made."""

    client: httpx2.Client
    url: str
    service: Service
    release: threading.Event = field(default_factory=threading.Event)
    running: threading.Event = field(default_factory=threading.Event)
    executors: list[FakeExecutor] = field(default_factory=list[FakeExecutor])

    def finished(self, run_id: str) -> dict[str, Any]:
        """The run once it has ended; the server's own tasks are awaited, no clock is read."""
        while True:
            run = self.client.get(f"/v1/runs/{run_id}").json()
            if run["finished_at"] is not None:
                return run


@pytest.fixture
def served(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.chdir(project)
    executors: list[FakeExecutor] = []
    release, running = threading.Event(), threading.Event()

    def make(plan: Plan, on_miss: OnMiss) -> FakeExecutor:
        executors.append(FakeExecutor(plan, on_miss, release, running))
        return executors[-1]

    agents = find_all([Path("examples/worked_example.py")])
    fleet = load_fleet("examples/fleets/hp-co.yaml")
    service = Service(agents, fleet, make, root=project, limits=ServiceLimits(active_runs=ACTIVE_RUNS))
    listening = listen.bind("127.0.0.1", 0)
    server = listen.server_of(create_app(service))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    url = listen.url_of(listening)
    try:
        with httpx2.Client(base_url=url) as client:
            yield Served(client, url, service, release, running, executors)
    finally:
        release.set()
        server.should_exit = True
        thread.join()
        listening.close()
