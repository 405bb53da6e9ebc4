"""Writes on each operation what the plan document says of it, so that the document is built by reading attributes.

The last pass, after select-alternatives. A value has a name in a plan, the id of what made it; whatever only forwards
values (expressions, a tool's lookup and wait, a KV transfer) has none and dissolves into the expressions that read it.
Before:

    %kv, %first = llm.prefill @answer_prefill %prompt ... {plan.pool = "p0"}
    %moved = comm.kv_transfer @answer_kv_transfer %kv ...
    %text = llm.decode @answer_decode %moved, %first ... {plan.pool = "p1"}

and after it, with the attributes that are new:

    %kv, ... {plan.operator = "answer.prefill", plan.inputs = #plan.inputs<"prompt" = "answer_render">}
    %moved ... {plan.forwards}
    %text ... {plan.operator = "answer.decode",
               plan.inputs = #plan.inputs<"kv" = "answer_prefill", "arguments" = "{'question': question}">}

`ir/dialects/last_form.py` has the rules that the result keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, UnitAttr
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException, VerifyException

from ir import view
from ir.dialects.agent import CallOp as AgentCallOp
from ir.dialects.agent import ExprOp, GraphOp, InterruptOp, ObserveOp, OutputOp
from ir.dialects.assembly import names_of
from ir.dialects.comm import ActivationsOp, KvTransferOp
from ir.dialects.control import FanoutOp, FusedOp, LoopOp, ReactOp, WhenOp, YieldOp
from ir.dialects.decision import FORWARDS, INPUTS, LAST_FORM, OPERATOR, InputsAttr
from ir.dialects.last_form import verify_last_form
from ir.dialects.llm import (
    CallLlmOp,
    DecodeAttentionOp,
    DecodeLinearOp,
    DecodeOp,
    ParseOp,
    PrefillOp,
    PrefixPrefillOp,
    RenderOp,
)
from ir.dialects.model import DecodeEncodedOp, EncodeOp
from ir.dialects.names import own_id
from ir.dialects.plan import ChooseOp
from ir.dialects.task import CallOp, FunctionOp
from ir.dialects.tool import ComputeOp, InvokeOp, LookupOp, WaitOp
from ir.expression import DictOf, Expression, parse, references, to_text

_FORWARDING = (ExprOp, KvTransferOp, ActivationsOp, LookupOp, WaitOp)
"""Operations whose values dissolve into the expressions that read them."""

_PARTS = (
    RenderOp,
    PrefixPrefillOp,
    PrefillOp,
    DecodeOp,
    DecodeAttentionOp,
    DecodeLinearOp,
    ParseOp,
    EncodeOp,
    DecodeEncodedOp,
)
"""Parts of a call that are operators of their own, named after call and phase; any other has the name of its call."""

_WHOLE = (AgentCallOp, ChooseOp, CallLlmOp, InvokeOp)
"""What an earlier pass takes apart."""


@dataclass(frozen=True)
class LowerToPlanPass(ModulePass):
    """Gives every operator its id in the plan, and every operation its inputs as expressions over names.

    Raises `PassFailedException` for an operation that has no place in a plan, and where the result breaks a rule of the
    last form: an operator without a pool, an id twice, a name that is not in scope.
    """

    name = "lower-to-plan"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in op.ops:
            if isinstance(graph, GraphOp):
                _lower(graph)


def _lower(graph: GraphOp) -> None:
    renders = {op.call.data: op for op in graph.walk() if isinstance(op, RenderOp)}
    for op in graph.body.block.walk():
        if isinstance(op, _FORWARDING):
            op.attributes[FORWARDS] = UnitAttr()
            continue
        inputs = _inputs(op, renders)
        if isinstance(op, FusedOp) or (isinstance(op, FunctionOp) and not isinstance(op.parent_op(), FusedOp)):
            op.attributes[OPERATOR] = StringAttr(_operator_id(op))
        op.attributes[INPUTS] = inputs
    graph.attributes[LAST_FORM] = UnitAttr()
    try:
        verify_last_form(graph.body.block, names_of(graph.parameters))
    except VerifyException as error:
        raise PassFailedException(str(error)) from None


def _operator_id(op: FunctionOp | FusedOp) -> str:
    call = view.call_id(op)
    return f"{call}.{view.phase(op)}" if isinstance(op, _PARTS) else call


def _inputs(op: Operation, renders: Mapping[str, RenderOp]) -> InputsAttr:
    """What an operation reads: a prefill prompt and prefix, a decode KV and the call's arguments, a parse the text."""
    match op:
        case PrefillOp():
            return _named(prompt=op.prompt) if op.prefix is None else _named(prompt=op.prompt, prefix=op.prefix)
        case PrefixPrefillOp():
            return _named()
        case DecodeOp() | DecodeAttentionOp() | DecodeLinearOp():
            return _decode_inputs(op, renders)
        case DecodeEncodedOp():
            return _named(encoded=op.encoded)
        case ParseOp():
            return _named(text=op.tokens)
        case WhenOp():
            return _named(condition=op.condition)
        case LoopOp():
            return _named(init=op.init)
        case FanoutOp():
            return _named(items=op.items)
        case ReactOp():
            return _named()
        case ObserveOp() | OutputOp():
            return _named(value=op.value)
        case YieldOp():
            return _named(value=op.operands[0])
        case InterruptOp():
            return _named(question=op.question)
        case FusedOp():
            return InputsAttr.of({name: name for name in _names_read(op)})
        case CallOp() | ComputeOp() if not isinstance(op, _WHOLE):
            call = view.inputs(op)
            return InputsAttr.of(call.named, call.rest)
        case _:
            what = op.name if own_id(op) is None else f"{op.name} @{own_id(op)}"
            remedy = (
                "run the default passes, solve, and then select-alternatives"
                if isinstance(op, _WHOLE)
                else ("give it a rule in lower-to-plan, or leave out the pass that makes it")
            )
            raise PassFailedException(f"{what} has no place in a plan; {remedy}")


def _names_read(op: FusedOp) -> list[str]:
    """The names that fused computes read of what is around them, each once."""
    read: dict[str, None] = {}
    made: set[str] = set()
    for part in op.body.block.ops:
        if isinstance(part, CallOp):
            for expression in view.inputs(part).named.values():
                read.update(dict.fromkeys(sorted(references(parse(expression)) - made)))
            made.add(part.id.data)
    return list(read)


def _decode_inputs(op: DecodeOp | DecodeAttentionOp | DecodeLinearOp, renders: Mapping[str, RenderOp]) -> InputsAttr:
    """What a device holds of the call; for all but the attention also the call's arguments."""
    match op:
        case DecodeAttentionOp():
            return _named(kv=_before_moves(op.kv))
        case DecodeOp():
            held = {"kv": view.text_of(_before_moves(op.kv))}
        case DecodeLinearOp():
            held = {"attended": view.text_of(_before_moves(op.attended)), "first": view.text_of(op.first)}
    call = view.inputs(renders[op.call.data])
    items: tuple[tuple[str, Expression], ...] = tuple((name, parse(text)) for name, text in call.named.items())
    return InputsAttr.of(held | {"arguments": to_text(DictOf(items))}, call.rest)


def _before_moves(value: SSAValue) -> SSAValue:
    """A KV as its prefill wrote it, or activations as the attention has them, before any transfer."""
    while isinstance(value.owner, KvTransferOp | ActivationsOp):
        value = value.owner.operands[0]
    return value


def _named(**values: SSAValue) -> InputsAttr:
    return InputsAttr.of({name: view.text_of(value) for name, value in values.items()})
