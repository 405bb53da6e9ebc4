"""`orchestrator serve`: the HTTP service over the agents of some files, on loopback."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.arguments import Debug, FleetFile, RayAddress, TimeScale, WithDashboard


def serve(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES...", help="Python files that define agents, or graph documents (.json)."),
    ],
    *,
    fleet: FleetFile,
    host: Annotated[str, typer.Option("--host", help="A loopback address; no other is accepted.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8080,
    time_scale: TimeScale = 1.0,
    address: RayAddress = None,
    dashboard: WithDashboard = False,
    debug: Debug = False,
) -> int:
    """Serve agents over HTTP on loopback.

    POST /v1/plans plans, POST /v1/runs runs; /docs lists the rest. Ray starts with the first run.
    """
    from costmodel.fleet import load_fleet
    from orchestrator.agent_files import find_all
    from orchestrator.server import listen
    from orchestrator.server.app import create_app
    from orchestrator.service import Service, ray_executors
    from runtime.run_options import RunOptions

    options = RunOptions(time_scale=time_scale, address=address, dashboard=dashboard)
    with contextlib.closing(listen.bind(host, port)) as listening:
        agents = find_all(files)
        devices = load_fleet(fleet)
        service = Service(agents, devices, ray_executors(devices, options))
        url = listen.url_of(listening)
        typer.echo(f"serving {', '.join(agents)} at {url}, with its documentation at {url}/docs; stop with Ctrl-C")
        with contextlib.suppress(KeyboardInterrupt):
            listen.serve(create_app(service), listening)
    return 0
