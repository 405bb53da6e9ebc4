"""Unrolled modules: what they look like, that they mean the same where a run has the counts, and their bound."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from xdsl.dialects.builtin import ModuleOp

from ir.dialects import cost
from ir.dialects.control import FanoutOp, LoopOp, ReactOp
from ir.interpreter import interpret
from ir.pipeline import run_passes
from ir.text import parse, to_text
from ir.unroll import Counts, UnrollError, unroll
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from tests.ir.graphs import graphs

NEXT, FIND, THINK = (f'{{function = #agent.function<"a.py", "{name}", "00">}}' for name in ("next", "find", "think"))

LOOP = """
builtin.module {
  agent.graph @a(x) {
  ^bb0(%x: !agent.json):
    %l = agent.loop @l(v = %x) max_iters 3 expect 1.5 until {
    ^bb0(%v: !agent.json):
      %done = agent.expr "v > 90" (v = %v) : (!agent.json) -> !agent.json
      agent.yield %done : !agent.json
    } do {
    ^bb0(%v: !agent.json):
      %next = agent.compute @next(v = %v, x = %x) {NEXT} : (!agent.json, !agent.json) -> !agent.json
      agent.yield %next : !agent.json
    } : (!agent.json) -> !agent.json
    agent.output %l : !agent.json
  }
}
""".replace("{NEXT}", NEXT)

LOOP_UNROLLED = """#function_0 = #agent.function<"a.py", "next", "00">
builtin.module {
  agent.graph @a(x) {
  ^bb0(%x: !agent.json):
    %done = agent.expr "v > 90" (v = %x) : (!agent.json) -> !agent.json
    %next_c1 = agent.compute @next_c1(v = %x, x = %x) {NEXT} : (!agent.json, !agent.json) -> !agent.json
    %done_1 = agent.expr "v > 90" (v = %next_c1) : (!agent.json) -> !agent.json
    %next_c2 = agent.compute @next_c2(v = %next_c1, x = %x) {NEXT} : (!agent.json, !agent.json) -> !agent.json
    agent.output %next_c2 : !agent.json
  }
}
""".replace("{NEXT}", NEXT.replace('#agent.function<"a.py", "next", "00">', "#function_0"))

FANOUT = """
agent.graph @a(xs) {
^bb0(%xs: !agent.json):
  %f = agent.fanout @f(x = %xs) max 3 expect 2 overflow "error" on_error "fail" do {
  ^bb0(%x: !agent.json):
    %g = agent.fanout @g(y = %x) max 2 expect 1 overflow "error" on_error "fail" do {
    ^bb0(%y: !agent.json):
      %next = agent.compute @next(v = %y) {NEXT} : (!agent.json) -> !agent.json
      agent.yield %next : !agent.json
    } : (!agent.json) -> !agent.json
    agent.yield %g : !agent.json
  } : (!agent.json) -> !agent.json
  agent.output %f : !agent.json
}
""".replace("{NEXT}", NEXT)

REACT = """
agent.graph @a(q) {
^bb0(%q: !agent.text):
  %r = agent.react @r(messages, arguments) max_turns 3 expect 2 turn {
  ^bb0(%m: !agent.json):
    %t = llm.call @think(q = %q, %m) models ["x"] max_tokens 8 {THINK}
      : (!agent.text, !agent.json) -> !agent.json
    agent.yield %t : !agent.json
  } tool "find" {
  ^bb0(%arguments: !agent.json):
    %found = tool.invoke @find(%arguments) {FIND} : (!agent.json) -> !agent.json
    agent.yield %found : !agent.json
  } : !agent.json
  agent.output %r : !agent.json
}
""".replace("{FIND}", FIND).replace("{THINK}", THINK)


def think(messages: list[object], q: str) -> dict[str, Any]:
    """Calls its tool in the first two of three turns."""
    calls = [] if len(messages) == 4 else [{"name": "find", "arguments": {"word": q + str(len(messages))}}]
    return {"content": f"{q} after {len(messages)}", "tool_calls": calls}


LEAVES = {"next": lambda v, x=1: v + x, "think": think, "find": lambda word: f"found {word}"}


def test_a_loop_is_written_as_often_as_is_expected_rounded_up() -> None:
    module = parse(LOOP)
    result = unroll(module)
    assert to_text(result.module) == LOOP_UNROLLED
    assert result.copies == {"l": 2}
    assert to_text(module) == to_text(parse(LOOP)), "the given module stays as it is"


@pytest.mark.parametrize(
    ("text", "inputs", "copies"),
    [
        (LOOP, {"x": 5}, {"l": 3}),
        (FANOUT, {"xs": [[1, 2], [3, 4], [5, 6]]}, {"f": 3, "g": 2}),
        (REACT, {"q": "why"}, {"r": 3}),
    ],
)
@pytest.mark.parametrize("stage", ["capture", None])
def test_a_run_with_these_counts_means_the_same(
    text: str, inputs: dict[str, object], copies: dict[str, int], stage: str | None
) -> None:
    module = run_passes(parse(text), stage)
    result = unroll(module, "max")
    assert result.copies == copies
    assert interpret(result.module, inputs, LEAVES) == interpret(module, inputs, LEAVES)


def test_copies_of_copies_have_both_numbers() -> None:
    text = to_text(unroll(parse(FANOUT), "max").module)
    assert [f"@next_c{outer}_c{inner}(" in text for outer in (1, 2, 3) for inner in (1, 2)] == [True] * 6


def test_visits_are_shared_among_the_copies() -> None:
    # the loop's body runs 1.5 times on average and stands twice: 0.75 for each copy
    result = unroll(run_passes(parse(LOOP)))
    assert [cost.amount(op, "visits") for op in result.module.walk() if op.name == "agent.compute"] == [0.75, 0.75]


@given(graphs())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_random_graph_unrolls_to_a_module_that_reads_back_before_and_after_the_passes(graph: Graph) -> None:
    module = to_ir(graph)
    check_unrolled(module)
    check_unrolled(run_passes(module))


def check_unrolled(module: ModuleOp) -> None:
    """Both unrolled forms read back, hold no loops, and are no longer than the bound that is checked first."""
    counts: Counts
    for counts in ("expect", "max"):
        unrolled = unroll(module, counts, limit=100_000).module
        text = to_text(unrolled)
        assert to_text(parse(text)) == text
        assert not any(isinstance(op, LoopOp | FanoutOp | ReactOp) for op in unrolled.walk())
        with pytest.raises(UnrollError):
            unroll(module, counts, limit=sum(1 for _ in unrolled.walk()) - 2)


def test_a_module_that_would_be_too_long_is_refused_before_it_is_built() -> None:
    module = parse(LOOP.replace("max_iters 3", "max_iters 1000000000000"))
    with pytest.raises(UnrollError) as caught:
        unroll(module, "max")
    # graph, output and loop, and for each copy: expression, compute, two yields and one more
    assert str(caught.value) == (
        "unrolled, the module may have 5000000000003 operations, more than 2000; unroll by the expected counts or "
        "lower the bounds: @l alone is repeated 1000000000000 times"
    )
    assert unroll(module).copies == {"l": 2}


def test_a_list_that_no_expression_can_hold_is_refused() -> None:
    text = FANOUT.replace("max 3", "max 1000")
    with pytest.raises(UnrollError, match="@f makes a list of 1000 values, which is too long for an expression"):
        unroll(parse(text), "max", limit=100_000)


def test_loops_of_other_agents_are_told_apart() -> None:
    helper = LOOP.replace("builtin.module {", "").rstrip().removesuffix("}").replace("@a(", "@helper(")
    entry = helper.replace("@helper(", "@a(").replace("expect 1.5", "expect 3")
    assert unroll(parse(entry + helper)).copies == {"l": 3, "helper.l": 2}
