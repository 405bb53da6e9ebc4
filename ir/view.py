"""Read operations without digging in attributes: ids, names, expressions of operands, functions, execution, priors.

Placement builds the problem and the plan from these; the plan finds values by name, so a name here is what SSA identity
means there (the verifier keeps the two the same).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FloatAttr, IntegerAttr, ModuleOp, StringAttr
from xdsl.ir import BlockArgument, Operation, Region, SSAValue

from ir import expression
from ir.dialects import agent, cost, plan
from ir.dialects.agent import GraphOp
from ir.dialects.assembly import names_of
from ir.dialects.control import LoopOp, ReactOp
from ir.dialects.llm import PrefillOp
from ir.dialects.names import own_id, region_parameters, value_id
from ir.dialects.task import STREAMS, PartOp, TaskOp
from ir.dialects.tool import RequestType
from ir.dialects.values import FunctionAttr


class ViewError(ValueError):
    """An operation that lacks what was asked of it."""


@dataclass(frozen=True, slots=True)
class Function:
    """A user's function by name: source, qualified name, hex SHA-256 of the source."""

    source: str
    qualname: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Execution:
    """How a call is run."""

    timeout_s: float | None
    retries: int
    idempotent: bool
    stream: bool
    pure: bool = False
    items: float | None = None


@dataclass(frozen=True, slots=True)
class Prior:
    """What the author expects of one call on a CPU core or of a service; None where a profile must say."""

    latency_s: float | None
    latency_sd_s: float
    cpu_s: float | None
    cost_usd: float | None
    tokens_out: float | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """Expressions of the operands by the names of the function's parameters; `rest` is the operand without a name."""

    named: dict[str, str]
    rest: str | None


def graphs(module: ModuleOp) -> Iterator[GraphOp]:
    """The agents of a module, the entry first."""
    return (op for op in module.ops if isinstance(op, GraphOp))


def entry(module: ModuleOp) -> GraphOp:
    """The agent that a module is about: its first graph. Raises `ViewError` when there is none."""
    graph = next(graphs(module), None)
    if graph is None:
        raise ViewError("the module has no agent.graph")
    return graph


def task_id(op: Operation) -> str:
    """The id of a task. Raises `ViewError` for an operation that is no task."""
    identifier = own_id(op)
    if identifier is None:
        raise ViewError(f"{op.name} is no task and has no id")
    return identifier


def task_name(op: TaskOp) -> str:
    """The author's name of a task; its id where the author gave none."""
    return op.id.data if op.task_name is None else op.task_name.data


def where(op: TaskOp) -> str:
    """File and line of the task, or an empty text."""
    return "" if op.where is None else op.where.data


def call_id(op: TaskOp) -> str:
    """The id of the call that an operation is, or is a part of."""
    return op.call.data if isinstance(op, PartOp) else op.id.data


def phase(op: Operation) -> str:
    """The part of a call that an operation is: `render`, `prefill`, `kv_transfer`, `invoke`, `run` and so on.

    The decoder of a model with an encoder is `decode_encoded`, as `decode` is a text generator's.
    """
    return "decode_encoded" if op.name == "model.decode" else op.name.partition(".")[2]


def group(op: Operation) -> str | None:
    """The group of operations that share one pool, or None."""
    attribute = op.attributes.get(plan.GROUP)
    return attribute.data if isinstance(attribute, StringAttr) else None


def cached_tokens(op: Operation) -> float | None:
    """The tokens of a prefill's prompt whose KV it finds; None for a prefill of the whole, or what is none."""
    if not isinstance(op, PrefillOp) or op.prefix is None or op.starts_with is None:
        return None
    return op.starts_with.count


def models(op: Operation) -> tuple[str, ...]:
    """The alternative models of an operation; empty where it runs none."""
    return cost.models_of(op)


def function(op: Operation) -> Function | None:
    """The user's function that an operation runs a part of; None for control."""
    attribute = op.properties.get("function")
    if not isinstance(attribute, FunctionAttr):
        return None
    return Function(attribute.source.data, attribute.qualname.data, attribute.sha256.data)


def execution(op: Operation) -> Execution:
    """How the call that an operation is part of is run."""
    retries = integer(op, "retries")
    idempotent, stream, pure = (name in op.properties for name in ("idempotent", "stream", "pure"))
    return Execution(number(op, "timeout_s"), retries or 0, idempotent, stream, pure, number(op, "items"))


def prior(op: Operation) -> Prior:
    """What the author expects of a call."""
    return Prior(
        number(op, "latency_s"),
        number(op, "latency_sd_s") or 0.0,
        number(op, "cpu_s"),
        number(op, "cost_usd"),
        number(op, "tokens_out"),
    )


def number(op: Operation, name: str) -> float | None:
    """A property that is a number, or None where it is absent."""
    attribute = op.properties.get(name)
    return attribute.value.data if isinstance(attribute, FloatAttr) else None


def integer(op: Operation, name: str) -> int | None:
    """A property that is a whole number, or None where it is absent."""
    attribute = op.properties.get(name)
    return attribute.value.data if isinstance(attribute, IntegerAttr) else None


def streams(op: Operation, attribute: str = STREAMS) -> dict[str, float]:
    """By the name of an input that arrives item by item, the number of its items."""
    marks = op.attributes.get(attribute)
    found = marks.data.items() if isinstance(marks, DictionaryAttr) else ()
    return {name: cast("FloatAttr", items).value.data for name, items in found}


def streamed_operands(op: Operation) -> Mapping[SSAValue, float]:
    """The operands that arrive item by item, with the number of items."""
    marks = streams(op)
    if not marks:
        return {}
    given = cast("ArrayAttr[StringAttr] | None", op.properties.get("arg_names"))
    names = ("text",) if given is None else names_of(given)
    return {value: marks[name] for name, value in zip(names, op.operands, strict=False) if name in marks}


def inputs(op: Operation) -> Inputs:
    """Expressions of a call's operands; for a part of a tool those of its lookup."""
    if op.operands and isinstance(op.operands[0].type, RequestType):
        return inputs(cast(Operation, op.operands[0].owner))
    attribute = op.properties.get("arg_names")
    if not isinstance(attribute, ArrayAttr):
        raise ViewError(f"{op.name} takes no named arguments")
    names = names_of(cast("ArrayAttr[StringAttr]", attribute))
    texts = [text_of(operand) for operand in op.operands]
    return Inputs(dict(zip(names, texts, strict=False)), texts[len(names)] if len(texts) > len(names) else None)


def turn_of(op: Operation) -> ReactOp | None:
    """The react whose turn an operation is a step of; None elsewhere, also in a tool of a react."""
    parent = op.parent_op()
    return parent if isinstance(parent, ReactOp) and op.parent_region() is parent.turn else None


def result(region: Region) -> str:
    """The expression of a region's value: what its terminator yields."""
    last = region.block.last_op
    if last is None or len(last.operands) != 1:
        raise ViewError("the region does not end with one value")
    return text_of(last.operands[0])


def until(op: LoopOp) -> str:
    """The expression that ends a loop, over the name of its parameter."""
    return result(op.until)


def text_of(value: SSAValue) -> str:
    """The expression of a value, as text over names."""
    return expression.to_text(expression_of(value))


def expression_of(value: SSAValue) -> expression.Expression:
    """A value as an expression over names: its own name, or what an `agent.expr` computes of its operands."""
    if isinstance(value.owner, agent.ExprOp):
        op = value.owner
        operands = {
            name: expression_of(operand) for name, operand in zip(names_of(op.arg_names), op.operands, strict=True)
        }
        return expression.rename(expression.parse(op.text.data), operands)
    if isinstance(value, BlockArgument) and isinstance(choice := value.block.parent_op(), plan.ChooseOp):
        return expression_of(choice.operands[value.index])
    return expression.Ref(value_name(value))


def value_name(value: SSAValue) -> str:
    """The name of a value in expressions: a task's id, an agent's input or a region's parameter.

    The value of a choice has the name that every alternative gives it. Raises `ViewError` when a value has no name.
    """
    if isinstance(value, BlockArgument):
        return _argument_name(value)
    op = cast(Operation, value.owner)
    if isinstance(op, plan.ChooseOp):
        index = op.results.index(value)
        names = {value_name(region.block.last_op.operands[index]) for region in op.alternatives if region.block.last_op}
        if len(names) != 1:
            raise ViewError(
                f"the alternatives of @{op.id.data} name their value differently: {', '.join(sorted(names))}"
            )
        return names.pop()
    return value_id(op) or task_id(op)


def _argument_name(argument: BlockArgument) -> str:
    parent = argument.block.parent_op()
    if isinstance(parent, GraphOp):
        return names_of(parent.parameters)[argument.index]
    if isinstance(parent, plan.ChooseOp):
        return value_name(parent.operands[argument.index])
    region = argument.block.parent_region()
    if parent is None or region is None:
        raise ViewError("a block argument outside a graph has no name")
    names = region_parameters(parent)[parent.get_region_index(region)]
    if argument.index >= len(names):
        raise ViewError(f"an argument of {parent.name} has no name")
    return names[argument.index]
