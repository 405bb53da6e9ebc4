from dataclasses import replace

import pytest
from hypothesis import given, settings
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from costmodel.llm import kv_bytes, token_demand
from costmodel.models import load_models
from ir.dialects.llm import PrefillOp, PrefixPrefillOp
from ir.dialects.plan import ChooseOp
from ir.interpreter import InterpretError, interpret
from ir.passes.chunk_prefill import ChunkPrefillPass
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.hoist_shared_prefix import HoistSharedPrefixPass
from ir.passes.inline_agents import InlineAgentsPass
from ir.stats import Demand, lowered, stats
from ir.text import parse, to_text
from orchestrator.graph import FunctionRef, Graph, LlmTask, Prefix
from orchestrator.to_ir import to_ir
from tests.ir.graphs import graphs
from tests.ir.meaning import outcome

LLAMA = load_models().model("llama3.1-8b")
J = "(!agent.json) -> !agent.json"


def call(name: str, x: str = "%q", prefix: str = '800, "0a"', models: str = '"llama3.1-8b"') -> str:
    """A call of 900 tokens in and 8 out."""
    own = f'function = #agent.function<"a.py", "f", "00">, starts_with = #llm.prefix<{prefix}>'
    sizes = "max_tokens 8 tokens_in 900 tokens_out 8"
    return f"%{name} = llm.call @{name}(x = {x}) models [{models}] {sizes} {{{own}}} : {J}"


def when(name: str, p: str, then: str, orelse: str = "") -> str:
    values = [body.split(" = ")[0].strip() if body else "%q" for body in (then, orelse)]
    return (
        f"%{name} = agent.when @{name} %q{p} then {{\n{then}\nagent.yield {values[0]} : !agent.json\n}} "
        f"orelse {{\n{orelse}\nagent.yield {values[1]} : !agent.json\n}} : {J}"
    )


def loop(name: str, expect: float, body: str) -> str:
    value = body.split(" = ", maxsplit=1)[0].strip()
    return (
        f"%{name} = agent.loop @{name}(v = %q) max_iters 4 expect {expect} until {{\n^bb0(%v : !agent.json):\n"
        f"agent.yield %v : !agent.json\n}} do {{\n^bb0(%v : !agent.json):\n{body}\n"
        f"agent.yield {value} : !agent.json\n}} : {J}"
    )


def react(name: str, body: str) -> str:
    turn = body.replace("(x = %q)", "(x = %q, %m)").replace(J, "(!agent.json, !agent.json) -> !agent.json")
    value = body.split(" = ", maxsplit=1)[0].strip()
    return (
        f"%{name} = agent.react @{name}(messages, arguments) max_turns 4 expect 3 turn {{\n^bb0(%m : !agent.json):\n"
        f"{turn}\nagent.yield {value} : !agent.json\n}} : !agent.json"
    )


def decomposed(*body: str) -> ModuleOp:
    text = "\n".join(body)
    module = parse(f"agent.graph @a(q) {{\n^bb0(%q : !agent.json):\n{text}\nagent.output %q : !agent.json\n}}")
    DecomposeLlmPass().apply(Context(), module)
    return module


def hoisted(*body: str) -> ModuleOp:
    module = decomposed(*body)
    HoistSharedPrefixPass().apply(Context(), module)
    module.verify()
    return module


def prefixes(module: ModuleOp) -> list[tuple[str, str]]:
    """Each prefix with the operation that it stands in."""
    found = [op for op in module.walk() if isinstance(op, PrefixPrefillOp)]
    return [(op.id.data, str(op.parent_op().name)) for op in found]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([call("r")], []),
        ([call("r"), call("s")], [("r_prefix", "agent.graph")]),
        ([call("r"), call("s", prefix='800, "0b"')], []),
        ([call("r"), call("s", prefix='700, "0a"')], []),
        ([call("r"), call("s", models='"llama3.1-70b"')], []),
        ([loop("l", 1.5, call("r"))], [("r_prefix", "agent.graph")]),
        ([loop("l", 1, call("r"))], []),
        ([loop("l", 0.5, call("r"))], []),
        ([react("t", call("r"))], [("r_prefix", "agent.graph")]),
        ([react("t", call("r")), call("s")], [("r_prefix", "agent.graph")]),
        ([when("w", " p 0.3", call("r"), call("s"))], []),
        ([when("w", " p 0.3", call("r")), when("x", " p 0.4", call("s"))], []),
        ([when("w", " p 0.3", call("r")), when("x", " p 0.8", call("s"))], [("r_prefix", "agent.graph")]),
        ([when("w", "", call("r")), call("s")], []),
        ([when("w", " p 0.3", loop("l", 2, call("r")))], [("r_prefix", "agent.when")]),
        ([loop("l", 3, when("w", " p 0.5", call("r")))], [("r_prefix", "agent.graph")]),
        ([loop("l", 3, when("w", " p 0.2", call("r")))], []),
    ],
    ids=[
        "once",
        "twice",
        "other text",
        "other length",
        "other model",
        "in a loop",
        "in a loop that runs once",
        "in a loop that rarely runs",
        "turns",
        "turns have tools in their prompts",
        "one of two branches",
        "in rare branches",
        "in likely branches",
        "in a branch of unknown probability",
        "in a branch that runs it twice",
        "in a likely branch of a loop",
        "in a rare branch of a loop",
    ],
)
def test_where_a_prefix_is_made(body: list[str], expected: list[tuple[str, str]]) -> None:
    assert prefixes(hoisted(*body)) == expected


def demand(module: ModuleOp) -> Demand:
    return stats(lowered(module)).demand


def test_the_gain_is_the_prefix_for_every_visit_but_one() -> None:
    body = [call("r"), loop("l", 2.5, call("s"))]
    gain = demand(decomposed(*body)) - demand(hoisted(*body))
    # 1 + 2.5 calls, each of which began with 800 tokens: made once, they are saved 2.5 times.
    # Layers: 800 tokens each; attention: 800 x 801 / 2 = 320,400 pairs of 4 x 32 heads x 128 FLOPs in 32 layers.
    prefix_flops = 800 * token_demand(LLAMA).flops + 320_400 * 4 * 32 * 128 * 32
    assert gain.flops == pytest.approx(2.5 * prefix_flops, rel=1e-9)
    assert gain.kv_bytes == pytest.approx(2.5 * 800 * 131_072, rel=1e-9)
    # the price is one more step, which reads the weights once more
    assert gain.weight_bytes == pytest.approx(-token_demand(LLAMA).weights * 2, rel=1e-9)
    assert kv_bytes(LLAMA, 800) == 800 * 131_072
    assert (gain.cpu_s, gain.wait_s, gain.cost_usd, gain.moved_bytes) == (0.0, 0.0, 0.0, 0.0)


def test_all_prefills_of_a_call_read_the_prefix_and_the_pass_runs_once() -> None:
    module = hoisted(call("r"), call("s"))
    assert [op.prefix is not None for op in module.walk() if isinstance(op, PrefillOp)] == [True] * 4
    once = to_text(module)
    assert to_text(parse(once)) == once
    HoistSharedPrefixPass().apply(Context(), module)
    assert to_text(module) == once


def test_a_prefill_of_another_prefix_means_nothing() -> None:
    module = hoisted(call("r"), call("s"))
    text, begun = to_text(module), 'starts_with = #llm.prefix<800, "PREFIX">} : !llm.kv'
    wrong = text.replace(begun.replace("PREFIX", "0a"), begun.replace("PREFIX", "0b"))
    assert wrong != text
    leaves = {"f": lambda x: x}
    assert interpret(module, {"q": 1}, leaves) == 1
    with pytest.raises(InterpretError, match="@r_prefill reads the KV of another prefix"):
        interpret(parse(wrong), {"q": 1}, leaves)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_it_answers_the_same(graph: Graph) -> None:
    calls = [
        LlmTask(
            id=f"shared_{turn}",
            name="shared",
            function=FunctionRef("a.py", "f0", "00"),
            inputs={"a": "question.n"},
            models=("llama3.1-8b",),
            max_tokens=8,
            tokens_in=10.0,
            tokens_out=4.0,
            prefix=Prefix(7, "0a"),
        )
        for turn in (1, 2)
    ]
    everything = f"[{graph.body.result}, shared_1, shared_2]"
    body = replace(graph.body, tasks=(*graph.body.tasks, *calls), result=everything)
    module = to_ir(replace(graph, body=body))
    for each in (InlineAgentsPass(), DecomposeLlmPass()):
        each.apply(Context(), module)
    expected, before = outcome(module), stats(module).operators
    HoistSharedPrefixPass().apply(Context(), module)
    module.verify()
    assert repr(outcome(module)) == repr(expected)
    assert stats(module).operators > before


def test_a_prompt_that_is_read_in_chunks_shares_nothing() -> None:
    module = decomposed(call("a"), call("b", "%a"))
    ChunkPrefillPass(tokens=16).apply(Context(), module)
    before = to_text(module)
    HoistSharedPrefixPass().apply(Context(), module)
    module.verify()
    assert to_text(module) == before


def test_a_model_in_a_tool_shares_with_others_and_not_with_the_turns() -> None:
    inside = f"{call('inside', '%x')}\nagent.yield %inside : !agent.json"
    tool = f'tool "t" {{\n^bb0(%x : !agent.json):\n{inside}\n}} : !agent.json'
    module = hoisted(react("r", call("turn")).removesuffix(": !agent.json") + tool, call("after", "%r"))
    made = {
        op.id.data: op.operands[1].owner for op in module.walk() if isinstance(op, ChooseOp) and len(op.operands) == 2
    }
    assert set(made) == {"turn_choice", "inside_choice", "after_choice"}
    assert made["inside_choice"] is made["after_choice"] is not made["turn_choice"]
