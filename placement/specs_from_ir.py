"""Reads what each operator of the annotated IR asks for: visits, sizes, priors and limits.

The last place that knows xDSL on the way to the options table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Operation

from costmodel.errors import CostError
from ir import view
from ir.dialects import cost
from ir.dialects.llm import DecodeOp
from ir.dialects.task import FunctionOp
from ir.dialects.tool import ComputeOp
from placement.host_steps import PARSE, RENDER
from placement.operators import Calls, OperatorSpec, Phase, PriorTime

_PHASES: dict[str, Phase] = {
    "llm.render": "render",
    "llm.prefill": "prefill",
    "llm.decode": "decode",
    "llm.parse": "parse",
    "model.run": "run",
}
ASSUMED_VALUE_BYTES = 4096.0
"""Size on a link of a value that nothing sizes (an assumption: a page of JSON); printed with every plan."""

_HOST_STEPS = {"render": RENDER, "parse": PARSE}


def read_specs(operations: Sequence[FunctionOp]) -> tuple[OperatorSpec, ...]:
    """The demand of each operator, in order. Raises `CostError` where a pass has not annotated visits."""
    limits = {op.call.data: op.max_tokens.value.data for op in operations if isinstance(op, DecodeOp)}
    return tuple(_spec(op, limits) for op in operations)


def _spec(op: FunctionOp, limits: Mapping[str, int]) -> OperatorSpec:
    visits = cost.amount(op, "visits")
    if visits is None:
        raise CostError(f"{op.name} @{op.id.data} has no cost.visits; run the annotate-demand pass first")
    phase, call = _PHASES.get(op.name, "call"), view.call_id(op)
    tokens_in = cost.amount(op, "tokens_in")
    is_model_part = phase in {"prefill", "decode"}
    execution = view.execution(op)
    bytes_out = cost.amount(op, "bytes_out")
    return OperatorSpec(
        id=call if phase in {"call", "run"} else f"{call}.{phase}",
        value=op.id.data,
        op="tool.invoke" if isinstance(op, ComputeOp) else op.name,
        function=view.task_name(op),
        phase=phase,
        visits=visits,
        models=view.models(op),
        tokens_in=view.number(op, "tokens") if phase == "run" else tokens_in,
        tokens_out=cost.amount(op, "tokens_out"),
        context_tokens=(tokens_in or 0.0) + limits.get(call, 0) if is_model_part else 0.0,
        audio_s=view.number(op, "audio_s"),
        images=view.number(op, "images"),
        bytes_out=ASSUMED_VALUE_BYTES if bytes_out is None else bytes_out,
        prior=_HOST_STEPS.get(phase) or _prior(op),
        parts=_parts(op),
        calls=Calls(execution.timeout_s, execution.retries, execution.idempotent, execution.stream),
    )


def _prior(op: Operation) -> PriorTime | None:
    prior = view.prior(op)
    if prior.latency_s is None or prior.cost_usd is None:
        return None
    return PriorTime(prior.latency_s, prior.latency_s if prior.cpu_s is None else prior.cpu_s, prior.cost_usd)


def _parts(op: Operation) -> tuple[tuple[str, float], ...]:
    """The finer operations of a tool's call, first to last, with their seconds."""
    parts: list[tuple[str, float]] = []
    current: object = op
    while isinstance(current, Operation) and current.name.startswith("tool."):
        seconds = cost.amount(current, "wait_s" if current.name == "tool.wait" else "cpu_s")
        parts.append((current.name, seconds or 0.0))
        current = current.operands[0].owner if current.operands and current.name != "tool.lookup" else None
    return tuple(reversed(parts))
