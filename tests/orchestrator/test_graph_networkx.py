"""The digraph has a node per task, data edges in the order of reading, and nested bodies below their control task."""

from pathlib import Path

import networkx as nx
from hypothesis import HealthCheck, given, settings

from orchestrator.functions import load_file
from orchestrator.graph import Graph, walk
from orchestrator.graph_networkx import DATA, INSIDE, OUTPUT_NODE, RESULT, to_networkx
from tests.orchestrator.random_graphs import graphs

SAMPLE = load_file(Path(__file__).with_name("agents_sample.py"))


def edges(drawing: nx.MultiDiGraph, kind: str) -> list[tuple[str, str]]:
    return [(source, target) for source, target, found in drawing.edges(data="kind") if found == kind]


def test_data_edges_carry_input_and_order() -> None:
    drawing = to_networkx(SAMPLE.agents["assistant"].trace())
    reads = [(source, data) for source, _, data in drawing.in_edges("answer", data=True) if data["kind"] == DATA]
    assert sorted((data["order"], source, data["input"]) for source, data in reads) == [
        (0, "question", "inputs.question"),
        (1, "gather", "inputs.docs"),
    ]
    assert {source for source, target in edges(drawing, DATA) if target == OUTPUT_NODE} == {
        "revise_loop",
        "browse_react",
        "merge",
    }


def test_nodes_know_their_task_and_where_they_stand() -> None:
    graph = SAMPLE.agents["assistant"].trace()
    drawing = to_networkx(graph)
    assert drawing.graph["graph"] is graph
    assert drawing.nodes["question"] == {"role": "input"}
    search = drawing.nodes["gather/search"]
    assert (search["role"], search["kind"], search["inside"], search["body"]) == (
        "task",
        "tool",
        "gather/search_fanout",
        "body",
    )
    assert search["task"].name == "search"
    assert drawing.nodes["gather/recall"]["body"] == "else"
    assert drawing.nodes["calculate"]["inside"] == "browse_react"
    assert drawing.nodes["revise_loop_value"]["role"] == "parameter"


def test_bodies_hang_below_their_control_task_and_give_it_their_result() -> None:
    drawing = to_networkx(SAMPLE.agents["gather"].trace())
    inside = edges(drawing, INSIDE)
    assert ("plan_when", "search_fanout") in inside
    assert ("search_fanout", "search") in inside
    assert edges(drawing, RESULT) == [("search", "search_fanout"), ("flatten", "plan_when"), ("recall", "plan_when")]


@given(graphs())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_random_graphs_have_a_node_per_task_and_no_cycle_of_data(graph: Graph) -> None:
    drawing = to_networkx(graph)
    tasks = [data["task"] for _, data in drawing.nodes(data=True) if data["role"] == "task"]
    assert len(tasks) == len(list(walk(graph.body)))
    assert nx.is_directed_acyclic_graph(nx.DiGraph(edges(drawing, DATA)))
    inside = edges(drawing, INSIDE)
    assert not inside or nx.is_forest(nx.DiGraph(inside))
