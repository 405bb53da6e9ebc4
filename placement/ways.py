"""Every way to run an operator in provisioned mode: a pool, the calls at once on a replica, and what a visit takes.

Rows of the metered table say what can run where and why not elsewhere; here each text generator's row becomes several
batches, and each visit is divided into time in a slot and time outside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from costmodel.calibration import Calibration
from costmodel.estimate import fits
from costmodel.fleet import DeviceClass
from placement.kept_turns import KEEP, Kept, contexts, waiting_calls
from placement.measured_rows import measured
from placement.operators import OperatorSpec
from placement.options import rows_of
from placement.pricing import Pricing, Row
from placement.problem import Pool
from placement.queueing import Arrivals
from placement.service_times import Serving, ServingTimes, Unservable, serving_times, upper
from placement.shared_problem import Service
from placement.token_counts import Count

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Calls at once on a replica of a text generator that are offered, as far as memory holds them."""

SERVE, PREFILL, DECODE, RUN, FUNCTIONS, PART = "serve", "prefill", "decode", "run", "functions", "part"
"""What a pool does: prompts and tokens of the same calls, only prompts, only tokens, runs of a model, functions.

A part is a half of a decode, which has no pool: see `NO_HALVES`.
"""

ENCODE, DECODE_ENCODED = "encoder", "decoder"
"""Pools of an encoder apart from its decoder: each holds its own weights only."""

NO_HALVES = (
    "attention apart from its weights has no level: its memory also holds the KV of calls that are in the other half, "
    "and at every token a call waits for both halves anew, which no slot of its own stands for"
)
WHOLE_ENCODERS = "an encoder stands apart from its decoder only with encoders: split in the load file"
NO_KEPT_TURNS = "no KV is kept between the turns of a react without turns: kept in the load file"
MEASURED_TURNS = "what was measured does not say what memory the turns take that wait for tools"


@dataclass(frozen=True, slots=True)
class Prefix:
    """So many tokens of the text with this hash."""

    tokens: float
    sha256: str


@dataclass(frozen=True, slots=True)
class Asked:
    """An operator as a pool sees it: `phase` is one of those above; counts of its call where it has tokens.

    `prefix` is what every prompt of its call begins with, where replicas keep the KV of that; `kept` the turns of its
    react, where they keep that of the turn before.
    """

    spec: OperatorSpec
    phase: str
    tokens_in: Count | None = None
    tokens_out: Count | None = None
    prefix: Prefix | None = None
    kept: Kept | None = None

    @property
    def context_tokens(self) -> float:
        """95th percentile of a call's context: that of the prompt and of the answer, which `max_tokens` bounds."""
        if self.tokens_in is None or self.tokens_out is None:
            return self.spec.context_tokens
        bound = max(self.spec.context_tokens - (self.spec.tokens_in or 0.0), self.tokens_out.mean)
        return self.tokens_in.p95 + min(self.tokens_out.p95, bound)


@dataclass(frozen=True, slots=True)
class Way:
    """A pool with `slots` calls at once on a replica, and one visit in it. `fee_usd` is beside the pool.

    `token_s` is a token of a decode, None for all else. `upper` is the visit's upper end over its estimate: 1 for what
    is measured or stated, None where a formula was used and nobody says how far off it is. `keeps`: so many calls more
    have their KV on a replica while tools work.
    """

    pool: Pool
    slots: int
    service: Service
    fee_usd: float
    source: str
    bound_by: str = ""
    notes: tuple[str, ...] = ()
    token_s: float | None = None
    upper: float | None = None
    keeps: int = 0


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways of one operator, and why there are no others."""

    ways: tuple[Way, ...]
    rejected: tuple[str, ...]


def ways_of(asked: Sequence[Asked], pricing: Pricing, calibration: Calibration | None = None) -> Mapping[Asked, Ways]:
    """The ways of each operator, text generators by the roofline where there is no calibration.

    Raises as `options.rows_of` does, for an operator that nothing prices.
    """
    parts = {each: Ways((), (f"{each.spec.id}: {why}",)) for each in asked if (why := _why_none(each)) is not None}
    distinct = [each for each in dict.fromkeys(asked) if each not in parts]
    rows = {each: rows_of(replace(each.spec, context_tokens=each.context_tokens), pricing) for each in distinct}
    longest_s = {each.spec: max((row.latency_s for row in rows[each].rows), default=0.0) for each in distinct}
    kept = kept_tokens(distinct)
    servings = [
        (each, row, serving) for each in distinct for row, serving in _servings(each, rows[each].rows, (pricing, kept))
    ]
    times = serving_times([serving for _, _, serving in servings], calibration)
    alone: dict[Asked, list[Way]] = {each: [] for each in distinct}
    rejected = {each: list(rows[each].rejected) for each in distinct}
    for (each, row, serving), found in zip(servings, times, strict=True):
        if isinstance(found, Unservable):
            rejected[each].append(f"{row.pool.id} with {serving.batch} at once: {found.why}")
        elif isinstance(keeps := _keeps(each, serving, found, longest_s), str):
            rejected[each].append(f"{row.pool.id} with {serving.batch} at once: {keeps}")
        else:
            alone[each].append(replace(_served(each, row, serving, found), keeps=keeps))
    widest = None if calibration is None else upper(calibration, "tpot")
    for each in distinct:
        whole = [row for row in rows[each].rows if not _is_served(each, row)]
        if each.kept is None:
            alone[each] += [_whole(each, row, pricing, widest) for row in whole]
        else:
            rejected[each] += [f"{row.pool.id}: {MEASURED_TURNS}" for row in whole]
    return parts | {each: Ways(tuple(alone[each]), tuple(rejected[each])) for each in distinct}


def _why_none(asked: Asked) -> str | None:
    if asked.kept is not None:
        return asked.kept.unknown
    if asked.phase != PART:
        return None
    if asked.spec.phase in {"encode", "decode_encoded"}:
        return WHOLE_ENCODERS
    return NO_HALVES if asked.spec.turns is None else NO_KEPT_TURNS


def _keeps(asked: Asked, serving: Serving, times: ServingTimes, longest_s: Mapping[OperatorSpec, float]) -> int | str:
    """How many calls more have their KV on a replica while tools work, at most; why not where memory is too small."""
    if asked.kept is None:
        return 0
    turn = (Arrivals(0.0, *_prompt(asked, times)), Arrivals(0.0, *_tokens(asked, times.token_s)))
    calls = waiting_calls(asked.kept.turns, asked.kept.gap_s(longest_s), turn, serving.batch)
    at = serving.model, serving.device, serving.tp, serving.precision
    assert asked.tokens_in is not None, "a text generator's call has tokens"
    assert asked.tokens_out is not None, "a text generator's call has tokens"
    kept = contexts(serving.model, (asked.tokens_in, asked.tokens_out), asked.context_tokens, calls)
    fit = fits(*at, serving.batch + kept, asked.context_tokens)
    if fit.ok:
        return calls
    return (
        f"memory: with the KV of {calls} calls whose tools work needs {fit.needed_bytes / 1e9:.1f} GB on each device, "
        f"which may use {fit.available_bytes / 1e9:.1f} GB"
    )


def kept_tokens(asked: Iterable[Asked]) -> Mapping[str, float]:
    """By model the tokens of all prefixes together, which each replica that reads prompts keeps the KV of."""
    prefixes: dict[str, set[Prefix]] = {}
    for each in asked:
        if each.prefix is not None:
            for model in each.spec.models:
                prefixes.setdefault(model, set()).add(each.prefix)
    return {model: sum(prefix.tokens for prefix in found) for model, found in prefixes.items()}


def is_known(source: str) -> bool:
    """Whether a row's time was measured, or stated by who wrote the function."""
    return set(source.split(" and ")) <= {"profile", "prior"}


def fee_usd(spec: OperatorSpec) -> float:
    """What a call costs beside devices: the fees that authors state."""
    return sum(fee_usd(member) for member in spec.members) if spec.members else spec.prior.cost_usd or 0.0


def _is_served(asked: Asked, row: Row) -> bool:
    return asked.phase in {SERVE, PREFILL, DECODE, KEEP} and row.source in {"roofline", "calibrated"}


def _servings(
    asked: Asked, rows: Sequence[Row], prices: tuple[Pricing, Mapping[str, float]]
) -> Iterator[tuple[Row, Serving]]:
    """Each row of a formula with each batch that its memory holds; a pool of prompts reads one at a time."""
    tokens, (pricing, kept) = (asked.tokens_in, asked.tokens_out), prices
    prefix_tokens = 0.0 if asked.prefix is None else asked.prefix.tokens
    for row in rows:
        device_class = pricing.fleet.device_class(row.pool.device)
        device, pool = device_class.device, row.pool
        if not _is_served(asked, row) or device is None or tokens[0] is None or tokens[1] is None:
            continue
        model, precision = pricing.models.model(pool.model or ""), pool.precision or ""
        for batch in BATCHES[:1] if asked.phase == PREFILL else BATCHES:
            shared = 0.0 if asked.phase in {DECODE, KEEP} else kept.get(model.id, 0.0) / batch
            if fits(model, device, pool.tp, precision, batch, asked.context_tokens + shared).ok:
                mean = tokens[0].mean, tokens[1].mean
                turns = None if asked.kept is None else asked.kept.turns
                yield row, Serving(model, device, pool.tp, precision, *mean, batch, prefix_tokens, turns)


def _served(asked: Asked, row: Row, serving: Serving, times: ServingTimes) -> Way:
    token_s, outside_s = None, 0.0
    if asked.spec.phase == "decode":
        token_s = times.decode_token_s if asked.phase == DECODE else times.token_s
        slot_s, sd_s = _tokens(asked, token_s)
    elif asked.phase != PREFILL:
        slot_s, sd_s = _prompt(asked, times)
    else:
        slot_s, sd_s = times.prompt_s, _prompt(asked, times)[1]
        outside_s = max(0.0, times.first_s - times.prompt_s)
    return Way(
        pool=in_phase(row.pool, asked.phase),
        slots=serving.batch,
        service=Service(slot_s, sd_s, outside_s),
        fee_usd=0.0,
        source=times.source,
        bound_by=row.bound_by,
        notes=(*times.notes, *asked.spec.notes),
        token_s=token_s,
        upper=times.prompt_factor if token_s is None else times.token_factor,
    )


def _tokens(asked: Asked, token_s: float) -> tuple[float, float]:
    """Mean and deviation of the seconds of a call's tokens."""
    assert asked.tokens_out is not None, "a text generator's call has tokens"
    slot_s = asked.tokens_out.mean * token_s
    return slot_s, asked.tokens_out.cv * slot_s


def _prompt(asked: Asked, times: ServingTimes) -> tuple[float, float]:
    """Mean and deviation of the seconds of a first token among other calls.

    Of turns that go on from one another each prompt deviates by its own time, and first prompts differ from later ones:
    a variance of E[t^2] (1 + cv^2) - E[t]^2.
    """
    assert asked.tokens_in is not None, "a text generator's call has tokens"
    cv = asked.tokens_in.cv
    if asked.kept is None:
        return times.first_s, cv * times.whole_prompt_s
    return times.first_s, math.sqrt(times.prompt_rms_s**2 * (1.0 + cv**2) - times.prompt_s**2)


def _whole(asked: Asked, row: Row, pricing: Pricing, widest: float | None) -> Way:
    """A visit that has a replica to itself: a function on a core, a run of a model, or what a profile measured."""
    slot_s = row.latency_s if row.device_s is None else row.device_s / row.pool.tp
    token_s = None
    if asked.spec.phase == "decode" and asked.tokens_out is not None:
        token_s = slot_s / asked.tokens_out.mean
    return Way(
        pool=in_phase(row.pool, asked.phase),
        slots=1,
        service=Service(slot_s, _sd_s(asked, row, pricing), max(0.0, row.latency_s - slot_s)),
        fee_usd=fee_usd(asked.spec),
        source=row.source,
        bound_by=row.bound_by,
        notes=row.notes,
        token_s=token_s,
        upper=1.0 if is_known(row.source) else widest,
    )


def _sd_s(asked: Asked, row: Row, pricing: Pricing) -> float:
    """Deviation of a visit: measured, else that of its tokens, else the author's; of fused computes the root of the sum
    of squares."""
    spec = asked.spec
    if spec.members:
        return sum(member.prior.latency_sd_s**2 for member in spec.members) ** 0.5
    if row.source == "profile":
        device_class: DeviceClass = pricing.fleet.device_class(row.pool.device)
        rows = (each for each in measured(spec, device_class, pricing) if each.tp == row.pool.tp)
        found = next((each.latency_sd_s for each in rows), None)
        if found is not None:
            return found
    count = asked.tokens_out if spec.phase == "decode" else asked.tokens_in if spec.phase == "prefill" else None
    return spec.prior.latency_sd_s if count is None else count.cv * row.latency_s


def in_phase(pool: Pool, phase: str) -> Pool:
    """The pool of a class and model that does one thing; two that do different things are pools apart."""
    return pool if phase in {FUNCTIONS, ENCODE, DECODE_ENCODED} else replace(pool, id=f"{pool.id}/{phase}")
