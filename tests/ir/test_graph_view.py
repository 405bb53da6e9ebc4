"""A module as a chart: everything once, values as links, and a drawing that both languages take."""

from hypothesis import HealthCheck, given, settings
from xdsl.dialects.builtin import ModuleOp

from ir.chart import Chart, Cluster, Node
from ir.chart_dot import chart_to_dot
from ir.chart_mermaid import chart_to_mermaid
from ir.dialects.names import own_id
from ir.graph_view import to_chart
from ir.pipeline import run_passes
from ir.text import parse
from orchestrator.graph import Graph
from orchestrator.to_ir import to_ir
from tests.ir.charts import DOT_LINE, MERMAID_LINE, check_chart, strange_lines
from tests.ir.graphs import graphs
from tests.ir.test_view import MODULE

CALLS = """
agent.graph @a(q) sla <"p95", 4> {
^bb0(%q : !agent.text):
  %hard = agent.expr "q == 'x'" (q = %q) : (!agent.text) -> !agent.json
  %w = agent.when @w %hard p 0.25 then {
    %h = agent.call @h @helper(text = %q) : (!agent.text) -> !agent.json
    agent.yield %h : !agent.json
  } orelse {
    agent.yield %q : !agent.text
  } : (!agent.json) -> !agent.json
  agent.output %w : !agent.json
}
agent.graph @helper(text) {
^bb0(%text : !agent.text):
  agent.output %text : !agent.text
}
"""


def labels(chart: Chart) -> dict[str, str]:
    """The first line of each part by its key."""
    found: dict[str, str] = {}

    def enter(parts: tuple[Node | Cluster, ...]) -> None:
        for part in parts:
            found[part.key] = part.label[0]
            if isinstance(part, Cluster):
                enter(part.parts)

    enter(chart.parts)
    return found


def links(chart: Chart) -> list[tuple[str, str, str]]:
    """Source, target and label of each link, by the first lines of their labels."""
    named = labels(chart)
    return [(named[link.source], named[link.target], link.label) for link in chart.links]


def test_branches_calls_and_ends() -> None:
    chart = to_chart(parse(CALLS))
    check_chart(chart)
    assert [part.label for part in chart.parts] == [("agent.graph @a", "p95 at most 4 s"), ("agent.graph @helper",)]
    assert links(chart) == [
        ("q", "q == 'x'", ""),
        ("q == 'x'", "test", ""),
        ("q", "agent.call @h", ""),
        ("agent.call @h", "yield", ""),
        ("q", "yield", ""),
        ("test", "then", "then p=0.25"),
        ("test", "orelse", "orelse p=0.75"),
        ("agent.when @w", "output", ""),
        ("text", "output", ""),
        ("agent.call @h", "agent.graph @helper", "calls"),
    ]


def test_loops_and_turns_lead_back() -> None:
    chart = to_chart(parse(MODULE))
    check_chart(chart)
    dashed = [
        (link[0], link[1], link[2]) for link, drawn in zip(links(chart), chart.links, strict=True) if drawn.dashed
    ]
    assert dashed == [
        ("yield", "draft", "next"),
        ("yield", "draft", "next"),
        ("yield", "arguments", "calls"),
        ("yield", "messages", "messages"),
    ]


def test_alternatives_are_clusters_and_links_have_the_types_that_cost_needs() -> None:
    chart = to_chart(run_passes(parse(MODULE)))
    check_chart(chart)
    assert list(labels(chart).values()).count("disaggregated") == 2
    kv = '!llm.kv<"x", ?, ?>'
    assert ("llm.prefill @think_prefill", "comm.kv_transfer @think_kv_transfer", kv) in links(chart)
    assert ("plan.choose @think_choice", "llm.parse @think", "!llm.tokens<?>") in links(chart)


@given(graphs())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_stage_of_a_random_graph_is_drawn_whole(graph: Graph) -> None:
    def look(_: str, module: ModuleOp) -> None:
        chart = to_chart(module)
        check_chart(chart)
        drawn = list(labels(chart).values())
        tasks = [f"{op.name} @{name}" for op in module.walk() if (name := own_id(op)) is not None]
        assert sorted(label for label in drawn if label in set(tasks)) == sorted(tasks)
        assert strange_lines(chart_to_mermaid(chart), MERMAID_LINE) == []
        assert strange_lines(chart_to_dot(chart), DOT_LINE) == []

    run_passes(to_ir(graph), after_each=look)
