"""Prefix-cache hits and speculative decoding on top of a served point, by the ratio that the step model gives.

No public serving states either, so neither is fitted: what `step.py` says of an engine with them over one without them
scales the calibrated prediction, the ends of its interval and the bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from costmodel.errors import CostError
from costmodel.points import Point
from costmodel.roofline import DEFAULT, Efficiency, step_coefficients
from costmodel.served import Range, Served
from costmodel.step import (
    Engine,
    StepCoefficients,
    chunked_prefill_s,
    closed_loop,
    speculative_step_s,
    tokens_per_step,
)

_DATASHEET = Efficiency(mfu=1.0, mbu=1.0, step_s=0.0)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """`prefix_hit` is the share of each prompt's tokens that the engine's cache holds, rounded down to whole blocks.

    No memory is saved, as prompts may begin differently, so that as many sequences run at once as without.
    A step checks `draft_tokens` proposed at no cost (n-grams), each accepted with probability `acceptance`. Raises
    CostError for values outside [0, 1], below 0, and [0, 1).
    """

    prefix_hit: float = 0.0
    draft_tokens: int = 0
    acceptance: float = 0.0

    def __post_init__(self) -> None:
        """Only what `step.Engine` can mean."""
        if not 0 <= self.prefix_hit <= 1:
            raise CostError(f"a share of prefix hits is in [0, 1], got {self.prefix_hit!r}")
        if self.draft_tokens < 0 or not 0 <= self.acceptance < 1:
            raise CostError(
                "drafts are at least 0 tokens, accepted with a probability in [0, 1), "
                f"got {self.draft_tokens!r} and {self.acceptance!r}"
            )

    @property
    def used(self) -> bool:
        """Whether there is anything to say."""
        return self.prefix_hit > 0 or self.draft_tokens > 0


def with_options(point: Point, served: Served, options: EngineOptions) -> Served:
    """The prediction for an engine with these options, marked as uncalibrated; unchanged where none is used."""
    if not options.used:
        return served
    engine = Engine(
        prefix_tokens=int(options.prefix_hit * point.tokens_in),
        draft_tokens=options.draft_tokens,
        acceptance=options.acceptance,
    )
    first, between = _ratios(point, engine, served.batch)
    first_bound, between_bound = _bound_ratios(point, engine, served.batch)
    bound_ttft_s, bound_tpot_s = served.bound_ttft_s * first_bound, served.bound_tpot_s * between_bound
    more = point.tokens_out - 1
    bound_e2e_s = bound_ttft_s + more * bound_tpot_s
    ttft, tpot = _scaled(served.ttft_s, first, bound_ttft_s), _scaled(served.tpot_s, between, bound_tpot_s)
    e2e = _scaled(served.e2e_s, (ttft.value + more * tpot.value) / served.e2e_s.value, bound_e2e_s)
    tokens = point.concurrency * point.tokens_out
    return replace(
        served,
        ttft_s=ttft,
        tpot_s=tpot,
        e2e_s=e2e,
        tokens_per_s=Range(tokens / e2e.value, tokens / e2e.high, tokens / e2e.low),
        bound_ttft_s=bound_ttft_s,
        bound_tpot_s=bound_tpot_s,
        bound_e2e_s=bound_e2e_s,
        bound_tokens_per_s=served.batch * point.tokens_out / bound_e2e_s,
        parts={name: seconds * tpot.value / served.tpot_s.value for name, seconds in served.parts.items()},
        extrapolated=(*_notes(options, first, between), *served.extrapolated),
    )


@dataclass(frozen=True, slots=True)
class PrefixRatios:
    """Times with a prefix in the cache over those without: a prompt alone, a first token, between tokens."""

    prompt: float
    first: float
    between: float


def prefix_ratios(point: Point, prefix_tokens: float) -> PrefixRatios:
    """Where the cache holds the first `prefix_tokens` of every prompt, whole blocks of them, while all calls run."""
    engine, coefficients = Engine(prefix_tokens=int(prefix_tokens)), _coefficients(point, DEFAULT)
    alone = [chunked_prefill_s(coefficients, each, point.tokens_in) for each in (engine, Engine())]
    first, between = _ratios(point, engine, point.concurrency)
    return PrefixRatios(alone[0] / alone[1], first, between)


def _coefficients(point: Point, efficiency: Efficiency) -> StepCoefficients:
    return step_coefficients(point.model, point.device, point.tp, point.precision, point.kv, efficiency=efficiency)


def _ratios(point: Point, engine: Engine, batch: float) -> tuple[float, float]:
    """Time to the first token and between tokens, with the options over without; `batch` sequences run in both."""
    coefficients = _coefficients(point, DEFAULT)
    plain, other = (
        closed_loop(coefficients, replace(each, max_batch=batch), point.tokens_in, point.tokens_out, point.concurrency)
        for each in (Engine(), engine)
    )
    return other.ttft_s / plain.ttft_s, other.tpot_s / plain.tpot_s


def _bound_ratios(point: Point, engine: Engine, batch: float) -> tuple[float, float]:
    """The same of a prompt alone and of a step without prompts, at the datasheet's rates."""
    ideal = _coefficients(point, _DATASHEET)
    first = [chunked_prefill_s(ideal, each, point.tokens_in) for each in (engine, Engine())]
    between = [
        speculative_step_s(ideal, each, batch, point.tokens_in) / tokens_per_step(each) for each in (engine, Engine())
    ]
    return first[0] / first[1], between[0] / between[1]


def _scaled(found: Range, ratio: float, least: float) -> Range:
    return Range(*(max(least, end * ratio) for end in _ends(found)))


def _ends(found: Range) -> tuple[float, float, float]:
    return found.value, found.low, found.high


def _notes(options: EngineOptions, first: float, between: float) -> tuple[str, ...]:
    asked = [f"{options.prefix_hit:.0%} of each prompt in the prefix cache"] if options.prefix_hit else []
    if options.draft_tokens:
        asked.append(
            f"{options.draft_tokens} drafts a step, each accepted with {options.acceptance:g}, made at no cost"
        )
    effect = f"x {first:.3g} to the first token, x {between:.3g} between tokens"
    return (
        f"uncalibrated, by the step model, an error that the interval does not have: {' and '.join(asked)} ({effect})",
    )
