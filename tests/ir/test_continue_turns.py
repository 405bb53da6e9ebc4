import pytest
from hypothesis import given, settings
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnitAttr

from costmodel.llm import prefill_work, token_demand
from costmodel.models import load_models
from ir.dialects import cost
from ir.dialects.assembly import names_of
from ir.dialects.llm import PrefillOp
from ir.dialects.plan import ChooseOp
from ir.interpreter import InterpretError, interpret
from ir.passes.annotate_demand import AnnotateDemandPass
from ir.passes.chunk_prefill import ChunkPrefillPass
from ir.passes.continue_turns import ContinueTurnsPass
from ir.passes.decompose_llm import DecomposeLlmPass
from ir.passes.hoist_shared_prefix import HoistSharedPrefixPass
from ir.passes.inline_agents import InlineAgentsPass
from ir.text import parse, to_text
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from tests.ir.graphs import graphs
from tests.ir.meaning import outcome

LLAMA = load_models().model("llama3.1-8b")
FUNCTION = '#agent.function<"a.py", "think", "00">'
TOOL = """ tool "find" {
^bb0(%x : !agent.json):
%find = tool.invoke @find(%x) {tokens_out = 200.0, function = #agent.function<"a.py", "find", "00">}
  : (!agent.json) -> !agent.json
agent.yield %find : !agent.json
}"""
CALL = 'models ["llama3.1-8b"] max_tokens 100 tokens_in 1000 tokens_out 100'
STEADY = f"%t = llm.call @t(q = %q, %m) {CALL} {{function = {FUNCTION}}} : (!agent.json, !agent.json) -> !agent.json"
UPPER = '%u = agent.expr "q.text" (q = %q) : (!agent.json) -> !agent.json\n'
COUNT = '%u = agent.expr "len(m)" (m = %m) : (!agent.json) -> !agent.json\n'
DEAF = f"%t = llm.call @t(q = %q) {CALL} {{function = {FUNCTION}}} : (!agent.json) -> !agent.json"
SHARED = STEADY.replace("{function", '{starts_with = #llm.prefix<800, "0a">, function')


def decomposed(call: str = STEADY, tools: str = TOOL, expect: float = 3) -> ModuleOp:
    module = parse(
        "agent.graph @a(q) {\n^bb0(%q : !agent.json):\n"
        f"%r = agent.react @r(m, x) max_turns 4 expect {expect} turn {{\n^bb0(%m : !agent.json):\n{call}\n"
        f"agent.yield %t : !agent.json\n}}{tools} : !agent.json\nagent.output %r : !agent.json\n}}"
    )
    DecomposeLlmPass().apply(Context(), module)
    return module


def continued(module: ModuleOp) -> ModuleOp:
    ContinueTurnsPass().apply(Context(), module)
    module.verify()
    return module


def alternatives(module: ModuleOp) -> tuple[str, ...]:
    (choice,) = (op for op in module.walk() if isinstance(op, ChooseOp))
    return names_of(choice.names)


TWO = ("colocated", "disaggregated")


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (decomposed(), (*TWO, "continued")),
        (decomposed(UPPER + STEADY.replace("q = %q", "q = %u")), (*TWO, "continued")),
        (decomposed(COUNT + STEADY.replace("q = %q", "q = %u")), TWO),
        (decomposed(STEADY.replace("q = %q", "q = %m")), TWO),
        (decomposed(DEAF), TWO),
        (decomposed(tools=""), TWO),
        (decomposed(expect=1), TWO),
    ],
    ids=[
        "same arguments",
        "an expression that stays",
        "an expression of the messages",
        "an argument of the messages",
        "no messages",
        "no tools",
        "one turn",
    ],
)
def test_turns_that_extend_each_other_may_continue(module: ModuleOp, expected: tuple[str, ...]) -> None:
    assert alternatives(continued(module)) == expected


def test_one_alternative_continues_and_the_pass_runs_once() -> None:
    module = continued(decomposed())
    assert [op.continues is not None for op in module.walk() if isinstance(op, PrefillOp)] == [False, False, True]
    once = to_text(module)
    assert to_text(parse(once)) == once
    assert to_text(continued(module)) == once


def test_turns_that_share_a_prefix_do_not_continue() -> None:
    module = decomposed(SHARED)
    HoistSharedPrefixPass().apply(Context(), module)
    assert alternatives(continued(module)) == TWO


def test_a_turn_that_continues_is_not_read_in_chunks() -> None:
    module = continued(decomposed())
    ChunkPrefillPass(tokens=16).apply(Context(), module)
    module.verify()
    chunks = [op.chunk_tokens for op in module.walk() if isinstance(op, PrefillOp)]
    assert [chunk is None for chunk in chunks] == [False, False, True]


def test_the_demand_is_that_of_what_is_new() -> None:
    module = continued(decomposed())
    AnnotateDemandPass().apply(Context(), module)
    whole, _, new = (op for op in module.walk() if isinstance(op, PrefillOp))
    assert cost.amount(new, "visits") == 3
    # Prompts of 1000, 1300 and 1600 tokens on average 1300; 1000, 200 and 200 are new. Pairs of new tokens:
    # 1000 x 1001 / 2 + (1300 x 1301 - 1100 x 1101) / 2 + (1600 x 1601 - 1400 x 1401) / 2 = 1,040,700.
    assert (cost.amount(whole, "tokens_in"), cost.amount(new, "tokens_in")) == (1300, 1300)
    unit = token_demand(LLAMA)
    flops = 1400 * unit.flops + 3 * unit.head_flops + 1_040_700 * 4 * 32 * 128 * 32
    assert [3 * each for each in cost.per_model(new, "flops") or ()] == pytest.approx([flops], rel=1e-12)
    assert cost.per_model(whole, "flops") == pytest.approx([prefill_work(LLAMA, 1300).flops], rel=1e-12)
    assert [3 * each for each in cost.per_model(new, "kv_bytes") or ()] == pytest.approx([1400 * 131_072], rel=1e-12)
    assert cost.per_model(whole, "kv_bytes") == pytest.approx([1300 * 131_072], rel=1e-12)


def turn(messages: list[object], **named: object) -> dict[str, object]:
    """Two turns with a tool, and an answer that tells of all messages."""
    calls = [{"name": "find", "arguments": {"x": len(messages)}}] if len(messages) < 4 else []
    return {"content": f"{named} {messages}", "tool_calls": calls}


def test_it_means_what_it_meant_and_a_prompt_that_begins_otherwise_means_nothing() -> None:
    leaves = {"think": turn, "find": lambda x: f"found {x}"}
    before = interpret(decomposed(), {"q": "why"}, leaves)
    assert "found 2" in str(before)
    assert interpret(continued(decomposed()), {"q": "why"}, leaves) == before
    varied = decomposed(COUNT + STEADY.replace("q = %q", "q = %u"))
    for op in varied.walk():
        if isinstance(op, PrefillOp):
            op.continues = UnitAttr()
    with pytest.raises(InterpretError, match="@t_prefill reads a prompt that does not begin with that of the turn bef"):
        interpret(varied, {"q": "why"}, leaves)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_it_answers_the_same(graph: Graph) -> None:
    module = to_ir(graph)
    for each in (InlineAgentsPass(), DecomposeLlmPass()):
        each.apply(Context(), module)
    expected = outcome(module)
    assert repr(outcome(continued(module))) == repr(expected)
