"""The chart shows kinds, bounds and probabilities, nests bodies, and can be written whatever the names are."""

from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from ir.chart_dot import chart_to_dot
from ir.chart_mermaid import chart_to_mermaid
from orchestrator.functions import load_file
from orchestrator.graph import Graph, bodies, walk
from orchestrator.graph_chart import to_chart
from tests.ir.charts import DOT_LINE, MERMAID_LINE, check_chart, strange_lines
from tests.orchestrator.random_graphs import graphs

SAMPLE = load_file(Path(__file__).with_name("agents_sample.py"))


@given(graphs())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_random_graphs_are_drawn_in_both_languages(graph: Graph) -> None:
    chart = to_chart(graph)
    check_chart(chart)
    assert strange_lines(chart_to_mermaid(chart), MERMAID_LINE) == []
    assert strange_lines(chart_to_dot(chart), DOT_LINE) == []


def test_every_task_is_drawn_once() -> None:
    for agent in SAMPLE.agents.values():
        graph = agent.trace()
        around = check_chart(to_chart(graph))
        names = sorted(key.partition("_")[2] for key in around)
        for task in walk(graph.body):
            if not bodies(task):
                assert names.count(task.id) == 1


def test_bounds_probabilities_kinds_and_models_are_shown() -> None:
    text = chart_to_mermaid(to_chart(SAMPLE.agents["assistant"].trace()))
    for shown in (
        '"loop revise_loop: max 3, expect 1.4"',
        '"fanout search_fanout: max 4, expect 2"',
        '"react browse_react: max 4 turns, expect 2"',
        '-. "then p=0.7" .->',
        '-. "else p=0.3" .->',
        '[["llm answer: llama3.1-8b or llama3.1-70b"]]',
        '[/"tool search"/]',
        '[("memory recall")]',
        '["compute merge"]',
        '>"observe observe"]',
        '"until revise_loop_value.score #62; 0.9"',
        'subgraph n2_gather["agent gather"]',
    ):
        assert shown in text


def test_an_unknown_probability_is_said() -> None:
    graph = SAMPLE.agents["voice"].trace()
    *first, when = graph.body.tasks
    unknown = replace(graph, body=replace(graph.body, tasks=(*first, replace(when, p=None))))
    assert '"then p unknown"' in chart_to_mermaid(to_chart(unknown))
