"""The seam between a replica and the way its device class does the work.

A driver takes one call and gives its value with the time that the call took in virtual seconds; queueing, transfers and
deadlines are the replica's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from placement.plan import PlanOperator, PlanPool
from runtime.events import Json
from runtime.failure import Failure
from runtime.flow import Flow


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of one operator instance.

    `origin_s` is when its run began and `arrived_at` when its data is there, in virtual seconds of the executor's
    clock and of the run. The transfer takes the last `transfer_s` before that. `remaining_s` is what the run has left
    from then on; None without a deadline that cancels. `streams` are inputs that come in so many items and are not yet
    among the arguments; `items`: others may begin at the first of so many items of the value.
    """

    run: str
    instance: str
    attempt: int
    operator: str
    arguments: dict[str, Json]
    rest: Json
    in_turn: bool
    origin_s: float
    arrived_at: float
    transfer_s: float
    remaining_s: float | None
    streams: Mapping[str, float] = field(default_factory=dict[str, float])
    items: float | None = None

    @property
    def key(self) -> str:
        """Unique name of the attempt."""
        return f"{self.run}/{self.instance}#{self.attempt}"

    @property
    def react(self) -> str:
        """The react whose turn it is a step of: `items[0]/r` of `items[0]/r[1]/think.prefill`."""
        return self.instance.rpartition("[")[0]


@dataclass(frozen=True, slots=True)
class PartTime:
    """How many virtual seconds a function took that ran inside an operator, by its id in the plan."""

    id: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """A value and how many virtual seconds it took; `parts` are those of the functions that were fused."""

    value: Json
    duration_s: float
    parts: tuple[PartTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. Exactly one of `value` and `failure` counts; times are virtual seconds.

    `held_s` is the real time that these virtual seconds (and the transfer before them) stand for; whatever the caller
    waited beyond it is overhead of the orchestrator. `first_s`: from the start to the first item, where that was told.
    """

    value: Json
    failure: Failure | None
    queued_s: float
    duration_s: float
    held_s: float = 0.0
    parts: tuple[PartTime, ...] = ()
    first_s: float | None = None


@dataclass(frozen=True, slots=True)
class DriverSettings:
    """What a driver needs: the folder of the user's code, the pool, its operators and how many calls run at once."""

    root: Path
    pool: PlanPool
    operators: dict[str, PlanOperator]
    slots: int
    time_scale: float
    max_result_bytes: int


class CallFailed(Exception):
    """Carries a failure and the virtual seconds until it happened from a driver to its replica."""

    def __init__(self, failure: Failure, duration_s: float) -> None:
        super().__init__(f"{failure.type}: {failure.message}")
        self.failure = failure
        self.duration_s = duration_s


class Driver(Protocol):
    """The work of one replica. `simulated` says whether its times are predicted instead of measured."""

    simulated: bool
    wall_s_per_virtual_s: float

    async def start(self) -> None:
        """Get ready. Raises `FunctionError` for code that cannot be loaded."""
        ...

    async def run(self, call: Call, operator: PlanOperator, limit_s: float | None, flow: Flow) -> Result:
        """Do one call. Raises `CallFailed`, also of kind `timeout` once `limit_s` virtual seconds have passed.

        `flow` has the inputs that stream, once they are there, and is told of the first item where the call gives one.
        """
        ...

    async def close(self) -> None:
        """End every process that the driver started."""
        ...


async def arrived(call: Call, flow: Flow) -> tuple[Call, float]:
    """The call with all of its arguments, once these are there, and how many virtual seconds after its start."""
    if not call.streams:
        return call, 0.0
    whole = await flow.whole
    late_s = max(0.0, whole.arrived_at - flow.started_at)
    return replace(call, arguments={**call.arguments, **whole.arguments}, streams={}), late_s
