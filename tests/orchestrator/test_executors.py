"""Warm executors are shared, make room when idle, and never hold more devices than there are."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from orchestrator.executors import Executor, Executors, Recipe


@dataclass(eq=False)
class Recorded:
    """An executor that notes what is done to it."""

    name: str
    done: list[str]
    breaks: bool = False

    def start(self) -> None:
        self.done.append(f"start {self.name}")
        if self.breaks:
            raise RuntimeError(f"{self.name} cannot start")

    async def execute(self, inputs: Mapping[str, Any], *, run_id: str) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        self.done.append(f"close {self.name}")


@dataclass
class Workshop:
    """Makes recipes, and keeps what was done in order."""

    done: list[str] = field(default_factory=list[str])

    def recipe(self, name: str, devices: int = 1, breaks: bool = False) -> Recipe:
        def make() -> Executor:
            return Recorded(name, self.done, breaks)

        return Recipe(name, make, {"gpu": float(devices)})


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def test_two_runs_of_one_plan_share_an_executor() -> None:
    async def work() -> None:
        shop, executors = Workshop(), Executors(2, {"gpu": 8.0})
        async with executors.lease(shop.recipe("a")) as first, executors.lease(shop.recipe("a")) as second:
            assert first is second
        async with executors.lease(shop.recipe("a")) as again:
            assert again is first
        assert shop.done == ["start a"]
        await executors.close()
        assert shop.done == ["start a", "close a"]

    run(work())


def test_the_longest_unused_makes_room() -> None:
    async def work() -> None:
        shop, executors = Workshop(), Executors(2, {"gpu": 8.0})
        for name in ("a", "b", "a", "c"):
            async with executors.lease(shop.recipe(name)):
                pass
        assert shop.done == ["start a", "start b", "close b", "start c"]

    run(work())


def test_devices_are_never_held_twice() -> None:
    async def work() -> None:
        shop, executors = Workshop(), Executors(9, {"gpu": 8.0})
        for name, devices in (("a", 4), ("b", 4), ("c", 6)):
            async with executors.lease(shop.recipe(name, devices)):
                pass
        assert shop.done == ["start a", "start b", "close a", "close b", "start c"]

    run(work())


def test_a_run_waits_while_all_are_in_use() -> None:
    async def work() -> None:
        shop, executors = Workshop(), Executors(1, {"gpu": 8.0})
        waiting = asyncio.Event()

        async def second() -> None:
            waiting.set()
            async with executors.lease(shop.recipe("b")):
                shop.done.append("use b")

        async with executors.lease(shop.recipe("a")):
            task = asyncio.create_task(second())
            await waiting.wait()
            shop.done.append("use a")
        await task
        assert shop.done == ["start a", "use a", "close a", "start b", "use b"]

    run(work())


def test_an_executor_that_cannot_start_is_closed_and_made_anew() -> None:
    async def work() -> None:
        shop, executors = Workshop(), Executors(1, {"gpu": 8.0})
        for _ in range(2):
            with pytest.raises(RuntimeError, match="a cannot start"):
                async with executors.lease(shop.recipe("a", breaks=True)):
                    raise AssertionError("a broken executor was handed out")
        assert shop.done == ["start a", "close a"] * 2

    run(work())


def test_a_plan_larger_than_the_fleet_is_left_to_its_executor_to_refuse() -> None:
    async def work() -> None:
        shop, executors = Workshop(), Executors(1, {"gpu": 1.0})
        async with executors.lease(shop.recipe("a", devices=5)):
            assert shop.done == ["start a"]

    run(work())
