"""The chart shows kinds, bounds and probabilities, nests bodies, and keeps Mermaid's grammar whatever the names are."""

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.functions import load_file
from orchestrator.graph import Graph, bodies, walk
from orchestrator.graph_mermaid import label_text, to_mermaid
from tests.orchestrator.random_graphs import graphs

SAMPLE = load_file(Path(__file__).with_name("agents_sample.py"))

LABEL = r'"[A-Za-z0-9 _.,:()=+*/|#;-]*"'
KEY = r"n\d+_\w*"
NODE = re.compile(
    rf"({KEY})(\[\[{LABEL}\]\]|\[/{LABEL}/\]|\[\({LABEL}\)\]|\[{LABEL}\]|>{LABEL}\]"
    rf"|\{{\{{{LABEL}\}}\}}|\(\[{LABEL}\]\)|\{{{LABEL}\}}|\(\({LABEL}\)\))"
)
SUBGRAPH = re.compile(rf"subgraph ({KEY})\[{LABEL}\]")
LINK = re.compile(rf"({KEY}) (?:-->|<-\.->|-\. {LABEL} \.->) ({KEY})")


def check_grammar(text: str) -> tuple[set[str], dict[str, str]]:
    """Node keys, and of each subgraph the subgraph around it; fails for a line outside the grammar above."""
    header, *lines = text.splitlines()
    assert header == "flowchart TD"
    nodes: set[str] = set()
    around: dict[str, str] = {}
    filled: set[str] = set()
    open_subgraphs = [""]
    links: list[tuple[str, str]] = []
    for line in lines:
        stripped = line.strip()
        if found := SUBGRAPH.fullmatch(stripped):
            assert found[1] not in around
            around[found[1]] = open_subgraphs[-1]
            filled.add(open_subgraphs[-1])
            open_subgraphs.append(found[1])
        elif stripped == "end":
            assert open_subgraphs.pop() in filled, "an empty subgraph"
        elif found := NODE.fullmatch(stripped):
            assert found[1] not in nodes | set(around)
            nodes.add(found[1])
            around[found[1]] = open_subgraphs[-1]
            filled.add(open_subgraphs[-1])
        else:
            found = LINK.fullmatch(stripped)
            assert found, line
            links.append((found[1], found[2]))
    assert open_subgraphs == [""]
    for source, target in links:
        assert {source, target} <= set(around)
        assert source not in ancestors(target, around), "a link between a subgraph and its own part"
        assert target not in ancestors(source, around), "a link between a subgraph and its own part"
    return nodes, around


def ancestors(key: str, around: dict[str, str]) -> set[str]:
    found: set[str] = set()
    while key:
        found.add(key)
        key = around[key]
    return found - {""}


@given(graphs())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_random_graphs_keep_the_grammar(graph: Graph) -> None:
    check_grammar(to_mermaid(graph))


def test_every_task_is_drawn_once() -> None:
    for agent in SAMPLE.agents.values():
        graph = agent.trace()
        _, around = check_grammar(to_mermaid(graph))
        names = sorted(key.partition("_")[2] for key in around)
        for task in walk(graph.body):
            if not bodies(task):
                assert names.count(task.id) == 1


def test_bounds_probabilities_kinds_and_models_are_shown() -> None:
    text = to_mermaid(SAMPLE.agents["assistant"].trace())
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
    assert '"then p unknown"' in to_mermaid(unknown)


@given(st.text())
def test_a_label_cannot_leave_its_quotes(text: str) -> None:
    assert re.fullmatch(LABEL, f'"{label_text(text)}"')


def test_special_characters_are_written_as_codes() -> None:
    assert label_text('a"b<c>é') == "a#34;b#60;c#62;#233;"
    assert label_text("x" * 70) == "x" * 57 + "..."
