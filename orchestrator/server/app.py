"""The HTTP application: endpoints, their documents and every refusal, over one `Service`.

Nothing is decided here: a route reads a body, calls the service and writes the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.middleware import Middleware

from orchestrator.graph_json import MAX_BYTES
from orchestrator.server import problems, routes_agents, routes_plans, routes_runs
from orchestrator.server.docs_page import docs_page
from orchestrator.server.guards import Guard
from orchestrator.server.problems import PROBLEMS, TYPE_PREFIX, Problem
from orchestrator.server.schemas import Health
from orchestrator.service import Service

MAX_BODY_BYTES = MAX_BYTES
DISTRIBUTION = "agent-orchestrator"


def create_app(service: Service) -> FastAPI:
    """The ASGI application of one service. It closes the service when the server stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        yield
        await service.close()

    app = FastAPI(
        title="Agent orchestrator",
        version=version(DISTRIBUTION),
        description="Plans agents under an end-to-end deadline and runs them on Ray. Local: no login, loopback only.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=[Middleware(Guard, max_body_bytes=MAX_BODY_BYTES)],
        redirect_slashes=False,
        separate_input_output_schemas=False,
        telemetry={"auto_configure": False},
    )
    app.state.service = service
    problems.install(app)
    for router in (routes_agents.router, routes_plans.router, routes_runs.router):
        app.include_router(router)
    _add_pages(app)
    return app


def _add_pages(app: FastAPI) -> None:
    @app.get("/healthz", summary="Whether the server lives")
    async def healthz() -> Health:
        return Health(status="ok", version=version(DISTRIBUTION), max_body_bytes=MAX_BODY_BYTES)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return docs_page(app.openapi())

    @app.get(TYPE_PREFIX + "{kind}", include_in_schema=False)
    async def explain(kind: str) -> dict[str, Any]:
        if kind not in PROBLEMS:
            raise Problem("not-found", f"there is no problem type {kind!r}")
        known = PROBLEMS[kind]
        return {"type": TYPE_PREFIX + kind, "title": known.title, "status": known.status, "hint": known.hint}
