"""The operation of a task and its properties: what a Graph says of a task, as attributes of the IR.

`orchestrator/to_ir.py` decides how operations are connected; this file what each one says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from xdsl.dialects.builtin import IntAttr, NoneAttr, StringAttr
from xdsl.ir import Attribute, Operation

from costmodel.errors import CatalogError
from costmodel.models import load_models
from ir.build import Plain, integer, number, properties, strings
from ir.dialects import agent, llm, memory, model, tool
from ir.dialects.prefix import PrefixAttr
from ir.dialects.values import EmbeddingType, FunctionAttr, JsonType, TextType
from ir.sla import Sla
from orchestrator.graph import (
    AgentTask,
    CallTask,
    Degrade,
    Execution,
    FunctionRef,
    Json,
    LlmTask,
    ModelTask,
    Prior,
    TaskHeader,
)
from placement.host_steps import PARSE

_CPU_CALLS: Mapping[str, type[tool.InvokeOp | agent.ComputeOp | memory.MemoryOp]] = {
    "tool": tool.InvokeOp,
    "compute": agent.ComputeOp,
    "lookup": memory.LookupOp,
    "load": memory.LoadOp,
    "store": memory.StoreOp,
}


class ToIrError(ValueError):
    """A graph that no module can stand for, such as one that reads a value before it is defined."""


def header(task: TaskHeader) -> dict[str, Attribute]:
    """Id, name and place of a task; a name that equals the id is left off."""
    name = None if task.name == task.id else task.name
    return properties({"id": task.id, "name": name, "where": task.where or None})


def call(task: LlmTask | CallTask | ModelTask) -> tuple[type[Operation], dict[str, Plain]]:
    """The operation of a call and its properties."""
    values: dict[str, Plain] = {
        **header(task),
        "arg_names": strings(task.inputs),
        "function": function(task.function),
        "timeout_s": _number(task.execution.timeout_s),
        "retries": task.execution.retries or None,
        "idempotent": task.execution.idempotent,
        "stream": task.execution.stream,
        "items": _number(task.execution.items),
        "pure": task.execution.pure,
    }
    match task:
        case LlmTask():
            values |= {
                "models": strings(task.models),
                "max_tokens": integer(task.max_tokens),
                "tokens_in": _number(task.tokens_in),
                "tokens_out": _number(task.tokens_out),
                "starts_with": None if task.prefix is None else PrefixAttr.of(task.prefix.tokens, task.prefix.sha256),
            }
            return llm.CallLlmOp, values
        case ModelTask():
            values |= {
                "models": strings(task.models),
                "audio_s": _number(task.audio_s),
                "tokens": _number(task.tokens),
                "images": _number(task.images),
            }
            return model.RunOp, values
        case CallTask():
            prior = task.prior
            values |= {
                "k": task.k,
                "latency_s": _number(prior.latency_s),
                "latency_sd_s": _number(prior.latency_sd_s or None),
                "cpu_s": _number(prior.cpu_s),
                "cost_usd": _number(prior.cost_usd),
                "tokens_out": _number(prior.tokens_out),
            }
            kind = task.op if task.kind == "memory" else task.kind
            if kind is None:
                raise ToIrError(f"memory task {task.id} does not say whether it is a lookup, a load or a store")
            return _CPU_CALLS[kind], values


def accept(task: AgentTask, name: str) -> CallTask:
    """The check of the arguments that a model gives an agent, by the agent's own function, on a CPU core.

    It reads and validates JSON through the CPU driver as the parse of an answer does, so that its time is that one's.
    """
    return CallTask(
        id=name,
        name=f"{task.name}_arguments",
        where=task.where,
        kind="compute",
        function=task.graph.function,
        inputs={},
        prior=Prior(latency_s=PARSE.latency_s, cpu_s=PARSE.cpu_s, cost_usd=PARSE.cost_usd),
        execution=Execution(idempotent=True),
    )


def _number(value: float | None) -> Attribute | None:
    return None if value is None else number(value)


def function(ref: FunctionRef) -> FunctionAttr:
    """A user's function by name."""
    return FunctionAttr(StringAttr(ref.source), StringAttr(ref.qualname), StringAttr(ref.sha256))


def sla(limit: Sla | None) -> Attribute | None:
    """A limit on the latency; None stays None."""
    return None if limit is None else agent.SlaAttr(StringAttr(limit.stat), number(limit.limit_s))


def degrade(fallback: Degrade | None) -> Attribute | None:
    """What may change when a deadline would be missed; None stays None."""
    if fallback is None:
        return None
    return agent.DegradeAttr(
        NoneAttr() if fallback.model is None else StringAttr(fallback.model),
        NoneAttr() if fallback.max_iters is None else integer(fallback.max_iters),
    )


def input_type(schema: Json) -> Attribute:
    """The type of an agent's input, from its JSON Schema."""
    if isinstance(schema, Mapping) and cast("Mapping[str, Json]", schema).get("type") == "string":
        return TextType()
    return JsonType()


def result_type(task: LlmTask | CallTask | ModelTask) -> Attribute:
    """The type of what a call makes: vectors where all its models embed into as many numbers, else any JSON value."""
    if not isinstance(task, ModelTask):
        return JsonType()
    sizes = {_embedding_size(name) for name in task.models}
    (size,) = sizes if len(sizes) == 1 else (None,)
    return JsonType() if size is None else EmbeddingType(IntAttr(size))


def _embedding_size(name: str) -> int | None:
    """Numbers of a model's vectors; None for another kind of model and for one that no catalog has."""
    try:
        model = load_models().model(name)
    except CatalogError:
        return None
    return model.d_model if model.modality == "embedding" else None
