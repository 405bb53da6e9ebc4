"""Writes on each operation how often it runs in a run and what one execution asks for: the attributes of `cost`.

What is not known stays off (a missing prior, a model outside the catalog): a profile may cover it, and placement
refuses what nothing covers. An operation without a rule here has no demand of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from costmodel.chunk import chunked_prefill_work
from costmodel.errors import CostModelError
from costmodel.model_run import encoded_bytes, input_size, model_run_phases
from costmodel.models import Model, load_models
from costmodel.offload import activation_bytes
from costmodel.prefix import prefix_work, rest_kv_bytes, rest_work
from costmodel.turns import Turns, turn_kv_bytes, turn_work
from costmodel.work import Work
from ir.answer_tokens import tool_tokens
from ir.dialects import agent, comm, control, cost, llm, memory, model, moe, tool
from ir.dialects.names import own_id
from ir.dialects.values import value_bytes
from ir.passes.demand_encode import EncoderOp, encoder_work
from ir.passes.demand_moe import MoeOp, expert_kv_bytes, moe_work, moved_bytes, phase_of
from ir.passes.demand_offload import OffloadOp, offload_work
from ir.passes.phase_work import decode_work, kv_bytes, prefill_work
from ir.view import cached_tokens, models, number, prior, turn_of
from ir.visits import shares

T = TypeVar("T")

TOKEN_ID_BYTES = 4
"""A token's id travels as a 32-bit whole number: vocabularies have more than 65,536 entries."""

TEXT_BYTES_PER_TOKEN = 4
"""Text that a token stands for: about four characters of English (OpenAI, "What are tokens and how to count them")."""


@dataclass(frozen=True)
class AnnotateDemandPass(ModulePass):
    """Adds `cost.visits` to every task and the demand of one execution where it is known."""

    name = "annotate-demand"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, agent.GraphOp):
                _annotate_visits(graph.body.block, 1.0)
                inside = list(graph.walk())
                tokens = dict(_tokens_of_calls(inside))
                for inner in inside:
                    _annotate_demand(inner, tokens)


def _annotate_visits(block: Block, visits: float | None) -> None:
    """Mean executions of a block's tasks in a run; None, where a probability is not known, stays off."""
    for op in block.ops:
        if visits is not None and own_id(op) is not None:
            cost.set_amount(op, "visits", visits)
        for region, share in zip(op.regions, shares(op), strict=True):
            _annotate_visits(region.block, None if visits is None or share is None else visits * share)


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Mean tokens of one call; None where they are not known. `turns`: it is the turn of a react."""

    tokens_in: float | None
    tokens_out: float | None
    turns: Turns | None = None


def _tokens_of_calls(inside: Sequence[Operation]) -> Iterator[tuple[str, _Tokens]]:
    """The tokens of each decomposed call by its id."""
    generated = {op.call.data: _count(op.result) for op in inside if isinstance(op, llm.DecodeOp)}
    generated |= {op.call.data: _count(op.result) for op in inside if isinstance(op, llm.DecodeLinearOp)}
    generated |= {op.call.data: _count(op.routes) for op in inside if isinstance(op, moe.ExpertDecodeOp)}
    for op in inside:
        if isinstance(op, llm.RenderOp):
            tokens_out = generated.get(op.call.data)
            react = turn_of(op)
            if react is None:
                yield op.call.data, _Tokens(_count(op.result), tokens_out)
            else:
                told = tool_tokens(react)
                turns = None if told is None else Turns(react.expect.value.data, told)
                yield op.call.data, _Tokens(_mean_prompt(op, react, tokens_out), tokens_out, turns)


def _mean_prompt(render: llm.RenderOp, react: control.ReactOp, tokens_out: float | None) -> float | None:
    """Mean prompt over the expected turns of a react.

    Before turn k (from 0) the model has spoken k times and one tool has answered each time, so that the prompt has
    tokens_in + k (tokens_out + mean tool tokens); the mean of k over n turns is (n - 1) / 2.
    """
    tokens_in, turns = number(render, "tokens_in"), react.expect.value.data
    if turns == 1 or tokens_in is None:
        return tokens_in
    told = tool_tokens(react)
    return None if tokens_out is None or told is None else tokens_in + (turns - 1) / 2 * (tokens_out + told)


def _count(value: SSAValue) -> float | None:
    count = value.type.count if isinstance(value.type, llm.TokensType | moe.RoutesType) else None
    return count.value.data if isinstance(count, FloatAttr) else None


def _annotate_demand(op: Operation, tokens: Mapping[str, _Tokens]) -> None:
    match op:
        case llm.RenderOp() | llm.PrefillOp() | llm.DecodeOp() | llm.ParseOp() | comm.KvTransferOp():
            _annotate_call(op, tokens.get(op.call.data, _Tokens(None, None)))
        case moe.GateOp() | moe.ExpertPrefillOp() | moe.ExpertDecodeOp() | moe.MergeOp() | comm.AllReduceOp():
            _annotate_moe(op, tokens.get(op.call.data, _Tokens(None, None)))
        case llm.DecodeAttentionOp() | llm.DecodeLinearOp() | comm.ActivationsOp():
            _annotate_offload(op, tokens.get(op.call.data, _Tokens(None, None)))
        case llm.PrefixPrefillOp():
            _annotate_prefix(op)
        case tool.WaitOp():
            cost.set_amount(op, "wait_s", op.wait_s.value.data)
        case tool.ComputeOp() | tool.InvokeOp() | agent.ComputeOp() | memory.MemoryOp():
            _annotate_cpu(op)
        case control.FusedOp():
            _set(op, "bytes_out", _yielded_bytes(op))
        case model.RunOp():
            _annotate_run(op)
        case model.EncodeOp() | model.DecodeEncodedOp():
            _annotate_encoder(op)
        case _:
            pass


def _annotate_call(
    op: llm.RenderOp | llm.PrefillOp | llm.DecodeOp | llm.ParseOp | comm.KvTransferOp, tokens: _Tokens
) -> None:
    """Demand of a part of a text generator's call."""
    tokens_in, tokens_out = tokens.tokens_in, tokens.tokens_out
    _set(op, "tokens_in", tokens_in)
    _set(op, "tokens_out", tokens_out)
    match op:
        case llm.RenderOp():
            _set(op, "bytes_out", _scaled(tokens_in, TOKEN_ID_BYTES))
        case llm.PrefillOp():
            _set(op, "bytes_out", TOKEN_ID_BYTES)
            if tokens_in is not None:
                _set_work(op, lambda model: _prefill_work(op, model, tokens, tokens_in))
                _set_kv(op, lambda model: _prefill_kv_bytes(op, model, tokens, tokens_in))
        case comm.KvTransferOp():
            if tokens_in is not None:
                _set_kv(op, lambda model: kv_bytes(model, tokens_in))
        case llm.DecodeOp():
            _set(op, "bytes_out", _scaled(tokens_out, TOKEN_ID_BYTES))
            if tokens_in is not None and tokens_out is not None:
                _set_work(op, lambda model: decode_work(model, tokens_in, tokens_out))
                _set_kv(op, lambda model: decode_work(model, tokens_in, tokens_out).kv_read_bytes)
        case llm.ParseOp():
            _set(op, "bytes_out", _scaled(tokens_out, TEXT_BYTES_PER_TOKEN))


def _prefill_work(op: llm.PrefillOp, model: Model, tokens: _Tokens, tokens_in: float) -> Work:
    prefix_tokens, chunk = cached_tokens(op), op.chunk_tokens
    if op.continues is not None and tokens.turns is not None and tokens.tokens_out is not None:
        return turn_work(model, tokens.turns, tokens_in, tokens.tokens_out)
    if prefix_tokens is not None:
        return rest_work(model, tokens_in, prefix_tokens)
    return prefill_work(model, tokens_in) if chunk is None else chunked_prefill_work(model, tokens_in, chunk.value.data)


def _prefill_kv_bytes(op: llm.PrefillOp, model: Model, tokens: _Tokens, tokens_in: float) -> float:
    """What a prefill adds to the KV that it finds."""
    prefix_tokens = cached_tokens(op)
    if op.continues is not None and tokens.turns is not None and tokens.tokens_out is not None:
        return turn_kv_bytes(model, tokens.turns, tokens_in, tokens.tokens_out)
    return kv_bytes(model, tokens_in) if prefix_tokens is None else rest_kv_bytes(model, tokens_in, prefix_tokens)


def _annotate_prefix(op: llm.PrefixPrefillOp) -> None:
    """Demand of a prefix that several calls share; nobody reads a token of it."""
    tokens = op.starts_with.count
    _set(op, "tokens_in", tokens)
    _set_work(op, lambda model: prefix_work(model, tokens))
    _set_kv(op, lambda model: kv_bytes(model, tokens))


def _annotate_moe(op: MoeOp, tokens: _Tokens) -> None:
    """Demand of a part of a mixture-of-experts call; that of prefill depends on the prompt alone."""
    tokens_in, tokens_out = tokens.tokens_in, tokens.tokens_out
    _set(op, "tokens_in", tokens_in)
    _set(op, "tokens_out", tokens_out)
    is_prefill = phase_of(op) == "prefill"
    generated = 0.0 if is_prefill else tokens_out
    if isinstance(op.results[-1].type, llm.TokensType):
        _set(op, "bytes_out", _scaled(1.0 if is_prefill else tokens_out, TOKEN_ID_BYTES))
    if tokens_in is None or generated is None:
        return
    _set_work(op, lambda model: moe_work(op, model, tokens_in, generated))
    match op:
        case moe.ExpertPrefillOp() | moe.ExpertDecodeOp():
            _set_kv(op, lambda model: expert_kv_bytes(op, model, tokens_in, generated))
        case comm.AllReduceOp():
            _set_each(op, "moved_bytes", lambda model: moved_bytes(op, model, tokens_in, generated))
        case moe.GateOp() | moe.MergeOp():
            pass


def _annotate_offload(op: OffloadOp, tokens: _Tokens) -> None:
    """Demand of a part of a decode whose attention stands apart."""
    tokens_in, tokens_out = tokens.tokens_in, tokens.tokens_out
    _set(op, "tokens_in", tokens_in)
    _set(op, "tokens_out", tokens_out)
    if tokens_in is None or tokens_out is None:
        return
    _set_work(op, lambda model: offload_work(op, model, tokens_in, tokens_out))
    match op:
        case llm.DecodeAttentionOp():
            _set_kv(op, lambda model: offload_work(op, model, tokens_in, tokens_out).kv_read_bytes)
        case llm.DecodeLinearOp():
            _set(op, "bytes_out", _scaled(tokens_out, TOKEN_ID_BYTES))
        case comm.ActivationsOp():
            _set_each(op, "moved_bytes", lambda model: activation_bytes(model, tokens_out))


def _annotate_cpu(op: tool.ComputeOp | tool.InvokeOp | agent.ComputeOp | memory.MemoryOp) -> None:
    """Demand of a call on a CPU core: CPU time is all of its latency unless the author says otherwise."""
    expected = prior(op)
    cpu_s = expected.latency_s if expected.cpu_s is None else expected.cpu_s
    _set(op, "cpu_s", cpu_s)
    if not isinstance(op, tool.ComputeOp) and expected.latency_s is not None and cpu_s is not None:
        _set(op, "wait_s", expected.latency_s - cpu_s)
    _set(op, "tokens_out", expected.tokens_out)
    if not isinstance(op.parent_op(), control.FusedOp):
        _set(op, "bytes_out", _scaled(expected.tokens_out, TEXT_BYTES_PER_TOKEN))


def _yielded_bytes(op: control.FusedOp) -> float | None:
    """Bytes that fused computes hand on: those of the last one's result, since no other leaves the operation."""
    last = cast(Operation, cast(Operation, op.body.block.last_op).operands[0].owner)
    return _scaled(prior(last).tokens_out, TEXT_BYTES_PER_TOKEN)


def _annotate_run(op: model.RunOp) -> None:
    """Demand of a model that is no text generator."""
    sizes = {name: number(op, name) for name in model.SIZES}
    _set(op, "tokens_in", sizes["tokens"])
    _set(op, "bytes_out", value_bytes(op.result.type, _pieces(op)))

    def work(model: Model) -> Work:
        size = input_size(model, audio_s=sizes["audio_s"], tokens=sizes["tokens"], images=sizes["images"])
        return sum((phase.work for phase in model_run_phases(model, size)), Work())

    _set_work(op, work)


def _pieces(op: model.RunOp) -> float:
    """Pieces of text that an embedding model makes of its input, a vector each; see `costmodel.model_run.embedding`."""
    tokens = number(op, "tokens") or 1.0
    limits = _each_model(op, lambda each: float(each.max_ctx_tokens or tokens)) or [tokens]
    return float(math.ceil(tokens / min(limits)))


def _annotate_encoder(op: EncoderOp) -> None:
    """Demand of a part of a model with an encoder and a decoder."""
    _set_work(op, lambda model: encoder_work(op, model))
    if isinstance(op, model.EncodeOp):
        _set_each(op, "moved_bytes", lambda model: encoded_bytes(model, op.audio_s.value.data))


def _set_work(op: Operation, work: Callable[[Model], Work]) -> None:
    found = _each_model(op, work)
    if found is not None:
        cost.set_per_model(op, "flops", [each.flops for each in found])
        cost.set_per_model(op, "weight_bytes", [each.weight_bytes for each in found])


def _set_kv(op: Operation, size_bytes: Callable[[Model], float]) -> None:
    _set_each(op, "kv_bytes", size_bytes)


def _set_each(op: Operation, name: cost.PerModel, size_bytes: Callable[[Model], float]) -> None:
    found = _each_model(op, size_bytes)
    if found is not None:
        cost.set_per_model(op, name, found)


def _each_model(op: Operation, demand: Callable[[Model], T]) -> list[T] | None:
    """The demand for each of the operation's models; None where the catalog cannot tell for one."""
    catalog = load_models()
    try:
        return [demand(catalog.model(name)) for name in models(op)]
    except CostModelError:
        return None


def _set(op: Operation, name: cost.Amount, value: float | None) -> None:
    if value is not None:
        cost.set_amount(op, name, value)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
