"""`/v1/runs`: runs that go on by themselves once accepted; a client that leaves does not end one."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.responses import Response

from orchestrator.pipeline import PlanRequest
from orchestrator.server.answers import ALWAYS, WITH_BODY, TheService, problem_answers
from orchestrator.server.problems import Problem
from orchestrator.server.refusals import refusing
from orchestrator.server.schemas import RunAnswer, RunBody
from orchestrator.server.strict_json import StrictJsonRoute
from orchestrator.store.runs import RunRecord

router = APIRouter(prefix="/v1/runs", tags=["runs"], route_class=StrictJsonRoute)


@router.post(
    "",
    status_code=202,
    summary="Start a run",
    response_model=RunAnswer,
    responses=problem_answers(
        *WITH_BODY, "unknown-agent", "agent-refused", "function-refused", "sla-infeasible", "too-many-runs"
    ),
)
async def start_run(body: RunBody, service: TheService) -> Response:
    """Plans the agent under the deadline (its own SLA without one) and starts it. A run whose deadline no placement
    can keep is refused. The answer's Location is where the run can be followed."""
    with refusing():
        graph = service.graph_of(body.agent, body.graph)
        record = await service.start_run(graph, body.input, PlanRequest(sla=body.sla.sla()), body.sla.on_miss)
    answer = _answer(service.now(record))
    return JSONResponse(answer.model_dump(mode="json"), 202, {"Location": f"/v1/runs/{record.id}"})


@router.get(
    "/{run_id}", summary="A run as far as it is", responses=problem_answers(*ALWAYS, "not-found", "validation-failed")
)
async def read_run(run_id: str, service: TheService) -> RunAnswer:
    """Status and SLA state; after the end also the output or the error, and promised against measured times."""
    record = service.runs.get(run_id)
    if record is None:
        raise Problem("not-found", f"there is no run {run_id!r}")
    return _answer(service.now(record))


def _answer(record: RunRecord) -> RunAnswer:
    return RunAnswer(
        id=record.id,
        agent=record.agent,
        plan=record.plan,
        status=record.status,
        sla=record.sla,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        input=dict(record.inputs),
        output=record.output,
        simulated=record.simulated,
        error=record.error,
        traceback=record.traceback,
        report=None if record.report is None else dict(record.report),
    )
