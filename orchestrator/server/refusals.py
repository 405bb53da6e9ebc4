"""Turns what the service refuses into problem documents, so that routes read as if nothing went wrong."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from orchestrator.errors import FunctionLoadError, GraphError
from orchestrator.known_errors import is_known
from orchestrator.run_input import RunInputError
from orchestrator.server.problems import Problem, pointer
from orchestrator.service import NoPlacementError, TooManyRunsError, UnknownAgentError

RETRY_AFTER_S = 1


@contextmanager
def refusing() -> Generator[None]:
    """Raises `Problem` for every exception of our packages; others pass."""
    try:
        yield
    except Problem:
        raise
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            raise
        raise problem from error


def problem_of(error: Exception) -> Problem | None:
    """The problem that an exception of our packages is; None for any other."""
    detail = str(error)
    match error:
        case NoPlacementError():
            members = {name: value for name, value in error.document.items() if name not in ("feasible", "message")}
            return Problem("sla-infeasible", detail, extensions=members)
        case UnknownAgentError():
            return Problem("unknown-agent", detail, errors=[{"pointer": "#/agent", "detail": detail}])
        case TooManyRunsError():
            return Problem("too-many-runs", detail, headers={"Retry-After": str(RETRY_AFTER_S)})
        case RunInputError():
            errors = [
                {"pointer": pointer(("body", "input", *filter(None, [name]))), "detail": wrong}
                for name, wrong in error.parts.items()
            ]
            return Problem("validation-failed", detail, errors=errors)
        case GraphError():
            return Problem("validation-failed", detail, errors=[{"pointer": "#/graph", "detail": detail}])
        case FunctionLoadError():
            return Problem("function-refused", detail)
        case _ if is_known(error):
            return Problem("agent-refused", detail)
        case _:
            return None
