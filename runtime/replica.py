"""One replica: receives calls with their data, queues them for its batch slots and has its driver do them.

Its clock is arithmetic: arrivals, waits and ends are virtual seconds, computed and never read, so that a scaled run
reports the times of an unscaled one. Real time only decides when a call really goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from time import perf_counter

from runtime.drivers import DRIVERS
from runtime.drivers.driver import Call, CallFailed, DriverSettings, Outcome
from runtime.failure import Failure
from runtime.flow import First, Flow, Whole
from runtime.pool_state import Arrived, Left, PoolState, Start
from runtime.virtual_slots import VirtualSlots


class Replica:
    """The calls of one replica of a pool."""

    def __init__(self, settings: DriverSettings) -> None:
        self._settings = settings
        self._driver = DRIVERS[settings.pool.driver](settings)
        self._pool = PoolState(settings.slots)
        self._slots = VirtualSlots(settings.slots)
        self._turns: dict[str, asyncio.Future[None]] = {}
        self._calls: dict[str, asyncio.Task[Outcome]] = {}
        self._flows: dict[str, Flow] = {}
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Get the driver ready; once, however often it is asked. Raises `FunctionError`."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._driver.start())
        await asyncio.shield(self._starting)

    async def call(self, call: Call) -> Outcome:
        """Do one call; it never raises, and a cancelled one is a failure that nobody waits for."""
        self._flow(call.key)
        task = asyncio.create_task(self._serve(call))
        self._calls[call.key] = task
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            return _failed(Failure("refused", "Cancelled", "the run no longer needs this call"), 0.0, 0.0)
        except Exception as error:
            return _failed(Failure("refused", type(error).__name__, str(error)), 0.0, 0.0)
        finally:
            del self._calls[call.key]
            del self._flows[call.key]

    async def stream(self, call: Call) -> AsyncIterator[First | Outcome]:
        """As `call`, telling of the first item as soon as it is out."""
        begun = perf_counter()
        task = asyncio.create_task(self.call(call))
        flow = self._flow(call.key)
        await asyncio.wait((task, flow.first), return_when=asyncio.FIRST_COMPLETED)
        if flow.first.done():
            after_s = flow.started_at - call.arrived_at + flow.first.result()
            yield First(after_s, perf_counter() - begun)
        yield await task

    async def supply(self, key: str, whole: Whole) -> None:
        """The rest of what a call reads item by item; nothing for a call that has ended."""
        if key in self._flows:
            self._flows[key].give_whole(whole)

    async def cancel(self, key: str) -> None:
        """Stop a call, whether it waits or runs."""
        task = self._calls.get(key)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop every call and the driver."""
        for task in list(self._calls.values()):
            task.cancel()
        await self._driver.close()

    def _flow(self, key: str) -> Flow:
        if key not in self._flows:
            self._flows[key] = Flow()
        return self._flows[key]

    async def _serve(self, call: Call) -> Outcome:
        await self.start()
        begun = perf_counter()
        await asyncio.sleep(call.transfer_s * self._settings.time_scale)
        arrived_s = call.origin_s + call.arrived_at
        try:
            await self._turn(call, arrived_s)
        except TimeoutError:
            return _failed(_deadline(call), call.remaining_s or 0.0, 0.0)
        except asyncio.CancelledError:
            self._leave(call, arrived_s)
            raise
        ended_s = started_s = self._slots.start(call.key, arrived_s)
        waited_s = perf_counter() - begun
        try:
            outcome = await self._run(call, started_s - arrived_s)
            ended_s += outcome.duration_s
            held_s = perf_counter() - begun if self._driver.simulated else waited_s + outcome.duration_s
            return replace(outcome, held_s=held_s)
        finally:
            self._slots.end(call.key, ended_s)
            self._leave(call, ended_s)

    async def _turn(self, call: Call, arrived_s: float) -> None:
        """Wait for a slot. Raises `TimeoutError` when the run's time is used up."""
        turn = self._turns[call.key] = asyncio.get_running_loop().create_future()
        self._wake(self._pool.on(Arrived(call.key), arrived_s))
        patience_s = call.remaining_s
        if patience_s is not None:
            patience_s *= self._driver.wall_s_per_virtual_s
        try:
            async with asyncio.timeout(None if turn.done() else patience_s):
                await turn
        except TimeoutError:
            self._leave(call, arrived_s)
            raise

    def _leave(self, call: Call, left_at_s: float) -> None:
        self._turns.pop(call.key, None)
        self._wake(self._pool.on(Left(call.key), left_at_s))

    def _wake(self, starts: list[Start]) -> None:
        for start in starts:
            turn = self._turns[start.key]
            if not turn.done():
                turn.set_result(None)

    async def _run(self, call: Call, queued_s: float) -> Outcome:
        operator, flow = self._settings.operators[call.operator], self._flows[call.key]
        limit_s, left_s = operator.timeout_s, None
        if call.remaining_s is not None:
            left_s = call.remaining_s - queued_s
            if left_s <= 0:
                return _failed(_deadline(call), call.remaining_s, 0.0)
            limit_s = left_s if limit_s is None else min(limit_s, left_s)
        try:
            flow.started_at = call.arrived_at + queued_s
            result = await self._driver.run(call, operator, limit_s, flow)
        except CallFailed as error:
            out_of_time = error.failure.kind == "timeout" and limit_s == left_s
            return _failed(_deadline(call) if out_of_time else error.failure, queued_s, error.duration_s)
        first_s = flow.first.result() if flow.first.done() else None
        return Outcome(result.value, None, queued_s, result.duration_s, parts=result.parts, first_s=first_s)


def _deadline(call: Call) -> Failure:
    return Failure("deadline", "DeadlinePassed", f"the run's time was used up while {call.instance} was under way")


def _failed(failure: Failure, queued_s: float, duration_s: float) -> Outcome:
    return Outcome(None, failure, queued_s, duration_s)
