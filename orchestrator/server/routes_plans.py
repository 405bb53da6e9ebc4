"""`/v1/plans`: the placement dry run. Nothing is started, and no code of a posted graph is loaded."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.responses import Response

from orchestrator.pipeline import PlanRequest
from orchestrator.server.answers import ALWAYS, WITH_BODY, TheService, problem_answers
from orchestrator.server.problems import Problem
from orchestrator.server.refusals import refusing
from orchestrator.server.schemas import PlanAnswer, PlanBody
from orchestrator.server.strict_json import StrictJsonRoute
from orchestrator.store.runs import PlanRecord

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=StrictJsonRoute)


@router.post(
    "",
    status_code=201,
    summary="Plan an agent",
    response_model=PlanAnswer,
    responses=problem_answers(*WITH_BODY, "unknown-agent", "agent-refused", "sla-infeasible"),
)
async def make_plan(body: PlanBody, service: TheService) -> Response:
    """Finds the cheapest placement that keeps the SLA. Where there is none, the problem `sla-infeasible` says which
    limit binds, the best achievable latency and the smallest fix."""
    request = PlanRequest(
        sla=body.sla.sla() if body.sla else None,
        soft_usd_per_s=body.soft_usd_per_s,
        batch=body.batch,
        time_limit_s=body.time_limit_ms / 1000,
    )
    with refusing():
        record = await service.plan(service.graph_of(body.agent, body.graph), request)
    return JSONResponse(_document(record), 201, {"Location": f"/v1/plans/{record.id}"})


@router.get(
    "/{plan_id}",
    summary="A plan made before",
    response_model=PlanAnswer,
    responses=problem_answers(*ALWAYS, "not-found", "validation-failed"),
)
async def read_plan(plan_id: str, service: TheService) -> Response:
    """The same document that made the plan's answer."""
    record = service.plans.get(plan_id)
    if record is None:
        raise Problem("not-found", f"there is no plan {plan_id!r}")
    return JSONResponse(_document(record))


def _document(record: PlanRecord) -> dict[str, object]:
    own = {"id": record.id, "created_at": record.created_at.isoformat(), "agent": record.agent}
    return {**own, **record.document}
