"""Independent calls at the same time in this process: the first failure cancels the others.

Async functions share one event loop, where a cancelled call stops at its next `await`. Other calls run in threads,
which Python cannot stop: those that have not begun never begin, the others end and their results are dropped.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from orchestrator.call_function import CallFunction

R = TypeVar("R")

MAX_THREADS = 32


def run_parallel(calls: Sequence[partial[R]]) -> list[R]:
    """The results in the order of the calls; raises what the first failing call raised."""
    if not calls:
        return []
    if all(_is_async(call) for call in calls):
        return asyncio.run(_gathered(calls))
    with ThreadPoolExecutor(min(len(calls), MAX_THREADS)) as pool:
        futures = [pool.submit(contextvars.copy_context().run, call) for call in calls]
        done, pending = wait(futures, return_when=FIRST_EXCEPTION)
        for future in pending:
            future.cancel()
        _raise_first(futures, done)
        return [future.result() for future in futures]


async def _gathered(calls: Sequence[partial[R]]) -> list[R]:
    tasks = [asyncio.create_task(_awaited(call)) for call in calls]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in tasks:
        if task in done and (error := task.exception()) is not None:
            raise error
    return [task.result() for task in tasks]


def _raise_first(futures: Sequence[Future[R]], done: set[Future[R]]) -> None:
    for future in futures:
        if future in done and not future.cancelled() and (error := future.exception()) is not None:
            raise error


def _is_async(call: partial[Any]) -> bool:
    function = call.func
    return isinstance(function, CallFunction) and iscoroutinefunction(function.__wrapped__)


async def _awaited(call: partial[R]) -> R:
    function = cast(CallFunction[..., R], call.func)
    return await function.await_body(call.args, call.keywords)
