from hypothesis import given, settings
from xdsl.context import Context

from ir.passes.drop_unused import DropUnusedPass
from ir.passes.inline_agents import InlineAgentsPass
from ir.stats import lowered, stats
from ir.text import parse, to_text
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from tests.ir.graphs import graphs
from tests.ir.meaning import keeps_values, outcome

FUNCTION = 'function = #agent.function<"a.py", "f", "00">'

UNREAD = f"""
agent.graph @a(q) {{
^bb0(%q : !agent.json):
  %fan = agent.fanout @fan(item = %q) max 4 expect 2.5 overflow "error" on_error "fail" do {{
  ^bb0(%item : !agent.json):
    %found = tool.invoke @search(query = %item)
      {{{FUNCTION}, latency_s = 0.5 : f64, cpu_s = 0.125 : f64, cost_usd = 0.01 : f64, tokens_out = 60.0 : f64, pure}}
      : (!agent.json) -> !agent.json
    agent.yield %found : !agent.json
  }} : (!agent.json) -> !agent.json
  %r = agent.compute @r(x = %q) {{{FUNCTION}, latency_s = 0.25 : f64, cost_usd = 0.0 : f64}}
    : (!agent.json) -> !agent.json
  agent.output %r : !agent.json
}}
"""


def test_the_gain_is_visits_times_demand() -> None:
    module = parse(UNREAD)
    before = stats(lowered(module))
    DropUnusedPass().apply(Context(), module)
    after = stats(lowered(module))
    gain = before.demand - after.demand
    # 2.5 searches a run, each 0.125 s of CPU, 0.5 - 0.125 s of waiting, 0.01 USD and 60 tokens of 4 bytes
    assert (gain.cpu_s, gain.wait_s, gain.cost_usd) == (2.5 * 0.125, 2.5 * 0.375, 2.5 * 0.01)
    assert gain.moved_bytes == 2.5 * 60 * 4
    assert after.demand.cpu_s == 0.25
    assert (before.calls - after.calls, after.calls) == (1, 1)


def test_a_call_that_fails_is_dropped_only_when_nobody_reads_it() -> None:
    module = parse(UNREAD)
    DropUnusedPass().apply(Context(), module)
    assert "@search" not in to_text(module)
    module = parse(UNREAD.replace("x = %q", "x = %fan"))
    DropUnusedPass().apply(Context(), module)
    assert "@search" in to_text(module)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_what_remains_answers_the_same(graph: Graph) -> None:
    module = to_ir(graph)
    InlineAgentsPass().apply(Context(), module)
    expected = outcome(module)
    DropUnusedPass().apply(Context(), module)
    module.verify()
    assert keeps_values(expected, outcome(module))
    text = to_text(module)
    DropUnusedPass().apply(Context(), module)
    assert to_text(module) == text, "one pass finds all there is"
