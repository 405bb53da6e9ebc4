"""A Ray to run on: the one at an address, the one that this process already has, or one started here for the plan's
devices.

A Ray that is started here belongs to all executors of the process and ends with the last of them. It reports no
usage, asks for a token, and stands in for absent devices by custom resources of their class.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from runtime.errors import SessionError
from runtime.ray_resources import NodeResources, shortage
from runtime.run_options import RunOptions

# Read when Ray is imported and by the processes that it starts, so they stand before the import.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray as _ray

ray = cast(Any, _ray)  # Ray's own annotations are partly unknown

RELEASE_LIMIT_S = 10.0
"""How long devices of actors that were just killed may take to become free."""

CONNECT_LIMIT_S = 5.0
"""How long a cluster may take to answer at all."""

EXCLUDED = [
    ".git",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "*.pyc",
    ".pytest_cache",
    ".hypothesis",
    "dist",
    "build",
]
"""What is never shipped to a cluster with the working directory."""


@dataclass(slots=True)
class _Held:
    """The Ray that this process started or connected to: its executors, and the devices that it was started with.

    `root` is what a cluster was given as the working directory.
    """

    address: str | None
    root: Path | None
    users: int
    resources: dict[str, float]
    dashboard_url: str | None


_LOCK = threading.Lock()
_held: _Held | None = None


class RaySession:
    """A connection to Ray that an executor holds. `root` is where actors find the user's code."""

    def __init__(self, held: _Held | None, root: Path) -> None:
        self._held = held
        self.root = root

    @property
    def dashboard_url(self) -> str | None:
        """Where the dashboard is, if Ray was started here with one."""
        return None if self._held is None else self._held.dashboard_url

    def nodes(self) -> list[NodeResources]:
        """The machines of the cluster that are alive."""
        alive = [node for node in cast(list[dict[str, Any]], ray.nodes()) if node["Alive"]]
        return [NodeResources(node["NodeID"], node["Resources"]) for node in alive]

    def check(self, wanted: Mapping[str, float]) -> None:
        """Wait a little for devices to become free. Raises `SessionError` when they are not there."""
        until = time.monotonic() + RELEASE_LIMIT_S
        while True:
            total = cast(dict[str, float], ray.cluster_resources())
            problem = shortage(wanted, total, cast(dict[str, float], ray.available_resources()))
            if problem is None:
                return
            if any(total.get(device, 0.0) < count for device, count in wanted.items()) or time.monotonic() > until:
                raise SessionError(problem)
            time.sleep(0.05)

    def close(self) -> None:
        """Let go. The last holder ends a Ray that was started here, or leaves the cluster that was connected to."""
        global _held  # noqa: PLW0603  # Ray itself is one for each process
        with _LOCK:
            held, self._held = self._held, None
            if held is None:
                return
            held.users -= 1
            if held.users == 0:
                ray.shutdown()
                _held = None


def open_session(wanted: Mapping[str, float], options: RunOptions) -> RaySession:
    """Connect to, share or start a Ray. Raises `SessionError`.

    A cluster gets the working directory and its workers start in their copy of it. A Ray that the process already has
    is used as it is, and stays.
    """
    global _held  # noqa: PLW0603  # Ray itself is one for each process
    root = options.root.resolve()
    with _LOCK:
        if _held is None and ray.is_initialized():
            return RaySession(None, root)
        if _held is None:
            _held = _started(wanted, options) if options.address is None else _connected(options.address, root)
        _check_shared(_held, wanted, options)
        _held.users += 1
        return RaySession(_held, root if options.address is None else Path())


def _connected(address: str, root: Path) -> _Held:
    _check_reachable(address)
    try:
        ray.init(
            address=address,
            runtime_env={"working_dir": str(root), "excludes": EXCLUDED},
            log_to_driver=False,
            logging_level="ERROR",
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SessionError(f"no Ray cluster at {address!r}: {error}; start one with ray start --head") from None
    return _Held(address, root, 0, {}, None)


def _check_reachable(address: str) -> None:
    """Ray itself tries an address where nothing answers for minutes."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host.rpartition("/")[2].strip("[]"), int(port)), CONNECT_LIMIT_S).close()
    except OSError as error:
        raise SessionError(f"no Ray cluster at {address!r}: {error}; start one with ray start --head") from None


def _started(wanted: Mapping[str, float], options: RunOptions) -> _Held:
    """Start Ray on this machine.

    It authenticates by token unless RAY_AUTH_MODE says otherwise, and makes and keeps the token itself (see
    `ray get-auth-token`) where neither RAY_AUTH_TOKEN nor RAY_AUTH_TOKEN_PATH names one.
    """
    counts = {
        name: max(wanted.get(name, 0.0), options.resources.get(name, 0.0)) for name in {*wanted, *options.resources}
    }
    resources = {name: count for name, count in counts.items() if count > 0}
    context = ray.init(
        address="local",
        resources=resources,
        include_dashboard=options.dashboard,
        log_to_driver=False,
        logging_level="ERROR",
    )
    url = cast(str | None, context.dashboard_url)
    return _Held(None, None, 0, resources, f"http://{url}" if options.dashboard and url else None)


def _check_shared(held: _Held, wanted: Mapping[str, float], options: RunOptions) -> None:
    """What one process can have at a time: one cluster, and of a local one the devices that it was started with."""
    if held.address != options.address:
        raise SessionError(
            f"this process already uses {_where(held.address)}, so it cannot use {_where(options.address)} too; "
            "close the other executors first"
        )
    if held.root not in (None, options.root.resolve()):
        raise SessionError(
            f"the cluster at {held.address} was given the working directory {held.root}, not {options.root.resolve()}; "
            "close the other executors first"
        )
    lacking = [name for name, count in wanted.items() if held.resources.get(name, 0.0) < count]
    if held.address is None and lacking:
        raise SessionError(
            f"the Ray of this process was started with {_told(held.resources)}, the plan needs {_told(wanted)}; "
            "close the other executors first, or start the first one with RunOptions.resources for all plans"
        )


def _where(address: str | None) -> str:
    return "a Ray that it started" if address is None else f"the Ray cluster at {address}"


def _told(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{count:g} {name}" for name, count in sorted(resources.items())) or "nothing"
