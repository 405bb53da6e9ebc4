"""What goes into and what comes out of a run's state machine: named tuples, cheap because they are on the hot path.

Events are in the past tense and commands in the imperative. All times (`at`, `ready_at`, `sent_at`) are virtual
seconds since the run began, so the same run works under a real, a scaled and a simulated clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from placement.plan import PlanTransfer
from runtime.failure import Failure

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of the same."""

NO_STREAMS: Mapping[str, float] = MappingProxyType({})

Status = Literal["queued", "running", "interrupted", "success", "error", "timeout", "cancelled"]
"""States of a run; the last four are final."""

LogKind = Literal["observed", "loop_capped", "react_capped", "truncated", "retried", "collected", "unknown_tool"]


class Submitted(NamedTuple):
    """The run was accepted; `inputs` maps the agent's parameters to values."""

    inputs: dict[str, Json]
    at: float


class Started(NamedTuple):
    """A replica began an attempt."""

    instance: str
    attempt: int
    at: float


class FirstItem(NamedTuple):
    """The first item of an attempt's value is out."""

    instance: str
    attempt: int
    at: float


class Succeeded(NamedTuple):
    """An attempt gave a value."""

    instance: str
    attempt: int
    value: Json
    at: float


class Failed(NamedTuple):
    """An attempt failed."""

    instance: str
    attempt: int
    failure: Failure
    at: float


class Answered(NamedTuple):
    """A person answered the question of an interrupt."""

    instance: str
    value: Json
    at: float


class Cancelled(NamedTuple):
    """Someone ended the run."""

    at: float


class DeadlinePassed(NamedTuple):
    """The run's time is used up."""

    at: float


Event = Submitted | Started | FirstItem | Succeeded | Failed | Answered | Cancelled | DeadlinePassed


class Sent(NamedTuple):
    """A transfer that an attempt waits for, and when its source finished."""

    transfer: PlanTransfer
    sent_at: float


class Dispatch(NamedTuple):
    """Run an operator (an index of the program).

    `arguments` are its named inputs and `rest` its value without a name. `ready_at` is the latest finish of what it
    waited for. `in_turn` tells that it is part of a react's turn. Attempts count from 1.

    `streams` are inputs that have begun to come, in so many items, and are not among the arguments: `Supply` has them.
    `items`: others may begin at the first of so many items of its value (None: they wait for the whole).
    """

    instance: str
    operator: int
    arguments: dict[str, Json]
    rest: Json
    attempt: int
    ready_at: float
    transfers: tuple[Sent, ...]
    in_turn: bool
    streams: Mapping[str, float] = NO_STREAMS
    items: float | None = None

    def arrived_at(self) -> float:
        """When all of its data has arrived: transfers go side by side, each from the end of its source."""
        return max([self.ready_at, *(sent.sent_at + sent.transfer.latency_s for sent in self.transfers)])


class Supply(NamedTuple):
    """The last items that an attempt reads are there: its streamed inputs as a whole."""

    instance: str
    attempt: int
    arguments: dict[str, Json]
    at: float


class Cancel(NamedTuple):
    """Stop an attempt; its events are ignored from here on."""

    instance: str
    attempt: int


class Ask(NamedTuple):
    """Put a question to a person."""

    instance: str
    question: Json
    at: float


class Log(NamedTuple):
    """Something that the report tells: an observed value, a cap, dropped items, another attempt, a collected
    failure."""

    kind: LogKind
    instance: str
    value: Json
    at: float


class Finish(NamedTuple):
    """The run has ended. `value` on success, `failure` on error."""

    status: Status
    value: Json
    failure: Failure | None
    at: float


Command = Dispatch | Supply | Cancel | Ask | Log | Finish
