"""A replica without Ray: queueing, transfers and deadlines around a driver that is a table of durations."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from placement.plan import PlanOperator
from runtime.drivers import DRIVERS
from runtime.drivers.driver import Call, CallFailed, DriverSettings, Outcome, Result
from runtime.failure import Failure
from runtime.flow import Flow
from runtime.replica import Replica


class Steps:
    """Takes as many virtual seconds as an argument says, at once; a negative number fails; `gate` holds calls back."""

    simulated = True
    wall_s_per_virtual_s = 1.0

    def __init__(self, settings: DriverSettings) -> None:
        self.limits: list[float | None] = []
        self.gate = asyncio.Event()
        self.closed = False

    async def start(self) -> None: ...

    async def run(self, call: Call, operator: PlanOperator, limit_s: float | None, flow: Flow) -> Result:
        self.limits.append(limit_s)
        await self.gate.wait()
        took_s = call.arguments["s"]
        if limit_s is not None and took_s > limit_s:
            raise CallFailed(Failure("timeout", "Timeout", "too long"), limit_s)
        if took_s < 0:
            raise CallFailed(Failure("raised", "E", "bad"), -took_s)
        return Result(took_s, took_s)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def on_replica(plans: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`on_replica(use)` runs `await use(replica)`; the replica has one slot and its gate open."""

    def run(use: Callable[[Replica], Awaitable[Any]], timeout_s: float | None = None, open_gate: bool = True) -> Any:
        async def go() -> Any:
            monkeypatch.setitem(DRIVERS, "steps", Steps)
            operators = {"a": plans.operator("a", timeout_s=timeout_s)}
            replica = Replica(DriverSettings(tmp_path, plans.pool(driver="steps"), operators, 1, 1.0, 1000))
            if open_gate:
                driver(replica).gate.set()
            return await use(replica)

        return asyncio.run(go())

    return run


def driver(replica: Replica) -> Any:
    return replica._driver


def call(name: str, s: float, arrived_at: float = 0.0, remaining_s: float | None = None, origin_s: float = 0.0) -> Call:
    return Call("run", name, 1, "a", {"s": s}, None, False, origin_s, arrived_at, 0.0, remaining_s)


def test_waits_are_computed_from_arrivals_and_durations(on_replica: Any) -> None:
    # One slot. a runs 0-5; b arrives at 2 and waits 3, runs 5-6; c arrives at 9 and need not wait.
    async def use(replica: Replica) -> list[Outcome]:
        calls = [call("a", 5.0), call("b", 1.0, arrived_at=2.0), call("c", 1.0, arrived_at=9.0)]
        return list(await asyncio.gather(*(replica.call(each) for each in calls)))

    assert [(outcome.queued_s, outcome.duration_s) for outcome in on_replica(use)] == [(0, 5), (3, 1), (0, 1)]


def test_runs_that_began_at_other_times_share_one_clock(on_replica: Any) -> None:
    # The second run began 4 s later: its call arrives at 4 + 0 and waits for the first until 5.
    async def use(replica: Replica) -> list[Outcome]:
        return list(await asyncio.gather(replica.call(call("a", 5.0)), replica.call(call("b", 1.0, origin_s=4.0))))

    assert on_replica(use)[1].queued_s == 1.0


def test_a_failure_leaves_its_slot_to_the_next(on_replica: Any) -> None:
    async def use(replica: Replica) -> list[Outcome]:
        return list(await asyncio.gather(replica.call(call("a", -2.0)), replica.call(call("b", 1.0))))

    failed, after = on_replica(use)
    assert (failed.failure.type, failed.duration_s) == ("E", 2.0)
    assert (after.failure, after.queued_s) == (None, 2.0)


def test_the_limit_is_the_smaller_of_timeout_and_what_the_run_has_left(on_replica: Any) -> None:
    async def use(replica: Replica) -> Any:
        short = await replica.call(call("a", 9.0, remaining_s=100.0))
        late = await replica.call(call("b", 9.0, arrived_at=10.0, remaining_s=2.0))
        return short, late, driver(replica).limits

    short, late, limits = on_replica(use, timeout_s=4.0)
    assert limits == [4.0, 2.0]
    assert (short.failure.kind, short.duration_s) == ("timeout", 4.0)
    assert (late.failure.kind, late.duration_s) == ("deadline", 2.0)


def test_time_in_the_queue_counts_against_the_run(on_replica: Any) -> None:
    async def use(replica: Replica) -> Any:
        await asyncio.gather(replica.call(call("a", 5.0)), replica.call(call("b", 1.0, remaining_s=8.0)))
        return driver(replica).limits

    assert on_replica(use) == [None, 3.0]  # 8 left on arrival, 5 of them in the queue


def test_a_call_that_has_to_wait_longer_than_its_run_may_take_never_runs(on_replica: Any) -> None:
    async def use(replica: Replica) -> Any:
        await replica.call(call("a", 5.0))
        outcome = await replica.call(call("b", 1.0, arrived_at=2.0, remaining_s=2.5))
        return outcome, len(driver(replica).limits)

    outcome, ran = on_replica(use)
    assert (outcome.failure.kind, outcome.queued_s, ran) == ("deadline", 2.5, 1)


def test_a_call_whose_time_runs_out_in_the_queue_never_runs(on_replica: Any) -> None:
    async def use(replica: Replica) -> Any:
        first = asyncio.create_task(replica.call(call("a", 5.0)))
        while not driver(replica).limits:
            await asyncio.sleep(0)
        outcome = await replica.call(call("b", 1.0, remaining_s=0.01))
        driver(replica).gate.set()
        await first
        return outcome, len(driver(replica).limits)

    outcome, ran = on_replica(use, open_gate=False)
    assert (outcome.failure.kind, outcome.queued_s, ran) == ("deadline", 0.01, 1)


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_cancelled_call_frees_its_place_whether_it_runs_or_waits(on_replica: Any, name: str) -> None:
    async def use(replica: Replica) -> Any:
        tasks = {each: asyncio.create_task(replica.call(call(each, 1.0))) for each in "abc"}
        while not driver(replica).limits:
            await asyncio.sleep(0)
        await replica.cancel(call(name, 1.0).key)
        stopped = await tasks[name]
        driver(replica).gate.set()
        return stopped, [await tasks[each] for each in "abc" if each != name]

    stopped, others = on_replica(use, open_gate=False)
    assert stopped.failure.type == "Cancelled"
    assert [outcome.failure for outcome in others] == [None, None]


def test_closing_stops_calls_and_driver(on_replica: Any) -> None:
    async def use(replica: Replica) -> Any:
        task = asyncio.create_task(replica.call(call("a", 1.0)))
        while not driver(replica).limits:
            await asyncio.sleep(0)
        await replica.close()
        return await task, driver(replica).closed

    outcome, closed = on_replica(use, open_gate=False)
    assert outcome.failure.type == "Cancelled"
    assert closed
