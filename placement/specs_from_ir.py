"""Reads what each operator of the annotated IR asks for: visits, sizes, priors and limits.

The last place that knows xDSL on the way to the options table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntegerAttr, StringAttr
from xdsl.ir import Operation

from ir.dialects import cost
from ir.dialects.llm import DecodeOp
from placement.host_steps import PARSE, RENDER
from placement.operators import Calls, OperatorSpec, Phase, PriorTime

_PHASES: dict[str, Phase] = {
    "llm.render": "render",
    "llm.prefill": "prefill",
    "llm.decode": "decode",
    "llm.parse": "parse",
    "model.run": "run",
}
_HOST_STEPS = {"llm.render": RENDER, "llm.parse": PARSE}


def read_specs(operations: Sequence[Operation]) -> tuple[OperatorSpec, ...]:
    """The demand of each operator, in order. Raises `ValueError` where a pass has not annotated visits."""
    calls: dict[str, Calls] = {}
    for op in operations:
        if op.name in {"llm.render", "model.run"} or op.name not in _PHASES:
            calls[_call_id(op)] = _calls(_head(op))
    limits = {op.call.data: op.max_tokens.value.data for op in operations if isinstance(op, DecodeOp)}
    return tuple(_spec(op, calls, limits) for op in operations)


def _spec(op: Operation, calls: Mapping[str, Calls], limits: Mapping[str, int]) -> OperatorSpec:
    visits = cost.amount(op, "visits")
    if visits is None:
        raise ValueError(f"{op.name} @{_call_id(op)} has no cost.visits; run the annotate-demand pass first")
    phase = _PHASES.get(op.name, "call")
    call = _call_id(op)
    tokens_in = cost.amount(op, "tokens_in")
    is_model_part = phase in {"prefill", "decode"}
    return OperatorSpec(
        id=call if phase in {"call", "run"} else f"{call}.{phase}",
        value=_string(op, "id") or call,
        op="tool.invoke" if op.name == "tool.compute" else op.name,
        function=_string(op, "name") or call,
        phase=phase,
        visits=visits,
        models=_models(op),
        tokens_in=_number(op, "tokens") if phase == "run" else tokens_in,
        tokens_out=cost.amount(op, "tokens_out"),
        context_tokens=(tokens_in or 0.0) + limits.get(call, 0) if is_model_part else 0.0,
        audio_s=_number(op, "audio_s"),
        images=_number(op, "images"),
        bytes_out=cost.amount(op, "bytes_out") or 0.0,
        prior=_prior(op),
        parts=_parts(op),
        calls=calls.get(call, Calls()),
    )


def _prior(op: Operation) -> PriorTime | None:
    if op.name in _HOST_STEPS:
        return _HOST_STEPS[op.name]
    latency_s, cost_usd = _number(op, "latency_s"), _number(op, "cost_usd")
    if latency_s is None or cost_usd is None:
        return None
    cpu_s = _number(op, "cpu_s")
    return PriorTime(latency_s, latency_s if cpu_s is None else cpu_s, cost_usd)


def _parts(op: Operation) -> tuple[tuple[str, float], ...]:
    """The finer operations of a tool's call, with their seconds."""
    if op.name != "tool.compute":
        return ()
    parts = [(op.name, cost.amount(op, "cpu_s") or 0.0)]
    current = op.operands[0].owner
    while isinstance(current, Operation) and current.name in {"tool.wait", "tool.lookup"}:
        seconds = cost.amount(current, "wait_s" if current.name == "tool.wait" else "cpu_s") or 0.0
        parts.append((current.name, seconds))
        current = current.operands[0].owner if current.name == "tool.wait" else None
    return tuple(reversed(parts))


def _head(op: Operation) -> Operation:
    """Where a call's limits are written: for a tool, its lookup."""
    current: object = op
    while isinstance(current, Operation) and current.name in {"tool.compute", "tool.wait"}:
        current = current.operands[0].owner
    return current if isinstance(current, Operation) else op


def _calls(op: Operation) -> Calls:
    retries = op.properties.get("retries")
    return Calls(
        timeout_s=_number(op, "timeout_s"),
        retries=cast("IntegerAttr", retries).value.data if retries is not None else 0,
        idempotent="idempotent" in op.properties,
        stream="stream" in op.properties,
    )


def _call_id(op: Operation) -> str:
    return _string(op, "call") or _string(op, "id") or op.name


def _models(op: Operation) -> tuple[str, ...]:
    models = op.properties.get("models")
    return tuple(name.data for name in cast("ArrayAttr[StringAttr]", models)) if models is not None else ()


def _string(op: Operation, name: str) -> str | None:
    attribute = op.properties.get(name)
    return attribute.data if isinstance(attribute, StringAttr) else None


def _number(op: Operation, name: str) -> float | None:
    attribute = op.properties.get(name)
    return attribute.value.data if isinstance(attribute, FloatAttr) else None
