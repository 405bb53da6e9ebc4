"""The other end of a worker process: starts it, sends it one call at a time, kills it.

A worker is killed with everything that it started, because a call that took too long may have children of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from placement.plan import Function
from runtime.drivers.messages import HEADER
from runtime.failure import Failure

START_LIMIT_S = 120.0
"""How long loading the user's files may take."""


class WorkerDied(Exception):
    """The process ended without an answer."""


class WorkerProcess:
    """A process that runs the user's functions, ready for its next call."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, root: Path, functions: list[Function], max_result_bytes: int) -> WorkerProcess | Failure:
        """Start a process and have it load `functions`; the failure if they cannot be loaded."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "runtime.drivers.cpu_worker", str(theirs.fileno())]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], cwd=root, env=environment, start_new_session=True
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = cls(process, reader, writer)
        setup = {
            "root": str(root),
            "functions": [function.model_dump() for function in functions],
            "max_result_bytes": max_result_bytes,
        }
        try:
            async with asyncio.timeout(START_LIMIT_S):
                answer = await worker.request(setup)
        except BaseException:
            await worker.kill()
            raise
        if "failure" in answer:
            await worker.kill()
            return Failure(**answer["failure"])
        return worker

    async def request(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message and wait for its answer. Raises `WorkerDied`."""
        try:
            text = json.dumps(message).encode()
            self._writer.write(HEADER.pack(len(text)) + text)
            await self._writer.drain()
            (length,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            return cast("dict[str, Any]", json.loads(await self._reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            raise WorkerDied(await self._how_it_ended()) from None

    async def kill(self) -> None:
        """End the process and all that it started; waits until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        await asyncio.to_thread(self._process.wait)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def _how_it_ended(self) -> str:
        code = await asyncio.to_thread(self._process.wait)
        return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
