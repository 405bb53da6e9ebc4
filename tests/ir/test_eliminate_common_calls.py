from dataclasses import replace

import pytest
from hypothesis import given, settings
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from ir.passes.eliminate_common_calls import EliminateCommonCallsPass
from ir.passes.inline_agents import InlineAgentsPass
from ir.stats import lowered, stats
from ir.text import parse, to_text
from orchestrator.graph import CallTask, FunctionRef, Graph, Prior
from orchestrator.to_ir import to_ir
from tests.ir.graphs import graphs
from tests.ir.meaning import outcome

RECALL = 'function = #agent.function<"a.py", "recall", "00">'
KEEP = 'function = #agent.function<"a.py", "keep", "00">'
PRIOR = "latency_s = 0.5 : f64, cpu_s = 0.25 : f64, cost_usd = 0.125 : f64"
TYPE = "(!agent.json) -> !agent.json"


def a_module(middle: str, second: str) -> ModuleOp:
    """A lookup, something between, and a second lookup of the same."""
    return parse(
        f"""
        agent.graph @a(q) {{
        ^bb0(%q : !agent.json):
          %one = memory.lookup @one(x = %q) {{{RECALL}, pure, {PRIOR}}} : {TYPE}
          {middle}
          {second}
          %all = agent.expr "[one, two]" (one = %one, two = %two) : (!agent.json, !agent.json) -> !agent.json
          agent.output %all : !agent.json
        }}
        """
    )


ASKED = CallTask(
    id="asked",
    name="ask",
    kind="tool",
    function=FunctionRef("a.py", "f0", "00"),
    inputs={"a": "question.n"},
    prior=Prior(),
)
TWO = f"%two = memory.lookup @two(x = %q) {{{RECALL}, pure, {PRIOR}}} : {TYPE}"
STORE = f"%kept = memory.store @kept(x = %q) {{{KEEP}}} : {TYPE}"
IN_A_LOOP = f"""
%two = agent.loop @two(v = %q) max_iters 3 expect 1.5 until {{
^bb0(%v : !agent.json):
  agent.yield %v : !agent.json
}} do {{
^bb0(%v : !agent.json):
  %again = memory.lookup @again(x = %q) {{{RECALL}, pure, {PRIOR}}} : {TYPE}
  BODY
  agent.yield %again : !agent.json
}} : {TYPE}
"""


def lookups(module: ModuleOp) -> int:
    EliminateCommonCallsPass().apply(Context(), module)
    module.verify()
    return to_text(module).count("memory.lookup")


@pytest.mark.parametrize(
    ("middle", "second", "left"),
    [
        ("", TWO, 1),
        (STORE, TWO, 2),
        ("", TWO.replace("pure, ", ""), 2),
        ("", TWO.replace("x = %q", "y = %q"), 2),
        ("", TWO.replace("x = %q", "x = %one"), 2),
        ("", TWO.replace("pure", "pure, k = 3 : i64"), 2),
        ("", TWO.replace("pure", "pure, retries = 1 : i64, idempotent"), 2),
        ("", TWO.replace("0.125", "0.25"), 2),
        ("", TWO.replace('"recall"', '"remember"'), 2),
        ("", IN_A_LOOP.replace("BODY", ""), 1),
        (STORE, IN_A_LOOP.replace("BODY", ""), 2),
        ("", IN_A_LOOP.replace("BODY", STORE), 2),
        ("", IN_A_LOOP.replace("BODY", "").replace("@two(v =", "@two(one ="), 2),
    ],
    ids=[
        "the same",
        "after a store",
        "not pure",
        "another parameter",
        "another argument",
        "another k",
        "other retries",
        "another price",
        "another function",
        "in a loop",
        "in a loop after a store",
        "in a loop that stores",
        "in a loop whose parameter hides the first",
    ],
)
def test_which_lookups_are_one(middle: str, second: str, left: int) -> None:
    assert lookups(a_module(middle, second)) == left


def test_what_a_nested_block_found_is_not_known_outside() -> None:
    inner = f"""
    %w = agent.when @w %q p 0.5 then {{
      %first = memory.lookup @first(x = %one) {{{RECALL}, pure, {PRIOR}}} : {TYPE}
      agent.yield %first : !agent.json
    }} orelse {{
      agent.yield %q : !agent.json
    }} : {TYPE}
    """
    assert lookups(a_module(inner, TWO.replace("x = %q", "x = %one"))) == 3


def test_the_gain_is_visits_times_demand() -> None:
    module = a_module("", IN_A_LOOP.replace("BODY", ""))
    before = stats(lowered(module)).demand
    EliminateCommonCallsPass().apply(Context(), module)
    gain = before - stats(lowered(module)).demand
    # the lookup in the loop runs 1.5 times: 0.25 s of CPU, 0.5 - 0.25 s of waiting and 0.125 USD each
    assert (gain.cpu_s, gain.wait_s, gain.cost_usd) == (1.5 * 0.25, 1.5 * 0.25, 1.5 * 0.125)
    assert gain.flops == 0.0


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_it_answers_the_same(graph: Graph) -> None:
    calls = [ASKED, *(task for task in graph.body.tasks if isinstance(task, CallTask))]
    twice = tuple(
        replace(task, id=f"{task.id}_{turn}", execution=replace(task.execution, pure=task.op != "store"))
        for task in calls
        for turn in ("first", "again")
    )
    everything = f"[{graph.body.result}, {', '.join(task.id for task in twice)}]"
    body = replace(graph.body, tasks=(*graph.body.tasks, *twice), result=everything)
    module = to_ir(replace(graph, body=body))
    InlineAgentsPass().apply(Context(), module)
    expected, before = outcome(module), stats(module).calls
    EliminateCommonCallsPass().apply(Context(), module)
    module.verify()
    assert repr(outcome(module)) == repr(expected)
    assert stats(module).calls < before
