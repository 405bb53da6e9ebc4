"""What each operation means, in plain Python with given leaf results.

It is the yardstick for passes: a module must mean the same before and after each of them, and every alternative of a
choice must give the same value. Nothing here is concurrent, timed or retried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue

from ir import expression
from ir.dialects import agent, comm, control, llm, memory, model, moe, plan, tool
from ir.dialects.agent import GraphOp, resolve_callee
from ir.dialects.assembly import names_of
from ir.dialects.task import CallOp
from ir.dialects.values import FunctionAttr
from ir.view import entry

INTERRUPT = "agent.interrupt"
"""The leaf that answers a question."""

Leaves = Mapping[str, Callable[..., Any]]
"""Results of users' functions by qualified name.

A leaf is called with the arguments by name. The language model of a react gets the messages of earlier turns as its one
positional argument and gives a turn `{"content", "tool_calls"}` or the final value. The leaf of an agent that a model
calls checks the arguments that the model chose and gives them by name.
"""


class InterpretError(ValueError):
    """A module without a meaning for these inputs, such as alternatives that differ or a fan-out over its bound."""


class ArgumentsRefused(ValueError):
    """A leaf raises it when arguments that a model chose do not fit; the model of the react around it is told."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a render makes: the call that is asked, not yet answered."""

    function: str
    arguments: Mapping[str, object]
    messages: Sequence[object] | None


@dataclass(frozen=True, slots=True)
class State:
    """What a device holds of a call: `kind` is `kv`, `first`, `attended` or `text`."""

    kind: str
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Routes:
    """The experts chosen for what a device holds: a prompt, or the first token of an answer."""

    tokens: object


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the experts give before it is merged to a state."""

    merged: State


@dataclass(frozen=True, slots=True)
class Shard:
    """One of the parts of a value that several devices hold together."""

    part: comm.Part
    whole: object


@dataclass(frozen=True, slots=True)
class Request:
    """A call of a tool or of a model in parts, with its arguments, on its way to a result."""

    function: str
    arguments: Mapping[str, object]


def interpret(module: ModuleOp, inputs: Mapping[str, object], leaves: Leaves) -> object:
    """The answer of a module's entry agent. Raises `InterpretError`, `ExpressionError`, or what a leaf raises."""
    return _run_graph(entry(module), inputs, leaves)


def _run_graph(graph: GraphOp, inputs: Mapping[str, object], leaves: Leaves) -> object:
    parameters = names_of(graph.parameters)
    if set(inputs) != set(parameters):
        raise InterpretError(
            f"agent {graph.sym_name.data} takes {', '.join(parameters)}; got {', '.join(inputs) or 'none'}"
        )
    (value,) = _Run({}, leaves).block(graph.body.block, [inputs[name] for name in parameters])
    return value


@dataclass(frozen=True, slots=True)
class _Run:
    """The values that are known so far; a block that runs again overwrites its own."""

    values: dict[SSAValue, object]
    leaves: Leaves

    def block(self, block: Block, arguments: Sequence[object]) -> list[object]:
        """The operands of the block's terminator."""
        self.values.update(zip(block.args, arguments, strict=True))
        for op in block.ops:
            if op is block.last_op:
                return self.read(op)
            meaning = MEANINGS.get(type(op))
            if meaning is None:
                raise InterpretError(f"{op.name} has no meaning here")
            results = meaning(self, op)
            self.values.update(zip(op.results, results, strict=True))
        raise InterpretError("a block without a terminator has no value")

    def value(self, block: Block, *arguments: object) -> object:
        """The one value of a region's block."""
        (value,) = self.block(block, arguments)
        return value

    def read(self, op: Operation) -> list[object]:
        """The values of an operation's operands."""
        return [self.values[operand] for operand in op.operands]

    def arguments(self, op: CallOp) -> tuple[dict[str, object], object]:
        """Arguments by name, and the operand without a name or None."""
        names, values = names_of(op.arg_names), self.read(op)
        rest = values[len(names)] if len(values) > len(names) else None
        return dict(zip(names, values, strict=False)), rest

    def leaf(self, name: str, *arguments: object, **named: object) -> object:
        """The result of a user's function."""
        if name not in self.leaves:
            raise InterpretError(f"no leaf for {name!r}; known: {', '.join(sorted(self.leaves)) or 'none'}")
        return self.leaves[name](*arguments, **named)

    def answer(self, prompt: Prompt) -> object:
        """What a language model says to a prompt."""
        earlier = () if prompt.messages is None else (prompt.messages,)
        return self.leaf(prompt.function, *earlier, **prompt.arguments)


def _expr(run: _Run, op: agent.ExprOp) -> list[object]:
    values = dict(zip(names_of(op.arg_names), run.read(op), strict=True))
    return [expression.evaluate(expression.parse(op.text.data), values)]


def _agent_call(run: _Run, op: agent.CallOp) -> list[object]:
    inputs = dict(zip(names_of(op.arg_names), run.read(op), strict=True))
    return [_run_graph(resolve_callee(op), inputs, run.leaves)]


def _call(run: _Run, op: CallOp) -> list[object]:
    request = _request(run, op)
    return [run.leaf(request.function, **request.arguments)]


def _request(run: _Run, op: CallOp) -> Request:
    named, rest = run.arguments(op)
    return Request(_qualname(op.function), {**named, **cast("Mapping[str, object]", rest or {})})


def _tool_compute(run: _Run, op: tool.ComputeOp) -> list[object]:
    (request,) = run.read(op)
    if not isinstance(request, Request) or request.function != _qualname(op.function):
        raise InterpretError(f"@{op.id.data} computes a request of another tool")
    return [run.leaf(request.function, **request.arguments)]


def _prompt(run: _Run, op: CallOp) -> Prompt:
    named, rest = run.arguments(op)
    return Prompt(_qualname(op.function), named, cast("Sequence[object] | None", rest))


def _prefill(run: _Run, op: llm.PrefillOp) -> list[object]:
    prompt, *prefixes = run.read(op)
    if any(prefix != (op.starts_with, op.models) for prefix in prefixes):
        raise InterpretError(f"@{op.id.data} reads the KV of another prefix")
    if not isinstance(prompt, Prompt):
        raise InterpretError(f"@{op.id.data} reads tokens that are no prompt")
    if op.continues is not None and prompt.messages and not _continues(run, prompt):
        raise InterpretError(f"@{op.id.data} reads a prompt that does not begin with that of the turn before")
    return [State("kv", prompt), State("first", prompt)]


def _continues(run: _Run, prompt: Prompt) -> bool:
    """Whether a prompt begins with one whose KV a prefill that keeps it has left."""
    kept = (value for key, value in run.values.items() if _keeps_kv(key.owner) and isinstance(value, State))
    return any(_extends(prompt, value.prompt) for value in kept)


def _keeps_kv(owner: Operation | Block) -> bool:
    return isinstance(owner, llm.PrefillOp) and owner.continues is not None


def _extends(prompt: Prompt, before: Prompt) -> bool:
    earlier, now = list(before.messages or ()), list(prompt.messages or ())
    same = (before.function, before.arguments) == (prompt.function, prompt.arguments)
    return same and len(earlier) < len(now) and now[: len(earlier)] == earlier


def _decode(run: _Run, op: llm.DecodeOp) -> list[object]:
    kv, first = run.read(op)
    if not isinstance(kv, State) or not isinstance(first, State) or kv.prompt != first.prompt:
        raise InterpretError(f"@{op.id.data} decodes a KV and a first token of different prompts")
    return [State("text", kv.prompt)]


def _decode_attention(run: _Run, op: llm.DecodeAttentionOp) -> list[object]:
    (kv,) = run.read(op)
    if not isinstance(kv, State) or kv.kind != "kv":
        raise InterpretError(f"@{op.id.data} attends to what is no KV")
    return [State("attended", kv.prompt)]


def _decode_linear(run: _Run, op: llm.DecodeLinearOp) -> list[object]:
    attended, first = run.read(op)
    if not isinstance(attended, State) or not isinstance(first, State) or attended.prompt != first.prompt:
        raise InterpretError(f"@{op.id.data} decodes activations and a first token of different prompts")
    return [State("text", first.prompt)]


def _expert_prefill(run: _Run, op: moe.ExpertPrefillOp) -> list[object]:
    prompt, routes = run.read(op)
    if not isinstance(prompt, Prompt) or routes != Routes(prompt):
        raise InterpretError(f"@{op.id.data} reads a prompt that its gate did not route")
    part, _ = comm.part_of(op.kv.type)
    return [_shard(part, State("kv", prompt)), _shard(part, Outputs(State("first", prompt)))]


def _expert_decode(run: _Run, op: moe.ExpertDecodeOp) -> list[object]:
    kv, first, routes = run.read(op)
    part, _ = comm.part_of(op.outputs.type)
    if not isinstance(first, State) or routes != Routes(first) or kv != _shard(part, State("kv", first.prompt)):
        raise InterpretError(f"@{op.id.data} decodes a KV, a first token and routes that do not belong together")
    return [_shard(part, Outputs(State("text", first.prompt)))]


def _merge(run: _Run, op: moe.MergeOp) -> list[object]:
    (value,) = run.read(op)
    if isinstance(value, Shard):
        return [Shard(value.part, cast(Outputs, value.whole).merged)]
    return [cast(Outputs, value).merged]


def _all_reduce(run: _Run, op: comm.AllReduceOp) -> list[object]:
    parts = run.read(op)
    first = parts[0]
    if not isinstance(first, Shard) or parts != [Shard((i, len(parts)), first.whole) for i in range(len(parts))]:
        raise InterpretError(f"@{op.id.data} adds up parts of different values")
    return [first.whole]


def _shard(part: comm.Part, value: object) -> object:
    return value if part == (0, 1) else Shard(part, value)


def _decode_encoded(run: _Run, op: model.DecodeEncodedOp) -> list[object]:
    (request,) = run.read(op)
    if not isinstance(request, Request) or request.function != _qualname(op.function):
        raise InterpretError(f"@{op.id.data} decodes what its call did not encode")
    return [run.leaf(request.function, **request.arguments)]


def _parse(run: _Run, op: llm.ParseOp) -> list[object]:
    (text,) = run.read(op)
    if not isinstance(text, State) or text.kind != "text" or text.prompt.function != _qualname(op.function):
        raise InterpretError(f"@{op.id.data} parses what its call did not generate")
    return [run.answer(text.prompt)]


def _choose(run: _Run, op: plan.ChooseOp) -> list[object]:
    arguments = run.read(op)
    values = [run.block(region.block, arguments) for region in op.alternatives]
    if any(value != values[0] for value in values):
        raise InterpretError(f"the alternatives of @{op.id.data} give different values: {values}")
    return values[0]


def _when(run: _Run, op: control.WhenOp) -> list[object]:
    (condition,) = run.read(op)
    return [run.value((op.then if condition else op.orelse).block)]


def _loop(run: _Run, op: control.LoopOp) -> list[object]:
    (value,) = run.read(op)
    for _ in range(op.max_iters.value.data):
        if run.value(op.until.block, value):
            break
        value = run.value(op.body.block, value)
    return [value]


def _fanout(run: _Run, op: control.FanoutOp) -> list[object]:
    items = list(cast("Sequence[object]", run.read(op)[0]))
    most = op.max.value.data
    if len(items) > most and op.overflow.data == "error":
        raise InterpretError(f"@{op.id.data} got {len(items)} items, max is {most}")
    return [[_fanout_item(run, op, item) for item in items[:most]]]


def _fanout_item(run: _Run, op: control.FanoutOp, item: object) -> object:
    if op.on_error.data == "fail":
        return run.value(op.body.block, item)
    try:
        return run.value(op.body.block, item)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _react(run: _Run, op: control.ReactOp) -> list[object]:
    tools = dict(zip(names_of(op.tool_names), op.tools, strict=True))
    messages: list[object] = []
    turn: object = None
    for left in reversed(range(op.max_turns.value.data)):
        turn = run.value(op.turn.block, list(messages))
        calls = _tool_calls(turn)
        if not calls or not left:
            break
        messages.append({"role": "assistant", **cast("dict[str, object]", turn)})
        for call in calls:
            messages.append({"role": "tool", "name": call["name"], "content": _told(run, call, tools)})
    return [cast("dict[str, object]", turn)["content"] if _is_turn(turn) else turn]


def _told(run: _Run, call: Mapping[str, Any], tools: Mapping[str, Region]) -> str:
    """What a model reads of a tool's call: text as it is, any other value as JSON, and what was wrong with the call."""
    region = tools.get(call["name"])
    if region is None:
        return f"error: there is no tool {call['name']!r}; the tools are: {', '.join(tools) or 'none'}"
    try:
        value = run.value(region.block, call["arguments"])
    except ArgumentsRefused as refusal:
        return f"error: {refusal}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_turn(turn: object) -> bool:
    return isinstance(turn, Mapping) and set(cast("Mapping[str, object]", turn)) == {"content", "tool_calls"}


def _tool_calls(turn: object) -> list[dict[str, Any]]:
    return cast("dict[str, Any]", turn)["tool_calls"] if _is_turn(turn) else []


def _qualname(function: FunctionAttr) -> str:
    return function.qualname.data


MEANINGS: dict[type[Operation], Callable[[_Run, Any], list[object]]] = {
    agent.ExprOp: _expr,
    agent.CallOp: _agent_call,
    agent.ComputeOp: _call,
    agent.ObserveOp: lambda run, op: run.read(op),
    agent.InterruptOp: lambda run, op: [run.leaf(INTERRUPT, *run.read(op))],
    control.WhenOp: _when,
    control.LoopOp: _loop,
    control.FanoutOp: _fanout,
    control.ReactOp: _react,
    control.FusedOp: lambda run, op: [run.value(op.body.block)],
    plan.ChooseOp: _choose,
    llm.CallLlmOp: lambda run, op: [run.answer(_prompt(run, op))],
    llm.RenderOp: lambda run, op: [_prompt(run, op)],
    llm.PrefixPrefillOp: lambda run, op: [(op.starts_with, op.models)],
    llm.PrefillOp: _prefill,
    llm.DecodeOp: _decode,
    llm.DecodeAttentionOp: _decode_attention,
    llm.DecodeLinearOp: _decode_linear,
    llm.ParseOp: _parse,
    moe.GateOp: lambda run, op: [Routes(*run.read(op))],
    moe.ExpertPrefillOp: _expert_prefill,
    moe.ExpertDecodeOp: _expert_decode,
    moe.MergeOp: _merge,
    comm.AllReduceOp: _all_reduce,
    comm.KvTransferOp: lambda run, op: run.read(op),
    comm.ActivationsOp: lambda run, op: run.read(op),
    tool.InvokeOp: _call,
    tool.LookupOp: lambda run, op: [_request(run, op)],
    tool.WaitOp: lambda run, op: run.read(op),
    tool.ComputeOp: _tool_compute,
    memory.LookupOp: _call,
    memory.LoadOp: _call,
    memory.StoreOp: _call,
    model.RunOp: _call,
    model.EncodeOp: lambda run, op: [_request(run, op)],
    model.DecodeEncodedOp: _decode_encoded,
}
"""The meaning of each operation: its results from the values known so far."""
