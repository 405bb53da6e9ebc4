"""Every error of the HTTP surface as a problem document (RFC 9457), from one table of types.

A client branches on `type`, which never changes; `detail`, `errors` and `hint` are for the person who reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi import HTTPException as FastAPIHTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/problems/"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of error: its status, its title, and what a client should do about it."""

    status: int
    title: str
    hint: str


PROBLEMS: dict[str, ProblemType] = {
    "malformed-json": ProblemType(400, "The body is not JSON", "Send one JSON document in UTF-8."),
    "bad-request": ProblemType(400, "The request cannot be read", "See /docs for what each endpoint takes."),
    "cross-origin": ProblemType(
        403, "The request came from another site", "Call from this server's own pages, or without Origin."
    ),
    "not-found": ProblemType(
        404, "There is nothing here", "See /docs for the endpoints; plans and runs are kept until the server ends."
    ),
    "method-not-allowed": ProblemType(
        405, "The method is not allowed here", "Use one of the methods in the Allow header."
    ),
    "sla-infeasible": ProblemType(
        409, "No placement keeps the SLA", "Relax the SLA to `best_latency_s`, or apply `fix`."
    ),
    "body-too-large": ProblemType(
        413, "The body is too large", "Send less; `max_body_bytes` in GET /healthz is the limit."
    ),
    "unsupported-media-type": ProblemType(
        415, "The body's media type is not JSON", "Send Content-Type: application/json."
    ),
    "wrong-host": ProblemType(
        421, "The Host is not this machine", "Address the server as 127.0.0.1, localhost or [::1]."
    ),
    "validation-failed": ProblemType(422, "The body breaks a rule", "`errors` points at each wrong part."),
    "unknown-agent": ProblemType(422, "No such agent is served", "GET /v1/agents lists the agents."),
    "agent-refused": ProblemType(422, "The agent cannot be planned", "Correct what `detail` names."),
    "function-refused": ProblemType(
        422, "A function of the graph cannot be loaded", "Functions must lie under the served folder, unchanged."
    ),
    "internal-error": ProblemType(500, "The server failed", "The server's log has the details."),
    "too-many-runs": ProblemType(503, "Too many runs are under way", "Try again after the time in Retry-After."),
}

_OF_STATUS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}


class Problem(FastAPIHTTPException):
    """An error to send. `extensions` are further members of the document, such as `best_latency_s`."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        extensions: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(PROBLEMS[kind].status, detail, dict(headers or {}))
        self.kind = kind
        self.errors = tuple(errors)
        self.extensions = dict(extensions or {})


class ProblemError(BaseModel):
    """A wrong part of the request's body: a JSON Pointer (RFC 6901, as a URI fragment) and what is wrong with it."""

    pointer: str
    detail: str


class ProblemDocument(BaseModel):
    """The document as OpenAPI shows it; a type may add members."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="A stable path; GET it for an explanation.")
    title: str
    status: int
    detail: str
    errors: list[ProblemError]
    hint: str


def response(problem: Problem) -> JSONResponse:
    """The problem document with its status and headers."""
    known = PROBLEMS[problem.kind]
    content: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.kind,
        "title": known.title,
        "status": known.status,
        "detail": problem.detail,
        "errors": list(problem.errors),
        "hint": known.hint,
        **problem.extensions,
    }
    return JSONResponse(content, known.status, problem.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem document, the framework's own included."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(Exception, _of_fault)


def pointer(location: Sequence[str | int]) -> str:
    """`("body", "sla", "limit_ms")` as `#/sla/limit_ms`."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location[1:]]
    return "#/" + "/".join(parts) if parts else "#"


def _of_http(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, Problem):
        return response(error)
    assert isinstance(error, HTTPException)
    kind = _OF_STATUS.get(error.status_code, "bad-request" if error.status_code < 500 else "internal-error")
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return response(Problem(kind, detail, headers=error.headers))


def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [{"pointer": pointer(found["loc"]), "detail": found["msg"]} for found in error.errors()]
    listed = "; ".join(f"{found['pointer']}: {found['detail']}" for found in errors)
    return response(Problem("validation-failed", listed, errors=errors))


def _of_fault(request: Request, error: Exception) -> JSONResponse:
    return response(Problem("internal-error", f"{request.method} {request.url.path}: {type(error).__name__}"))
