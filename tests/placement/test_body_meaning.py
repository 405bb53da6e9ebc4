"""The body of a plan means what the IR means: names and expressions in the one, values in the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.dialects.decision import OPERATOR, text
from ir.dialects.task import FunctionOp
from ir.expression import ExpressionError, evaluate, parse
from ir.interpreter import INTERRUPT, InterpretError, interpret
from ir.pipeline import run_after_solve, run_passes
from ir.view import entry
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from placement import plan
from placement.body_from_ir import fused_calls, write_body
from tests.ir.deciding import decide
from tests.ir.graphs import INPUTS, LEAVES, graphs, with_chain

Scope = Mapping[str, object]


@dataclass(frozen=True)
class Body:
    """Runs a body; `functions` are the kind and the user's function of each operator, `fused` the calls in one."""

    functions: Mapping[str, tuple[str, str]]
    fused: Mapping[str, Sequence[plan.PartCall]]

    def value(self, block: plan.Block, scope: Scope, *arguments: object) -> Any:
        known = {**scope, **dict(zip(block.parameters, arguments, strict=True))}
        for node in block.nodes:
            known[node.id] = self.node(node, known)
        return read(block.result, known)

    def node(self, node: plan.Node, scope: Scope) -> object:
        match node:
            case plan.OpNode():
                return self.operator(node, scope)
            case plan.WhenNode():
                return self.value(node.then if read(node.condition, scope) else node.orelse, scope)
            case plan.LoopNode():
                value = read(node.init, scope)
                for _ in range(node.max_iters):
                    if read(node.until, {**scope, node.body.parameters[0]: value}):
                        break
                    value = self.value(node.body, scope, value)
                return value
            case plan.FanoutNode():
                return self.fanout(node, scope)
            case plan.ReactNode():
                return self.react(node, scope)
            case plan.ObserveNode():
                return read(node.value, scope)
            case plan.InterruptNode():
                return LEAVES[INTERRUPT](read(node.question, scope))
            case plan.CallNode():
                raise AssertionError("agents are inlined")

    def fanout(self, node: plan.FanoutNode, scope: Scope) -> list[object]:
        items: list[object] = list(read(node.items, scope))
        if len(items) > node.max and node.overflow == "error":
            raise InterpretError(f"@{node.id} got {len(items)} items, max is {node.max}")
        values: list[object] = []
        for item in items[: node.max]:
            try:
                values.append(self.value(node.body, scope, item))
            except (InterpretError, ExpressionError) as error:
                if node.on_error == "fail":
                    raise
                values.append({"error": f"{type(error).__name__}: {error}"})
        return values

    def operator(self, node: plan.OpNode, scope: Scope) -> object:
        named = {name: read(expression, scope) for name, expression in node.inputs.items()}
        rest = None if node.rest is None else read(node.rest, scope)
        if node.operator in self.fused:
            return self.calls(self.fused[node.operator], named)
        kind, function = self.functions[node.operator]
        match kind:
            case "llm.render":
                return named, rest
            case "llm.prefill":
                return named["prompt"]
            case "llm.decode" | "llm.decode_linear":
                held = [value for name, value in named.items() if name != "arguments"]
                assert held == [(named["arguments"], rest)] * len(held)
                return held[0]
            case "llm.decode_attention":
                return named["kv"]
            case "model.encode":
                return named
            case "model.decode":
                return LEAVES[function](**named["encoded"])
            case "llm.parse":
                arguments, messages = named["text"]
                return LEAVES[function](*([] if messages is None else [messages]), **arguments)
            case _:
                return LEAVES[function](**named, **(rest or {}))

    def calls(self, calls: Sequence[plan.PartCall], named: Mapping[str, object]) -> object:
        known, value = dict(named), None
        for call in calls:
            arguments = {name: read(expression, known) for name, expression in call.inputs.items()}
            value = known[call.id] = LEAVES[call.function.qualname](**arguments)
        return value

    def react(self, node: plan.ReactNode, scope: Scope) -> object:
        messages: list[object] = []
        turn: Any = None
        for left in reversed(range(node.max_turns)):
            turn = self.value(node.turn, scope, list(messages))
            if not turn["tool_calls"] or not left:
                break
            messages.append({"role": "assistant", **turn})
            for call in turn["tool_calls"]:
                name, tool = call["name"], node.tools.get(call["name"])
                known = ", ".join(node.tools) or "none"
                missing = f"error: there is no tool {name!r}; the tools are: {known}"
                value = missing if tool is None else self.value(tool, scope, call["arguments"])
                content = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                messages.append({"role": "tool", "name": name, "content": content})
        return turn["content"]


def read(expression: str, scope: Scope) -> Any:
    return evaluate(parse(expression), scope)


@settings(max_examples=40, deadline=None)
@given(graphs(), st.data())
def test_a_body_gives_what_the_ir_gives(graph: Graph, data: st.DataObject) -> None:
    module = decide(run_passes(to_ir(with_chain(graph))), lambda names: data.draw(st.sampled_from(names)))
    last_form = entry(run_after_solve(module))
    functions: dict[str, tuple[str, str]] = {}
    for op in last_form.walk():
        operator = text(op, OPERATOR)
        if operator is not None and isinstance(op, FunctionOp):
            functions[operator] = op.name, op.function.qualname.data
    meaning, fused = write_body(last_form), fused_calls(last_form)
    assert [call.id for call in fused["tail_fused"]] == ["head", "middle", "tail"]
    body, inputs = Body(functions, fused), [INPUTS[name] for name in ("question", "limit")]
    try:
        expected = interpret(module, INPUTS, LEAVES)
    except (InterpretError, ExpressionError) as error:
        with pytest.raises(type(error)):
            body.value(meaning, {}, *inputs)
        return
    assert repr(body.value(meaning, {}, *inputs)) == repr(expected)
