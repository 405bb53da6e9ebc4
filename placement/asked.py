"""What each operator of an agent asks of pools: which kind of pool, and how many tokens its calls have.

Between the specs of the IR, which know means only, and the load file, which may know better.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ir import view
from ir.dialects.llm import PrefillOp
from placement.kept_turns import KEEP, kept_turns
from placement.load import AgentDemand, StatedCount, StatedTokens
from placement.measured_sizes import Count as CountName
from placement.operators import OperatorSpec
from placement.part_pools import WHOLE_PHASES
from placement.shared_problem import CallLimit
from placement.structure import Structure
from placement.token_counts import ASSUMED_CV, Count, of_cv, of_p95, of_trace
from placement.ways import DECODE, DECODE_ENCODED, ENCODE, FUNCTIONS, PART, PREFILL, RUN, SERVE, Asked, Prefix

ASSUMED = "the Azure conversation trace of 2023"


def asked_of(
    specs: Sequence[OperatorSpec],
    structure: Structure,
    demand: AgentDemand,
    *,
    keeps_prefixes: bool = False,
    splits_encoders: bool = False,
    keeps_turns: bool = False,
) -> tuple[Asked, ...]:
    """Each operator with the kind of its pool and the counts of its call, its means replaced where the load says.

    Prefill and decode of one group are served together; apart from a group each has a pool of its own. A system prompt
    is the same in all runs, so that replicas that read prompts may keep its KV; the turns of a react go on from one
    another in pools of their own.
    """
    together = {member for group in structure.groups for member in group}
    counts = dict(_counts(specs, demand))
    prefixes = dict(_prefixes(structure)) if keeps_prefixes else {}
    kept = kept_turns(specs, structure) if keeps_turns else {}
    found: list[Asked] = []
    for position, spec in enumerate(specs):
        tokens_in, tokens_out = counts.get(spec, (None, None))
        sized = spec
        if tokens_in is not None and tokens_out is not None:
            longest = spec.context_tokens + tokens_in.mean - (spec.tokens_in or 0.0)
            sized = replace(spec, tokens_in=tokens_in.mean, tokens_out=tokens_out.mean, context_tokens=longest)
        phase = KEEP if position in kept else _phase(spec, position in together, splits_encoders)
        prefix = prefixes.get(view.call_id(structure.operations[position])) if phase in {SERVE, PREFILL} else None
        found.append(Asked(sized, phase, tokens_in, tokens_out, prefix, kept.get(position)))
    return tuple(found)


def call_limits(asked: Sequence[Asked], structure: Structure, demand: AgentDemand) -> tuple[CallLimit, ...]:
    """The limits on tokens of each call of a text generator, in each alternative that it has."""
    decodes = {
        (each.spec.id.removesuffix(".decode"), structure.alternatives[position]): position
        for position, each in enumerate(asked)
        if each.spec.phase == "decode"
    }
    found: list[CallLimit] = []
    for position, each in enumerate(asked):
        limits = demand.limits.get(each.spec.function)
        if each.spec.phase != "prefill" or limits is None or each.tokens_out is None:
            continue
        decode = decodes.get((each.spec.id.removesuffix(".prefill"), structure.alternatives[position]))
        if decode is None:
            continue
        tokens = max(1.0, each.tokens_out.mean)
        found.append(CallLimit(position, decode, tokens, limits.ttft, limits.token_time_s))
    return tuple(found)


def assumptions(asked: Sequence[Asked]) -> Iterator[str]:
    """What is supposed of tokens where nobody states their spread."""
    assumed = dict.fromkeys(
        each.spec.function for each in asked if each.tokens_out is not None and each.tokens_out.basis == ASSUMED
    )
    if assumed:
        spreads = ", ".join(f"{name} {cv:g}" for name, cv in ASSUMED_CV.items())
        yield (
            f"token counts of {', '.join(assumed)} spread as in {ASSUMED} (deviation over mean: {spreads}); the load "
            "file's tokens: state others"
        )
    prefixes = {each.spec.function: each.prefix for each in asked if each.prefix is not None}
    for function, prefix in prefixes.items():
        yield (
            f"prompts of {function} begin with {prefix.tokens:g} tokens that are the same in every run: each replica "
            "keeps their KV and reads only the rest"
        )
    if not prefixes:
        yield "prompts share no KV of a common prefix"


def _prefixes(structure: Structure) -> Iterator[tuple[str, Prefix]]:
    """By call what all of its prompts begin with; a prompt that is read in chunks has none kept."""
    for op in structure.operations:
        if isinstance(op, PrefillOp) and op.starts_with is not None and op.chunk_tokens is None:
            yield view.call_id(op), Prefix(op.starts_with.count, op.starts_with.sha256.data)


def _phase(spec: OperatorSpec, is_grouped: bool, splits_encoders: bool) -> str:
    if not spec.models:
        return FUNCTIONS
    if spec.phase in {"encode", "decode_encoded"} and splits_encoders:
        return ENCODE if spec.phase == "encode" else DECODE_ENCODED
    if spec.phase in WHOLE_PHASES or spec.turns is not None:
        return PART
    if spec.phase == "run":
        return RUN
    if is_grouped:
        return SERVE
    return PREFILL if spec.phase == "prefill" else DECODE


def _counts(specs: Sequence[OperatorSpec], demand: AgentDemand) -> Iterator[tuple[OperatorSpec, tuple[Count, Count]]]:
    for spec in dict.fromkeys(specs):
        if spec.phase not in {"prefill", "decode"} or not spec.models:
            continue
        stated = demand.tokens.get(spec.function, StatedTokens())
        if stated.trace is not None:
            yield spec, of_trace(stated.trace)
            continue
        tokens_in = _count(stated.tokens_in, spec.tokens_in, "tokens_in")
        tokens_out = _count(stated.tokens_out, spec.tokens_out, "tokens_out")
        if tokens_in is not None and tokens_out is not None:
            yield spec, (tokens_in, tokens_out)


def _count(stated: StatedCount, own: float | None, name: CountName) -> Count | None:
    """The count as stated; None where neither the load nor the agent gives a mean, which `ways` refuses by name."""
    mean = own if stated.mean is None else stated.mean
    if mean is None or mean <= 0:
        return None
    if stated.p95 is not None:
        return of_p95(mean, stated.p95, "stated")
    if stated.cv is not None:
        return of_cv(mean, stated.cv, "stated")
    return of_cv(mean, ASSUMED_CV[name], ASSUMED)
