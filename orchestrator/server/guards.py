"""Refuses requests that did not come from this machine's own programs, before any endpoint sees them.

The service listens on loopback without a login, so a web page in the user's browser is the one stranger that can reach
it: by DNS rebinding (a foreign name in Host), or by a cross-site request (a foreign Origin, a body not declared JSON).
"""

from __future__ import annotations

import ipaddress
from email.message import Message as Header

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Guard:
    """ASGI middleware: the checks of this module on each request, and the limit on its body."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = refuse(scope["method"], headers) or self._too_large(headers)
        if refusal is None:
            await self._app(scope, self._limited(receive), send)
        else:
            await response(refusal)(scope, receive, send)

    def _too_large(self, headers: Headers) -> Problem | None:
        length = headers.get("content-length", "0")
        return self._body_problem() if int(length) > self._max_body_bytes else None

    def _limited(self, receive: Receive) -> Receive:
        """The same messages; a body without a declared length ends in a `Problem` when it gets too large."""
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise self._body_problem()
            return message

        return receive_some

    def _body_problem(self) -> Problem:
        return Problem("body-too-large", f"the body has more than {self._max_body_bytes} bytes")


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
    header = Header()
    header["content-type"] = content_type or ""
    return header.get_content_type() == "application/json"
