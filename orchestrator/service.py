"""What the HTTP server does for its clients: find an agent, plan it, run it, and keep what happened.

All of it is in memory, so plans and runs end with the process; `orchestrator.store` is where one that lasts goes.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.agent_files import check_functions, function_refs
from orchestrator.errors import FunctionLoadError, OrchestratorError
from orchestrator.executors import Executor, Executors, Recipe
from orchestrator.graph import Graph, Json
from orchestrator.graph_json import graph_from_json, to_json_text
from orchestrator.ids import new_id
from orchestrator.pipeline import PlanRequest, plan_agent
from orchestrator.report import plan_json
from orchestrator.run_input import check_inputs
from orchestrator.store.runs import MemoryStore, PlanRecord, RunRecord
from placement.plan import Plan
from runtime.failure import Failure
from runtime.ray_resources import needs
from runtime.run_options import OnMiss, RunOptions
from runtime.trace import RunReport

if TYPE_CHECKING:
    from costmodel.fleet import Fleet

_log = logging.getLogger(__name__)


class UnknownAgentError(OrchestratorError):
    """No agent of that name is served."""


class NoPlacementError(OrchestratorError):
    """No placement keeps the limits; `document` is what `plan --json` prints."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(str(document["message"]))
        self.document = document


class TooManyRunsError(OrchestratorError):
    """As many runs are under way as may be at once."""


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """How much is kept and done at once. Each of the `executors` holds the actors of one plan."""

    plans: int = 1000
    runs: int = 1000
    active_runs: int = 64
    executors: int = 4


class Service:
    """One fleet, some agents, and the plans and runs made since it began.

    `root` is the folder below which functions of posted graphs must lie.
    """

    def __init__(
        self,
        agents: Mapping[str, Graph],
        fleet: Fleet,
        make_executor: Callable[[Plan, OnMiss], Executor],
        *,
        root: Path | None = None,
        limits: ServiceLimits | None = None,
    ) -> None:
        self.limits = limits or ServiceLimits()
        self.agents = dict(agents)
        self.plans: MemoryStore[PlanRecord] = MemoryStore(self.limits.plans)
        self.runs: MemoryStore[RunRecord] = MemoryStore(self.limits.runs)
        self._fleet = fleet
        self._root = root or Path.cwd()
        self._make = make_executor
        self._executors = Executors(self.limits.executors, {each.id: each.count for each in fleet.classes})
        self._planning = asyncio.Lock()
        self._newest_plan: dict[str, str] = {}
        self._active: set[asyncio.Task[None]] = set()

    def graph_of(self, agent: str | None, document: Mapping[str, Json] | None) -> Graph:
        """A served agent by name, or the graph of a document. Raises `UnknownAgentError` or `GraphError`."""
        if document is not None:
            return graph_from_json(document)
        if agent not in self.agents:
            raise UnknownAgentError(f"there is no agent {agent!r}; served are {', '.join(self.agents)}")
        return self.agents[agent]

    async def plan(self, graph: Graph, request: PlanRequest) -> PlanRecord:
        """Plans and keeps the plan. One plan is made at a time. Raises `NoPlacementError`."""
        async with self._planning:
            result = await asyncio.to_thread(plan_agent, graph, self._fleet, request)
        document = plan_json(result)
        if result.plan is None:
            raise NoPlacementError(document)
        record = PlanRecord(new_id("plan"), _now(), graph.name, document, result.plan)
        self.plans.put(record)
        self._newest_plan[_key(graph, request)] = record.id
        if len(self._newest_plan) > self.limits.plans:
            kept = {key: id for key, id in self._newest_plan.items() if self.plans.get(id) is not None}
            self._newest_plan = kept
        return record

    async def start_run(
        self, graph: Graph, inputs: Mapping[str, Json], request: PlanRequest, on_miss: OnMiss
    ) -> RunRecord:
        """Accepts a run and starts it in the background.

        A run that is refused was never accepted: `RunInputError`, `FunctionLoadError`, `NoPlacementError`,
        `TooManyRunsError`.
        """
        self._check_room()
        checked = check_inputs(inputs, graph)
        await asyncio.to_thread(self._check_loadable, graph)
        plan = await self._planned(graph, request)
        self._check_room()
        record = RunRecord(
            id=new_id("run"),
            agent=graph.name,
            plan=plan.id,
            status="queued",
            created_at=_now(),
            inputs=checked,
            sla=None if plan.plan.sla is None else "on_track",
            limit_s=None if plan.plan.sla is None else plan.plan.sla.limit_s,
        )
        self.runs.put(record)
        task = asyncio.create_task(self._run(record, plan.plan, on_miss))
        self._active.add(task)
        task.add_done_callback(self._active.discard)
        return record

    def now(self, record: RunRecord) -> RunRecord:
        """The record with the SLA state of this moment: `at_risk` once the limit has passed on the wall clock."""
        if record.status != "running" or record.started_at is None or record.limit_s is None:
            return record
        elapsed_s = (_now() - record.started_at).total_seconds()
        return replace(record, sla="at_risk") if elapsed_s > record.limit_s else record

    async def close(self) -> None:
        """Cancels the runs under way and gives back what executors hold."""
        active = tuple(self._active)
        for task in active:
            task.cancel()
        await asyncio.gather(*active, return_exceptions=True)
        await self._executors.close()

    def _check_room(self) -> None:
        if len(self._active) >= self.limits.active_runs:
            raise TooManyRunsError(f"{len(self._active)} runs are under way, which is the limit")

    def _check_loadable(self, graph: Graph) -> None:
        """Every function must lie below the served folder, unchanged; nothing is imported to find out."""
        served = {ref.source for each in self.agents.values() for ref in function_refs(each)}
        absent = [source for source in check_functions(graph, self._root) if source not in served]
        if absent:
            raise FunctionLoadError(
                f"{', '.join(absent)} is not below the served folder {self._root}", "serve from the folder that has it"
            )

    async def _planned(self, graph: Graph, request: PlanRequest) -> PlanRecord:
        """The newest plan of this graph and request, if it is still kept; else a new one."""
        newest = self.plans.get(self._newest_plan.get(_key(graph, request), ""))
        return newest or await self.plan(graph, request)

    async def _run(self, record: RunRecord, plan: Plan, on_miss: OnMiss) -> None:
        try:
            recipe = Recipe(f"{record.plan} {on_miss}", lambda: self._make(plan, on_miss), needs(plan))
            async with self._executors.lease(recipe) as executor:
                record = replace(record, status="running", started_at=_now())
                self.runs.put(record)
                report = await executor.execute(record.inputs, run_id=record.id)
            self.runs.put(_finished(record, report))
        except asyncio.CancelledError:
            self.runs.put(replace(record, status="cancelled", finished_at=_now(), error="the server stopped"))
            raise
        except Exception as error:
            _log.exception("run %s could not be carried out", record.id)
            self.runs.put(replace(record, status="error", finished_at=_now(), error=f"{type(error).__name__}: {error}"))


def ray_executors(fleet: Fleet, options: RunOptions) -> Callable[[Plan, OnMiss], Executor]:
    """Makes executors on Ray. A Ray that the first one starts here has the devices of the whole fleet."""
    resources = {each.id: float(each.count) for each in fleet.classes}

    def make(plan: Plan, on_miss: OnMiss) -> Executor:
        from runtime.ray_executor import RayExecutor

        return RayExecutor(plan, replace(options, on_miss=on_miss, resources=resources))

    return make


def _finished(record: RunRecord, report: RunReport) -> RunRecord:
    error = report.error
    return replace(
        record,
        status=report.status,
        sla=None if report.verdict == "none" else report.verdict,
        finished_at=_now(),
        output=report.value,
        simulated=report.simulated,
        error=None if error is None else _message(error),
        traceback=None if error is None else error.traceback or None,
        report=report.to_json(),
    )


def _message(failure: Failure) -> str:
    where = f"{failure.instance}: " if failure.instance else ""
    return f"{where}{failure.type}: {failure.message}"


def _now() -> datetime:
    return datetime.now(UTC)


def _key(graph: Graph, request: PlanRequest) -> str:
    return hashlib.sha256(f"{to_json_text(graph, None)}{request}".encode()).hexdigest()
