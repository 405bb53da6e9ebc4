"""`/v1/agents`: which agents this server was started with."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from ir.sla import Sla
from orchestrator.graph import Graph
from orchestrator.server.answers import ALWAYS, TheService, problem_answers
from orchestrator.server.schemas import AgentAnswer, AgentPage
from orchestrator.server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/v1/agents", tags=["agents"], route_class=StrictJsonRoute)


@router.get("", summary="The agents that are served", responses=problem_answers(*ALWAYS))
async def list_agents(service: TheService) -> AgentPage:
    """Every agent of the served files, with the JSON Schemas of its input and output."""
    return AgentPage(data=[_answer(graph) for graph in service.agents.values()], next=None)


def _answer(graph: Graph) -> AgentAnswer:
    return AgentAnswer(
        id=graph.name,
        name=graph.name,
        description=graph.description,
        source=graph.function.source,
        sha256=graph.function.sha256,
        sla=_sla(graph.sla),
        input_schema=graph.input_schema,
        output_schema=graph.output_schema,
    )


def _sla(sla: Sla | None) -> dict[str, Any] | None:
    return None if sla is None else {"stat": sla.stat, "limit_s": sla.limit_s}
