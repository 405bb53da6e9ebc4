"""Worker processes kept ready for the calls of one replica.

A process serves one call at a time and is used again after it; one that was killed is replaced at once, so that the
next call finds a spare.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from placement.plan import Function
from runtime.drivers.worker_process import START_LIMIT_S, WorkerDied, WorkerProcess
from runtime.errors import FunctionError
from runtime.failure import Failure

READY_PROCESSES = 8
"""Processes that are started ahead of need; more would cost memory and start-up time that few runs use."""


class WorkerPool:
    """Up to as many processes as calls run at once; started when needed and never fewer than one spare after a kill."""

    def __init__(self, root: Path, functions: Sequence[Function], max_result_bytes: int) -> None:
        self._root = root
        self._functions = list(functions)
        self._max_result_bytes = max_result_bytes
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._replacements: set[asyncio.Task[None]] = set()

    async def start(self, slots: int) -> None:
        """Start a process for each slot, but no more than this machine has cores. Raises `FunctionError`.

        More, up to `READY_PROCESSES`, are started in the background, so that a fan-out seldom waits for one.
        """
        count = min(slots, os.cpu_count() or 1)
        self._idle += await asyncio.gather(*(self._new() for _ in range(count)))
        if count < slots:
            self._in_background(self._fill(min(slots, READY_PROCESSES)))

    async def request(self, message: dict[str, Any], limit_s: float | None) -> tuple[dict[str, Any], float]:
        """Run a call in an idle process; its answer and the seconds from handing over the call to having the answer.

        A call that is cancelled or takes more than `limit_s` (`TimeoutError`), or whose process dies (`WorkerDied`),
        costs that process its life. A process that has to be started first is not part of the time.
        """
        worker = self._idle.pop() if self._idle else await self._new()
        self._busy.add(worker)
        begun = perf_counter()
        try:
            async with asyncio.timeout(limit_s):
                answer = await worker.request(message)
            took_s = perf_counter() - begun
        except BaseException:
            await asyncio.shield(self._replace(worker))
            raise
        self._busy.remove(worker)
        self._idle.append(worker)
        return answer, took_s

    async def close(self) -> None:
        """End every process."""
        for task in self._replacements:
            task.cancel()
        await asyncio.gather(*self._replacements, return_exceptions=True)
        workers = [*self._idle, *self._busy]
        self._idle, self._busy = [], set()
        await asyncio.gather(*(worker.kill() for worker in workers))

    @property
    def pids(self) -> list[int]:
        """The ids of all processes."""
        return sorted(worker.pid for worker in (*self._idle, *self._busy))

    async def _new(self) -> WorkerProcess:
        try:
            started = await WorkerProcess.start(self._root, self._functions, self._max_result_bytes)
        except WorkerDied as error:
            raise FunctionError(f"the process that loads the user's code ended {error}; see Ray's logs") from None
        except TimeoutError:
            raise FunctionError(f"loading the user's code took longer than {START_LIMIT_S:g} s") from None
        if isinstance(started, Failure):
            raise FunctionError(f"{started.message}\n{started.traceback}".strip())
        return started

    async def _replace(self, worker: WorkerProcess) -> None:
        self._busy.discard(worker)
        await worker.kill()
        if not self._idle and not self._replacements:
            self._in_background(self._fill(len(self._busy) + 1))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._replacements.add(task)
        task.add_done_callback(self._replacements.discard)

    async def _fill(self, count: int) -> None:
        """Start processes one after another until there are so many."""
        while len(self._idle) + len(self._busy) < count:
            self._idle.append(await self._new())
