"""What an operator of the lowered IR asks of a device, freed of the IR.

The options table is filled from these records, so that pricing never touches xDSL and is tested on hand-made operators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from costmodel.turns import Turns

Phase = Literal[
    "render",
    "prefix_prefill",
    "prefill",
    "decode",
    "decode_attention",
    "decode_linear",
    "parse",
    "call",
    "run",
    "encode",
    "decode_encoded",
]
"""What part of a call an operator is; the part of a profile's task name after the dot."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How one call may be run: limits and what may happen after a failure."""

    timeout_s: float | None = None
    retries: int = 0
    idempotent: bool = False
    stream: bool = False


@dataclass(frozen=True, slots=True)
class PriorTime:
    """The author's expectation of one call: `latency_s` in all, `cpu_s` of it busy, the rest waiting outside.

    `cost_usd` is what the call costs beside the device's time, such as the fee of a service. None: not stated.
    `latency_sd_s` is the deviation of one call's time.
    """

    latency_s: float | None
    cpu_s: float | None
    cost_usd: float | None
    latency_sd_s: float = 0.0

    @property
    def lacking(self) -> tuple[str, ...]:
        """The arguments of a decorator that are missing before this prices a call."""
        missing = {"latency=": self.latency_s is None, "cost_usd=": self.cost_usd is None}
        return tuple(name for name, is_missing in missing.items() if is_missing)


UNSTATED = PriorTime(None, None, None)
"""An author who states nothing."""


@dataclass(frozen=True, slots=True)
class OperatorSpec:
    """An operator: `id` such as `answer.prefill`, `value` its value's name, `function` the user's name in profiles.

    `models` are alternatives (empty: runs user code on a CPU core). Sizes are means per visit: tokens, seconds of
    audio, images, bytes of the result. `visits` is the mean number of executions per run; `context_tokens` the longest
    context that an LLM's call may reach, for memory. `unsized` are the tools of a react whose answers nothing sizes, so
    that the mean prompt is unknown. `chunk_tokens` is how much of a prompt prefill reads at a time (None:
    all of it). `members` are the computes that were fused to this operator, in order; what they take and cost adds up.
    `turns`: a prefill that goes on from the KV of the turn before, in a react of such turns. `notes` are printed with
    every option.
    """

    id: str
    value: str
    op: str
    function: str
    phase: Phase
    visits: float
    models: tuple[str, ...] = ()
    tokens_in: float | None = None
    tokens_out: float | None = None
    chunk_tokens: int | None = None
    context_tokens: float = 0.0
    audio_s: float | None = None
    images: float | None = None
    bytes_out: float = 0.0
    prior: PriorTime = UNSTATED
    parts: tuple[tuple[str, float], ...] = ()
    calls: Calls = Calls()
    unsized: tuple[str, ...] = ()
    members: tuple[OperatorSpec, ...] = ()
    notes: tuple[str, ...] = ()
    prefix_tokens: float | None = None
    turns: Turns | None = None

    @property
    def task(self) -> str:
        """The operator's name in a profile: `<function>.<phase>`; a prefill that finds KV has its own."""
        if self.turns is not None:
            return f"{self.function}.prefill_of_turns"
        if self.phase == "prefill" and self.prefix_tokens is not None:
            return f"{self.function}.prefill_after_prefix"
        return f"{self.function}.{self.phase}"

    @property
    def whole_task(self) -> str | None:
        """The task of a whole prefill, for one that makes or finds a part of its KV; None for any other operator."""
        is_part = self.phase == "prefix_prefill" or self.prefix_tokens is not None or self.turns is not None
        return f"{self.function}.prefill" if is_part else None
