from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ir.interpreter import MEANINGS, ArgumentsRefused, InterpretError, interpret
from ir.text import parse
from ir.universe import DIALECTS

F = '{function = #agent.function<"a.py", "f", "00">}'
G = '{function = #agent.function<"a.py", "g", "00">}'


def run(body: str, leaves: Mapping[str, Callable[..., Any]], q: object, output: str = "%r") -> object:
    """What a graph with the input `q` answers."""
    source = f"agent.graph @a(q) {{\n^bb0(%q : !agent.json):\n{body}\nagent.output {output} : !agent.json\n}}"
    return interpret(parse(source), {"q": q}, leaves)


def test_every_operation_but_terminators_and_graphs_has_a_meaning() -> None:
    operations = {op for dialect in DIALECTS for op in dialect.operations}
    silent = {op.name for op in operations - set(MEANINGS)}
    assert silent == {"agent.graph", "agent.output", "agent.yield", "plan.yield"}


def test_a_loop_tests_before_each_body_and_stops_at_its_bound() -> None:
    body = f"""
    %r = agent.loop @l(v = %q) max_iters 3 expect 1 until {{
    ^bb0(%v : !agent.json):
      %done = agent.expr "v >= 10" (v = %v) : (!agent.json) -> !agent.json
      agent.yield %done : !agent.json
    }} do {{
    ^bb0(%v : !agent.json):
      %next = agent.compute @f(x = %v) {F} : (!agent.json) -> !agent.json
      agent.yield %next : !agent.json
    }} : (!agent.json) -> !agent.json"""
    add_4 = {"f": lambda x: x + 4}
    assert run(body, add_4, 10) == 10
    assert run(body, add_4, 3) == 11  # 3, 7, 11: at least 10 after two bodies
    assert run(body, add_4, -10) == 2  # three bodies, then the last value


def fanout(overflow: str, on_error: str) -> str:
    return f"""
    %r = agent.fanout @fan(v = %q) max 2 expect 1 overflow "{overflow}" on_error "{on_error}" do {{
    ^bb0(%v : !agent.json):
      %next = agent.compute @f(x = %v) {F} : (!agent.json) -> !agent.json
      agent.yield %next : !agent.json
    }} : (!agent.json) -> !agent.json"""


def test_a_fanout_keeps_order_and_its_bound() -> None:
    inverse = {"f": lambda x: 12 / x}
    assert run(fanout("error", "fail"), inverse, [3, 4]) == [4, 3]
    assert run(fanout("truncate", "fail"), inverse, [3, 4, 6]) == [4, 3]
    with pytest.raises(InterpretError, match="@fan got 3 items, max is 2"):
        run(fanout("error", "fail"), inverse, [3, 4, 6])


def test_a_fanout_fails_with_its_first_item_or_collects_failures() -> None:
    inverse = {"f": lambda x: 12 / x}
    with pytest.raises(ZeroDivisionError):
        run(fanout("error", "fail"), inverse, [0, 4])
    assert run(fanout("error", "collect"), inverse, [0, 4]) == [{"error": "ZeroDivisionError: division by zero"}, 3]


REACT = f"""
    %r = agent.react @react(messages, arguments) max_turns 3 expect 2 turn {{
    ^bb0(%m : !agent.json):
      %turn = llm.call @f(question = %q, %m) models ["x"] max_tokens 8 {F} : (!agent.json, !agent.json) -> !agent.json
      agent.yield %turn : !agent.json
    }} tool "add" {{
    ^bb0(%arguments : !agent.json):
      %sum = tool.invoke @g(%arguments) {G} : (!agent.json) -> !agent.json
      agent.yield %sum : !agent.json
    }} : !agent.json"""


def test_a_react_ends_when_a_turn_calls_no_tool() -> None:
    seen: list[Any] = []

    def think(messages: list[Any], question: str) -> dict[str, Any]:
        seen.append((question, messages))
        if messages:
            return {"content": messages[-1]["content"], "tool_calls": []}
        return {"content": None, "tool_calls": [{"name": "add", "arguments": {"x": 1, "y": 2}}]}

    assert run(REACT, {"f": think, "g": lambda x, y: x + y}, "1 + 2?") == "3"
    assert [question for question, _ in seen] == ["1 + 2?", "1 + 2?"]
    assert [len(messages) for _, messages in seen] == [0, 2]
    assert seen[1][1][1] == {"role": "tool", "name": "add", "content": "3"}


def test_a_react_stops_at_its_bound_and_tells_the_model_of_unknown_tools() -> None:
    seen: list[Any] = []

    def think(messages: list[Any], question: str) -> dict[str, Any]:
        seen[:] = messages
        return {"content": question, "tool_calls": [{"name": "divide", "arguments": {}}]}

    assert run(REACT, {"f": think}, "last text") == "last text"
    assert len(seen) == 4  # after two turns; the third is the last
    assert seen[1]["content"] == "error: there is no tool 'divide'; the tools are: add"


def test_nobody_reads_a_tool_of_the_last_turn_so_that_it_does_not_run() -> None:
    ran: list[int] = []

    def think(messages: list[Any], question: str) -> dict[str, Any]:
        return {"content": question, "tool_calls": [{"name": "add", "arguments": {"x": 1, "y": 2}}]}

    assert run(REACT, {"f": think, "g": lambda x, y: ran.append(x + y)}, "last text") == "last text"
    assert ran == [3, 3]  # three turns at most


def test_a_refusal_of_arguments_is_told_to_the_model() -> None:
    def think(messages: list[Any], question: str) -> dict[str, Any]:
        if messages:
            return {"content": messages[-1]["content"], "tool_calls": []}
        return {"content": None, "tool_calls": [{"name": "add", "arguments": {"x": 1}}]}

    def add(**chosen: int) -> int:
        raise ArgumentsRefused("y is missing")

    assert run(REACT, {"f": think, "g": add}, "1 + ?") == "error: y is missing"


CHOICE = f"""
    %p = llm.render @f_render(x = %q) call "f" {F} : (!agent.json) -> !llm.tokens<?>
    %o = llm.render @g_render(x = %q) call "g" {G} : (!agent.json) -> !llm.tokens<?>
    %t = plan.choose @choice %p, %o alternative "one" {{
    ^bb0(%a : !llm.tokens<?>, %b : !llm.tokens<?>):
      plan.yield %a : !llm.tokens<?>
    }} alternative "two" {{
    ^bb0(%a : !llm.tokens<?>, %b : !llm.tokens<?>):
      plan.yield %second : !llm.tokens<?>
    }} : (!llm.tokens<?>, !llm.tokens<?>) -> !llm.tokens<?>
    %kv, %first = llm.prefill @prefill %t call "f" models ["x"] {F}
      : (!llm.tokens<?>) -> (!llm.kv<"x", ?, ?>, !llm.tokens<1>)
    %kv2, %other = llm.prefill @prefill_2 %o call "f" models ["x"] {F}
      : (!llm.tokens<?>) -> (!llm.kv<"x", ?, ?>, !llm.tokens<1>)
    %text = llm.decode @decode %kv, %start call "f" models ["x"] max_tokens 8 {F}
      : (!llm.kv<"x", ?, ?>, !llm.tokens<1>) -> !llm.tokens<?>
    %r = llm.parse @parse %text call "f" PARSED : (!llm.tokens<?>) -> !agent.json"""


@pytest.mark.parametrize(
    ("second", "start", "parsed", "message"),
    [
        ("%a", "%first", F, None),
        ("%b", "%first", F, "the alternatives of @choice give different values"),
        ("%a", "%other", F, "@decode decodes a KV and a first token of different prompts"),
        ("%a", "%first", G, "@parse parses what its call did not generate"),
    ],
)
def test_a_decomposed_call_means_the_call_if_its_parts_fit(
    second: str, start: str, parsed: str, message: str | None
) -> None:
    body = CHOICE.replace("%second", second).replace("%start", start).replace("PARSED", parsed)
    leaves = {"f": lambda x: x + 1, "g": lambda x: x}
    if message is None:
        assert run(body, leaves, 41) == 42
    else:
        with pytest.raises(InterpretError, match=message):
            run(body, leaves, 41)


def test_inputs_and_leaves_must_be_those_of_the_agent() -> None:
    body = f"%r = agent.compute @c(x = %q) {F} : (!agent.json) -> !agent.json"
    with pytest.raises(InterpretError, match="no leaf for 'f'; known: g"):
        run(body, {"g": print}, 1)
    module = parse("agent.graph @a(q) {\n^bb0(%q : !agent.json):\n  agent.output %q : !agent.json\n}")
    with pytest.raises(InterpretError, match="agent a takes q; got p"):
        interpret(module, {"p": 1}, {})
