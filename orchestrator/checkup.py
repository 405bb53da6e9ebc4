"""Looks at this machine: is everything here that the orchestrator needs, and if not, what is to be done.

Nothing is started and nothing is imported that is slow to load, so a check answers at once even where Ray is broken.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

DISTRIBUTION = "agent-orchestrator"
PYTHON_AT_LEAST = (3, 11)
RAY_DASHBOARD_PORT = 8265
RAY_FREE_BYTES = 2 * 1024**3
"""Free space for Ray's session folder; Ray itself warns once the disk is nearly full."""

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(.*)")
_BOUND = re.compile(r"(>=|<=|==|<|>)\s*([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `needed` tells a failure from a mere remark; `remedy` is empty where all is well."""

    name: str
    found: str
    ok: bool
    needed: bool = True
    remedy: str = ""


def examine(port: int, fleets: list[Path]) -> Iterator[Check]:
    """Every check in turn. `port` is the one to serve on, `fleets` the fleet files to read."""
    yield _python()
    yield from _packages()
    yield from _ray()
    yield _port("service port", port, "serve on another with: orchestrator serve --port")
    yield _port("Ray dashboard port", RAY_DASHBOARD_PORT, "Ray takes the next free port for its dashboard")
    yield from map(_fleet, fleets)


def satisfies(version: str, specifier: str) -> bool:
    """Whether a version meets bounds such as `>=0.74,<0.75`; only the leading numbers of each part are compared.

    >>> satisfies("0.74.3", ">=0.74,<0.75"), satisfies("1.0", "<1")
    (True, False)
    """
    return all(_meets(_numbers(version), relation, _numbers(bound)) for relation, bound in _BOUND.findall(specifier))


def _meets(version: tuple[int, ...], relation: str, bound: tuple[int, ...]) -> bool:
    length = max(len(version), len(bound))
    left, right = (numbers + (0,) * (length - len(numbers)) for numbers in (version, bound))
    return {">=": left >= right, "<=": left <= right, "==": left == right, "<": left < right, ">": left > right}[
        relation
    ]


def _numbers(version: str) -> tuple[int, ...]:
    leading = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in leading[0].split(".")) if leading else ()


def _python() -> Check:
    wanted = ".".join(map(str, PYTHON_AT_LEAST))
    ok = sys.version_info >= PYTHON_AT_LEAST
    return Check("Python", sys.version.split()[0], ok, remedy="" if ok else f"install Python {wanted} or newer")


def _packages() -> Iterator[Check]:
    for requirement in metadata.requires(DISTRIBUTION) or ():
        if ";" in requirement:
            continue
        match = _REQUIREMENT.fullmatch(requirement)
        if match is None:
            raise ValueError(f"the requirement {requirement!r} of {DISTRIBUTION} cannot be read")
        yield _package(match[1], match[2])


def _package(name: str, specifier: str) -> Check:
    remedy = f"python -m pip install '{name}{specifier}'"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(name, "not installed", False, remedy=remedy)
    ok = satisfies(version, specifier)
    return Check(name, version if ok else f"{version}, not {specifier}", ok, remedy="" if ok else remedy)


def _ray() -> Iterator[Check]:
    spec = util.find_spec("ray")
    raylet = Path(spec.origin).parent / "core/src/ray/raylet/raylet" if spec and spec.origin else None
    if raylet is None or not os.access(raylet, os.X_OK):
        remedy = "python -m pip install --force-reinstall 'ray[default]'"
        yield Check("Ray's node process", "absent or not executable", False, remedy=remedy)
    else:
        yield Check("Ray's node process", "present", True)
    folder = Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir()))
    yield _session_folder(folder)


def _session_folder(folder: Path) -> Check:
    name = "Ray's session folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return Check(name, f"{folder} cannot be written", False, remedy="set RAY_TMPDIR to a folder that can")
    free = shutil.disk_usage(folder).free
    found = f"{folder}, {free / 1024**3:.1f} GiB free"
    if free < RAY_FREE_BYTES:
        return Check(name, found, False, remedy=f"free {RAY_FREE_BYTES / 1024**3:.0f} GiB, or set RAY_TMPDIR")
    return Check(name, found, True)


def _port(name: str, port: int, remedy: str) -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return Check(name, f"{port}: {error.strerror}", False, needed=False, remedy=remedy)
    return Check(name, f"{port} is free", True)


def _fleet(path: Path) -> Check:
    from costmodel.errors import CostModelError
    from costmodel.fleet import load_fleet

    try:
        fleet = load_fleet(path)
    except (CostModelError, OSError) as error:
        return Check(f"fleet {path}", str(error), False, remedy="correct the file")
    return Check(f"fleet {path}", f"{len(fleet.classes)} device classes", True)
