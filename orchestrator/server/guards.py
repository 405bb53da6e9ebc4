"""Refuses requests that did not come from this machine's own programs, before any endpoint sees them.

The service listens on loopback without a login, so a web page in the user's browser is the one stranger that can reach
it: by DNS rebinding (a foreign name in Host), or by a cross-site request (a foreign Origin, a body not declared JSON).
"""

from __future__ import annotations

import ipaddress
from email.message import Message

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.server.problems import Problem, response

_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without port, can only mean this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("[::1]"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


class LoopbackGuard:
    """ASGI middleware: the checks of this module on each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = refuse(scope["method"], Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await response(refusal)(scope, receive, send)


def refuse(method: str, headers: Headers) -> Problem | None:
    """The reason to refuse a request, None where it may pass."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_loopback(_without_port(hosts[0])):
        return Problem("wrong-host", f"the Host header is {', '.join(hosts) or 'absent'}, which is not this machine")
    if method in _SAFE_METHODS:
        return None
    origins = headers.getlist("origin")
    if origins and origins != [f"http://{hosts[0]}"]:
        return Problem("cross-origin", f"the Origin is {', '.join(origins)}, not http://{hosts[0]}")
    site = headers.get("sec-fetch-site", "none")
    if site not in ("none", "same-origin"):
        return Problem("cross-origin", f"the browser says that the request is {site}")
    if _has_body(headers) and not _is_json(headers.get("content-type")):
        return Problem("unsupported-media-type", f"the Content-Type is {headers.get('content-type', 'absent')}")
    return None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _is_json(content_type: str | None) -> bool:
    message = Message()
    message["content-type"] = content_type or ""
    return message.get_content_type() == "application/json"
