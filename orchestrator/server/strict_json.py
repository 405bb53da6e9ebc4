"""Reads request bodies as JSON and nothing more: no NaN, no infinity, no half surrogate pair, no bottomless nesting.

Python's reader accepts all of these, and each would fail only later, when the value is to be written again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.server.problems import Problem


class StrictJsonRoute(APIRoute):
    """A route whose request bodies are read by `parse`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's hook for a request class of one's own."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictJsonRequest(request.scope, request.receive))

        return handle_strictly


class _StrictJsonRequest(Request):
    async def json(self) -> Any:
        return parse(await self.body())


def parse(body: bytes) -> Any:
    """The JSON value of a body. Raises `Problem` of type `malformed-json`."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Problem("malformed-json", "a text holds half of a surrogate pair") from None
    except UnicodeDecodeError as error:
        raise Problem("malformed-json", f"not UTF-8 at byte {error.start}: {error.reason}") from None
    except json.JSONDecodeError as error:
        raise Problem("malformed-json", f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise Problem("malformed-json", "the document is nested too deeply") from None
    except ValueError as error:
        raise Problem("malformed-json", str(error)) from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
