"""The keywords of the decorators: what each one may be, and the records that a task keeps of them.

A wrong keyword or value is an error on the decorator's line, because every number here becomes a promise of the plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NoReturn, TypedDict, cast

from ir.duration import DurationError, parse_duration_s
from ir.sla import Sla, SlaError, parse_sla
from orchestrator.errors import DecorationError
from orchestrator.graph import Degrade, Execution, MemoryOp, Prior
from orchestrator.source import user_location

Duration = str | float
SlaLike = str | float | Mapping[str, str | float]


class ExecutionSettings(TypedDict, total=False):
    """How a call is run: `timeout` is a duration, `retries` counts further attempts after a failure.

    `stream`: the value is handed on item by item, in `items` items (for a text its tokens unless given).
    """

    timeout: Duration | None
    retries: int
    idempotent: bool
    stream: bool
    items: float | None


class LlmSettings(ExecutionSettings, total=False):
    """`@llm`: alternatives of `model`, the hard limit `max_tokens`, and mean tokens per call.

    `prefix_tokens` are the first tokens of every prompt, which do not depend on the arguments: the system prompt.
    """

    model: str | Sequence[str]
    max_tokens: int
    prefix_tokens: int | None
    tokens_in: float | None
    tokens_out: float | None
    simulate: object


class CallSettings(ExecutionSettings, total=False):
    """`@tool` and `@compute`: what one call is expected to take; `cpu` is the busy part of `latency`.

    `pure`: it changes nothing, and within a run the same arguments give the same value.
    """

    pure: bool
    latency: Duration | None
    latency_sd: Duration
    cpu: Duration | None
    cost_usd: float | None
    tokens_out: float | None


class MemorySettings(CallSettings, total=False):
    """`@memory`: `op`, and for a lookup the number `k` of results it keeps."""

    k: int | None
    op: MemoryOp


class ModelSettings(ExecutionSettings, total=False):
    """`@model`: alternatives of `model` and exactly one size of the input."""

    model: str | Sequence[str]
    audio_s: Duration | None
    tokens: float | None
    images: float | None
    simulate: object


class AgentSettings(TypedDict, total=False):
    """`@agent`: the limit on the end-to-end latency, on the first output, and what to fall back to."""

    sla: SlaLike | None
    first_output: SlaLike | None
    degrade: Mapping[str, object] | None


KEYWORDS: dict[str, tuple[str, ...]] = {
    "llm": tuple(LlmSettings.__annotations__),
    "tool": tuple(CallSettings.__annotations__),
    "compute": tuple(CallSettings.__annotations__),
    "memory": tuple(MemorySettings.__annotations__),
    "model": tuple(ModelSettings.__annotations__),
    "agent": tuple(AgentSettings.__annotations__),
}
"""The keywords of each decorator."""

NOT_PER_CALL = frozenset({"simulate", "k", "op"})
"""Keywords that belong to the function itself: a plan names the function, so one call cannot override them."""

_IDEMPOTENT_BY_DEFAULT = {"llm": True, "model": True, "compute": True, "tool": False, "memory": True}
_PURE_BY_DEFAULT = frozenset({"compute", "memory"})


_FIRST = "first_output_"
"""In `sla=`, what marks the statistic of the first output."""


class Settings:
    """Reads the keywords of one decorator call; every failure names decorator, keyword, value, rule and remedy."""

    def __init__(self, kind: str, name: str, values: Mapping[str, Any]) -> None:
        self.kind = kind
        self.name = name
        self._values = values
        for key in values:
            if key not in KEYWORDS[kind]:
                known = ", ".join(KEYWORDS[kind])
                self.fail(f"unknown keyword {key!r}", f"use one of: {known}")

    def fail(self, problem: str, remedy: str) -> NoReturn:
        """Raise a `DecorationError` at the user's line."""
        raise DecorationError(f"@{self.kind} {self.name!r}: {problem}", remedy, user_location())

    def models(self) -> tuple[str, ...]:
        """The alternatives of `model`, at least one, each once."""
        value = self._values.get("model")
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not names:
            self.fail(f"model={value!r} names no model", "write model='llama3.1-8b', or a list of alternatives")
        texts = cast(Sequence[object], names)
        if not all(isinstance(name, str) and name.strip() for name in texts) or len(set(texts)) != len(texts):
            self.fail(f"model={value!r} is not a list of different model names", "write model=['llama3.1-8b', ...]")
        return tuple(cast(Sequence[str], texts))

    def count(self, key: str, default: int | None, at_least: int = 1) -> int:
        """A whole number of at least `at_least`; without a default the keyword is required."""
        value = self._values.get(key, default)
        if value is None:
            self.fail(f"{key}= is missing", f"write {key}=<a whole number>")
        return self._number(key, value, f"a whole number of at least {at_least}", lambda n: n >= at_least, (int,))

    def amount(self, key: str, default: float | None = None) -> float | None:
        """A finite number that is not negative; None stays None."""
        value = self._values.get(key, default)
        if value is None:
            return None
        return float(self._number(key, value, "a finite number that is not negative", lambda n: n >= 0, (int, float)))

    def prefix_tokens(self, tokens_in: float | None) -> int | None:
        """How many tokens every prompt begins with, whatever the arguments; None where the author does not say."""
        if self._values.get("prefix_tokens") is None:
            return None
        count = self.count("prefix_tokens", None)
        if tokens_in is not None and count > tokens_in:
            self.fail(
                f"prefix_tokens={count} exceeds tokens_in={tokens_in:g}",
                "the prefix is a part of the prompt: write the tokens of the system prompt",
            )
        return count

    def duration_s(self, key: str, positive: bool = False) -> float | None:
        """Seconds of a duration; None stays None."""
        value = self._values.get(key)
        if value is None:
            return None
        try:
            seconds = parse_duration_s(value)
        except DurationError as error:
            self.fail(f"{key}={value!r}: {error}", f"write {key}='120ms' or a number of seconds")
        if positive and seconds == 0:
            self.fail(f"{key}={value!r} is not positive", f"write {key}='2s', or leave it out for no limit")
        return seconds

    def flag(self, key: str, default: bool = False) -> bool:
        """True or False."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            self.fail(f"{key}={value!r} is not a bool", f"write {key}=True or {key}=False")
        return value

    def execution(self) -> Execution:
        """Limits and retries; more attempts need a function that may run twice."""
        writes = self._values.get("op") == "store"
        default = (_IDEMPOTENT_BY_DEFAULT[self.kind] and not writes) or self._values.get("pure") is True
        idempotent = self.flag("idempotent", default)
        pure = self.flag("pure", self.kind in _PURE_BY_DEFAULT and idempotent and not writes)
        if pure and writes:
            self.fail("pure=True with op='store'", "a store writes: leave pure out")
        if pure and not idempotent:
            self.fail(
                "pure=True on a function that is not idempotent",
                "what changes nothing may run twice: leave idempotent out, or write pure=False",
            )
        retries = self.count("retries", 0, at_least=0)
        if retries and not idempotent:
            self.fail(
                f"retries={retries} on a function that is not idempotent",
                "write idempotent=True if running it twice does no harm, else leave retries out",
            )
        stream, items = self.flag("stream"), self.amount("items")
        if items is not None and not (stream and items > 1):
            self.fail(
                f"items={items:g} with stream={stream}",
                "items is the number of items of a stream: write stream=True and more than 1, or leave it out",
            )
        return Execution(self.duration_s("timeout", positive=True), retries, idempotent, stream, pure, items)

    def prior(self) -> Prior:
        """Expected latency, its busy part, price and size of one call."""
        latency_s, cpu_s = self.duration_s("latency"), self.duration_s("cpu")
        if cpu_s is not None and (latency_s is None or cpu_s > latency_s):
            self.fail(
                f"cpu={self._values['cpu']!r} exceeds latency={self._values.get('latency')!r}",
                "cpu is the busy part of latency: write a latency of at least that",
            )
        return Prior(
            latency_s, self.duration_s("latency_sd") or 0.0, cpu_s, self.amount("cost_usd"), self.amount("tokens_out")
        )

    def memory(self) -> tuple[MemoryOp, int | None]:
        """The memory operation and, for a lookup, how many results it keeps."""
        op: MemoryOp = self._values.get("op", "lookup")
        if op not in ("lookup", "load", "store"):
            self.fail(f"op={op!r} is no memory operation", "use 'lookup', 'load' or 'store'")
        if self._values.get("k") is None:
            return op, None
        if op != "lookup":
            self.fail(f"k={self._values['k']!r} with op={op!r}", "only a lookup has k: leave it out")
        return op, self.count("k", None)

    def input_size(self) -> dict[Literal["audio_s", "tokens", "images"], float]:
        """Exactly one of `audio_s`, `tokens` and `images`."""
        sizes = {
            "audio_s": self.duration_s("audio_s"),
            "tokens": self.amount("tokens"),
            "images": self.amount("images"),
        }
        given = {key: value for key, value in sizes.items() if value is not None}
        if len(given) != 1:
            found = ", ".join(given) or "none"
            self.fail(f"the size of the input is given by {found}", "write exactly one of audio_s=, tokens=, images=")
        return cast(dict[Literal["audio_s", "tokens", "images"], float], given)

    def sla(self, key: str) -> Sla | None:
        """A latency limit; None stays None."""
        value = self._sla_value(key)
        if value is None:
            return None
        try:
            return parse_sla(value)
        except SlaError as error:
            self.fail(f"{key}={value!r}: {error}", f"write {key}={{'p95': '4s'}} or {key}='4s'")

    def _sla_value(self, key: str) -> SlaLike | None:
        """What is stated: `sla` may also hold the limit on the first output, as `first_output_p95`."""
        whole, own = self._values.get("sla"), self._values.get(key)
        if not isinstance(whole, Mapping):
            return own
        stated = cast("Mapping[str, str | float]", whole)
        marked = {name.removeprefix(_FIRST): limit for name, limit in stated.items() if str(name).startswith(_FIRST)}
        if key == "sla":
            return {name: limit for name, limit in stated.items() if not str(name).startswith(_FIRST)} or (
                None if marked else stated
            )
        if marked and own is not None:
            self.fail(f"first_output={own!r} beside sla={stated!r}", "state the limit on the first output once")
        return marked or own

    def degrade(self) -> Degrade | None:
        """The fallback of an agent that would miss its deadline."""
        value = self._values.get("degrade")
        if value is None:
            return None
        if (
            not isinstance(value, Mapping)
            or not value
            or not set(cast(Mapping[str, object], value)) <= {"model", "max_iters"}
        ):
            self.fail(f"degrade={value!r}", "write degrade={'model': 'llama3.1-8b'} or degrade={'max_iters': 1}")
        inner = Settings.__new__(Settings)
        inner.kind, inner.name, inner._values = self.kind, self.name, cast(Mapping[str, Any], value)
        model = inner.models()[0] if "model" in value else None
        return Degrade(model, inner.count("max_iters", None) if "max_iters" in value else None)

    def _number(self, key: str, value: object, rule: str, holds: Callable[[Any], bool], types: tuple[type, ...]) -> Any:
        if isinstance(value, bool) or not isinstance(value, types) or not _finite(value) or not holds(value):
            self.fail(f"{key}={value!r} must be {rule}", f"correct {key}=")
        return value


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
