"""How a plan is run: where the code is, how fast simulated devices pretend to be, and what limits a run.

Loading it loads no Ray, so that a command line can read its options first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

OnMiss = Literal["continue", "cancel"]
OnQuestion = Literal["end", "wait"]

MAX_RESULT_BYTES = 16 * 1024 * 1024
"""Largest value of one operator as JSON. Values travel by messages and stay in the log; larger data belongs in a
file."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of an executor and of the runs on it.

    root: folder that the functions' sources are relative to.
    time_scale: fraction of the predicted time that a simulated device really sleeps; greater than zero.
    address: a Ray cluster (`auto`, or host:port); None starts Ray on this machine.
    dashboard: whether a Ray that is started here has its dashboard.
    resources: device counts that a Ray started here has at least, for further plans than this one.
    deadline_s: the run's limit in virtual seconds; None takes the plan's SLA.
    on_miss: a run that misses its limit goes on and is reported as missed, or is ended as `timeout`.
    answers: answers to interrupts, by instance or by the interrupt's id.
    on_question: a question without an answer ends the run as `interrupted`, or waits for `RayExecutor.answer`.
    start_limit_s: how long starting the replicas may take.
    """

    root: Path = field(default_factory=Path.cwd)
    time_scale: float = 1.0
    address: str | None = None
    dashboard: bool = False
    resources: Mapping[str, float] = field(default_factory=dict[str, float])
    deadline_s: float | None = None
    on_miss: OnMiss = "continue"
    answers: Mapping[str, Any] = field(default_factory=dict[str, Any])
    on_question: OnQuestion = "end"
    start_limit_s: float = 120.0
    max_result_bytes: int = MAX_RESULT_BYTES

    def __post_init__(self) -> None:
        _check_positive("time_scale", self.time_scale)
        if self.deadline_s is not None:
            _check_positive("deadline_s", self.deadline_s)


def _check_positive(name: str, value: float) -> None:
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be a number greater than zero, got {value!r}")
