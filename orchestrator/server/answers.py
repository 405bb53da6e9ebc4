"""What routes share: the service of the application, and the documented error answers.

OpenAPI lists for each endpoint the problems that it can send, so that a client's generator knows them.
"""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import Depends, Request

from orchestrator.server.problems import MEDIA_TYPE, PROBLEMS, ProblemDocument
from orchestrator.service import Service

ALWAYS = ("wrong-host",)
WITH_BODY = (
    "malformed-json",
    "cross-origin",
    "body-too-large",
    "unsupported-media-type",
    "validation-failed",
    *ALWAYS,
)

Responses = dict[int | str, dict[str, Any]]


def service_of(request: Request) -> Service:
    """The service that the application was made for."""
    return cast(Service, request.app.state.service)


TheService = Annotated[Service, Depends(service_of)]


def problem_answers(*kinds: str) -> Responses:
    """The `responses` of a route that can send these problems."""
    titles: dict[int, list[str]] = {}
    for kind in kinds:
        titles.setdefault(PROBLEMS[kind].status, []).append(f"{PROBLEMS[kind].title} ({kind})")
    schema = {"schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}}
    return {
        status: {"description": "; ".join(found), "model": ProblemDocument, "content": {MEDIA_TYPE: schema}}
        for status, found in sorted(titles.items())
    }
