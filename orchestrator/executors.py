"""Executors that stay warm between runs: one for each plan, started by its first run, closed when others need the room.

Starting Ray and a plan's actors takes seconds; a run on a warm executor takes none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.graph import Json
from runtime.trace import RunReport


class Executor(Protocol):
    """What runs a plan; `runtime.ray_executor.RayExecutor` is one."""

    def start(self) -> object:
        """Starts what the plan needs. May take seconds."""
        ...

    def execute(self, inputs: Mapping[str, Json], *, run_id: str) -> Awaitable[RunReport]:
        """Runs the plan once."""
        ...

    def close(self) -> object:
        """Gives everything back."""
        ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make an executor, and the devices that it holds while it is warm."""

    key: str
    make: Callable[[], Executor]
    devices: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(slots=True, eq=False)
class _Warm:
    """`users` are the runs that hold it; `started` ends when it can be used, or with what went wrong."""

    executor: Executor
    started: asyncio.Task[object]
    devices: Mapping[str, float]
    users: int = 0


class Executors:
    """Warm executors: at most `capacity`, and no more than fit on `devices` together.

    The longest unused makes room for a new one; where all are in use, a run waits for one to fall idle.
    """

    def __init__(self, capacity: int, devices: Mapping[str, float]) -> None:
        self._capacity = capacity
        self._devices = devices
        self._warm: dict[str, _Warm] = {}
        self._released = asyncio.Condition()

    @asynccontextmanager
    async def lease(self, recipe: Recipe) -> AsyncGenerator[Executor]:
        """The started executor of a recipe, for the time of one run. Raises whatever its start raised."""
        warm = await self._take(recipe)
        try:
            await asyncio.shield(warm.started)
            yield warm.executor
        finally:
            await self._release(recipe.key, warm)

    async def close(self) -> None:
        """Closes every executor."""
        while self._warm:
            _, warm = self._warm.popitem()
            await _close(warm)

    async def _take(self, recipe: Recipe) -> _Warm:
        async with self._released:
            while recipe.key not in self._warm and not self._has_room(recipe):
                idle = next((key for key, warm in self._warm.items() if warm.users == 0), None)
                if idle is None:
                    await self._released.wait()
                else:
                    await _close(self._warm.pop(idle))
            warm = self._warm.pop(recipe.key, None) or await _open(recipe)
            self._warm[recipe.key] = warm
            warm.users += 1
            return warm

    def _has_room(self, recipe: Recipe) -> bool:
        held = dict(recipe.devices)
        for warm in self._warm.values():
            for device, count in warm.devices.items():
                held[device] = held.get(device, 0.0) + count
        fits = all(count <= self._devices.get(device, 0) for device, count in held.items())
        return not self._warm or (len(self._warm) < self._capacity and fits)

    async def _release(self, key: str, warm: _Warm) -> None:
        warm.users -= 1
        broken = warm.started.done() and (warm.started.cancelled() or warm.started.exception() is not None)
        if broken and self._warm.get(key) is warm:
            del self._warm[key]
            await _close(warm)
        async with self._released:
            self._released.notify_all()


async def _open(recipe: Recipe) -> _Warm:
    executor = await asyncio.to_thread(recipe.make)
    return _Warm(executor, asyncio.ensure_future(asyncio.to_thread(executor.start)), recipe.devices)


async def _close(warm: _Warm) -> None:
    await asyncio.wait([warm.started])
    await asyncio.to_thread(warm.executor.close)
