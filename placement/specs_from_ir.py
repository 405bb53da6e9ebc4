"""Reads what each operator of the annotated IR asks for: visits, sizes, priors and limits.

The last place that knows xDSL on the way to the options table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from xdsl.ir import Operation

from costmodel.errors import CostError
from costmodel.turns import Turns
from ir import view
from ir.answer_tokens import answer_tokens, tool_tokens
from ir.dialects import cost
from ir.dialects.assembly import names_of
from ir.dialects.control import FusedOp, ReactOp
from ir.dialects.llm import DecodeAttentionOp, DecodeLinearOp, DecodeOp, PrefillOp, PrefixPrefillOp, RenderOp
from ir.dialects.model import EncodeOp
from ir.dialects.task import FunctionOp
from ir.dialects.tool import ComputeOp
from placement.data_flow import OperatorOp
from placement.host_steps import PARSE, RENDER
from placement.operators import UNSTATED, Calls, OperatorSpec, Phase, PriorTime

_PHASES: dict[str, Phase] = {
    "llm.render": "render",
    "llm.prefix_prefill": "prefix_prefill",
    "llm.prefill": "prefill",
    "llm.decode": "decode",
    "llm.decode_attention": "decode_attention",
    "llm.decode_linear": "decode_linear",
    "llm.parse": "parse",
    "model.run": "run",
    "model.encode": "encode",
    "model.decode": "decode_encoded",
}
_WITH_CONTEXT = ("prefill", "decode", "decode_attention", "decode_linear")

ASSUMED_VALUE_BYTES = 4096.0
"""Size on a link of a value that nothing sizes (an assumption: a page of JSON); printed with every plan."""

_HOST_STEPS = {"render": RENDER, "parse": PARSE}


def read_specs(operations: Sequence[OperatorOp]) -> tuple[OperatorSpec, ...]:
    """The demand of each operator, in order. Raises `CostError` where a pass has not annotated visits."""
    contexts, unsized, turns = dict(_contexts(operations)), dict(_unsized(operations)), dict(_turns(operations))
    specs: list[OperatorSpec] = []
    for op in operations:
        call = view.call_id(op)
        continued = turns.get(call) if isinstance(op, PrefillOp) and op.continues is not None else None
        specs.append(replace(_spec(op, contexts), unsized=unsized.get(call, ()), turns=continued))
    return tuple(specs)


def _fused_spec(op: FusedOp, contexts: Mapping[str, float]) -> OperatorSpec:
    """One operator for computes that were fused: it hands on what the last one makes."""
    members = tuple(_spec(part, contexts) for part in op.body.block.ops if isinstance(part, FunctionOp))
    bytes_out = cost.amount(op, "bytes_out")
    return replace(
        members[-1],
        id=op.id.data,
        op=op.name,
        function=", ".join(member.function for member in members),
        bytes_out=ASSUMED_VALUE_BYTES if bytes_out is None else bytes_out,
        prior=UNSTATED,
        calls=Calls(idempotent=all(member.calls.idempotent for member in members)),
        members=members,
    )


def _spec(op: OperatorOp, contexts: Mapping[str, float]) -> OperatorSpec:
    if isinstance(op, FusedOp):
        return _fused_spec(op, contexts)
    visits = cost.amount(op, "visits")
    if visits is None:
        raise CostError(f"{op.name} @{op.id.data} has no cost.visits; run the annotate-demand pass first")
    phase, call = _PHASES.get(op.name, "call"), view.call_id(op)
    execution = view.execution(op)
    return OperatorSpec(
        id=call if phase in {"call", "run"} else f"{call}.{phase}",
        value=op.id.data,
        op="tool.invoke" if isinstance(op, ComputeOp) else op.name,
        function=view.task_name(op),
        phase=phase,
        visits=visits,
        models=view.models(op),
        tokens_in=cost.amount(op, "tokens_in"),
        tokens_out=cost.amount(op, "tokens_out"),
        context_tokens=_context_tokens(op, phase, contexts),
        audio_s=view.number(op, "audio_s"),
        images=view.number(op, "images"),
        bytes_out=_bytes_out(op),
        prior=_HOST_STEPS.get(phase) or _prior(op),
        parts=_parts(op),
        calls=Calls(execution.timeout_s, execution.retries, execution.idempotent, execution.stream),
        prefix_tokens=view.cached_tokens(op),
        chunk_tokens=view.integer(op, "chunk_tokens"),
    )


def _context_tokens(op: FunctionOp, phase: Phase, contexts: Mapping[str, float]) -> float:
    """The longest context of an operator that keeps KV; a prefix keeps its own."""
    if isinstance(op, PrefixPrefillOp):
        return op.starts_with.count
    return contexts[view.call_id(op)] if phase in _WITH_CONTEXT else 0.0


def _bytes_out(op: FunctionOp) -> float:
    """Bytes of an operator's value; of a part's the most that any of its models exchanges with the other part."""
    if isinstance(op, DecodeAttentionOp | EncodeOp):
        moving = [op, *(use.operation for use in op.result.uses)]
        return max((size for each in moving for size in cost.per_model(each, "moved_bytes") or ()), default=0.0)
    stated = cost.amount(op, "bytes_out")
    return ASSUMED_VALUE_BYTES if stated is None else stated


def _contexts(operations: Sequence[OperatorOp]) -> Iterator[tuple[str, float]]:
    """By call of a text generator, the longest context in tokens: the longest prompt and all that may be generated.

    The prompt of a react's last turn also has what every turn before may have generated, and the longest mean answer
    of a tool after each. Means stand for prompts and tools' answers; what nothing states counts as none.
    """
    limits = {op.call.data: op.max_tokens.value.data for op in operations if isinstance(op, DecodeOp | DecodeLinearOp)}
    for op in operations:
        if not isinstance(op, RenderOp):
            continue
        limit, react = limits[op.call.data], view.turn_of(op)
        if react is not None:
            first = view.number(op, "tokens_in") or 0.0
            growth = (react.max_turns.value.data - 1) * (limit + _longest_answer(react))
            yield op.call.data, first + growth + limit
        else:
            yield op.call.data, (cost.amount(op, "tokens_in") or 0.0) + limit


def _unsized(operations: Sequence[OperatorOp]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """By call of a text generator in a react with a first prompt of known length, the tools that state no length."""
    for op in operations:
        react = view.turn_of(op)
        if isinstance(op, RenderOp) and react is not None and view.number(op, "tokens_in") is not None:
            tools = zip(names_of(react.tool_names), react.tools, strict=True)
            yield op.call.data, tuple(name for name, region in tools if answer_tokens(region) is None)


def _turns(operations: Sequence[OperatorOp]) -> Iterator[tuple[str, Turns]]:
    """By call of a text generator in a react, its turns; a tool that states no length counts as none.

    That is refused elsewhere, since the mean prompt is then unknown too.
    """
    for op in operations:
        react = view.turn_of(op)
        if isinstance(op, RenderOp) and react is not None:
            yield op.call.data, Turns(react.expect.value.data, tool_tokens(react) or 0.0)


def _longest_answer(react: ReactOp) -> float:
    """Tokens of the longest mean answer of a tool."""
    return max((answer_tokens(region) or 0.0 for region in react.tools), default=0.0)


def _prior(op: Operation) -> PriorTime:
    prior = view.prior(op)
    busy_s = prior.latency_s if prior.cpu_s is None else prior.cpu_s
    return PriorTime(prior.latency_s, busy_s, prior.cost_usd, prior.latency_sd_s)


def _parts(op: Operation) -> tuple[tuple[str, float], ...]:
    """The finer operations of a tool's call, first to last, with their seconds; none where these are not known.

    The lookup checks arguments within the call, so it has no time of its own.
    """
    parts: list[tuple[str, float]] = []
    current: object = op
    while isinstance(current, Operation) and current.name.startswith("tool."):
        is_lookup = current.name == "tool.lookup"
        seconds = 0.0 if is_lookup else cost.amount(current, "wait_s" if current.name == "tool.wait" else "cpu_s")
        if seconds is None:
            return ()
        parts.append((current.name, seconds))
        current = None if is_lookup else current.operands[0].owner
    return tuple(reversed(parts))
