"""Opens the server's socket on loopback and runs it until it is told to stop.

The socket is bound before anything else starts, so that a wrong host or a taken port is one clear message.
"""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp

from orchestrator.errors import OrchestratorError
from orchestrator.server.guards import is_loopback

BACKLOG = 128
"""Connections that may wait to be accepted."""

SHUTDOWN_S = 5
"""Seconds that requests under way get after a stop signal."""


class ListenError(OrchestratorError):
    """The server cannot listen where it was told to."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address; port 0 takes a free one. Raises `ListenError`."""
    if not is_loopback(host):
        raise ListenError(
            f"the service has no login, so it listens on loopback only, not on {host!r}",
            "use --host 127.0.0.1, and reach it from elsewhere through a tunnel: ssh -L 8080:127.0.0.1:8080 HOST",
        )
    address = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(BACKLOG)
    except OverflowError:
        listening.close()
        raise ListenError(f"there is no port {port}", "use --port with a number from 0 to 65535") from None
    except OSError as error:
        listening.close()
        raise ListenError(
            f"cannot listen on {host} port {port}: {error.strerror}", "choose another with --port"
        ) from None
    return listening


def url_of(listening: socket.socket) -> str:
    """The address to type into a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if listening.family == socket.AF_INET6 else f"http://{host}:{port}"


def server_of(app: ASGIApp) -> uvicorn.Server:
    """The server of an application. Requests are not logged; faults are."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        lifespan="on",
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
        ws="none",
    )
    return uvicorn.Server(config)


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until interrupted."""
    server_of(app).run(sockets=[listening])
