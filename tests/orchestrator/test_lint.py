"""Legal graphs that are probably not meant so get remarks with the author's line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from orchestrator.functions import load_file
from orchestrator.graph import Graph
from orchestrator.lint import lint
from tests.orchestrator.random_graphs import graphs

SAMPLE = load_file(Path(__file__).with_name("agents_sample.py"))

STEPS = """
@compute(latency=0)
def get(x: object = None) -> Any: ...

@tool(latency=0)
def send(x: object) -> Any: ...

@memory(latency=0, op="store")
def keep(x: object) -> Any: ...
"""


@pytest.mark.parametrize("name", SAMPLE.agents)
def test_the_sample_is_clean(name: str) -> None:
    assert lint(SAMPLE.agents[name].trace()) == ()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("get(q)\n    return get(1)", [("unused-task", "get")]),
        ("send(q)\n    keep(q)\n    observe(q)\n    interrupt(q)\n    return q", []),
        ("fanout(lambda x: send(x), [q], max=1)\n    return q", []),
        ("fanout(get, [q], max=1)\n    return q", [("unused-task", "get_fanout")]),
        ("return when(True, get, lambda: q)", [("constant-condition", "when")]),
        ("return when(q, lambda: 1, lambda: 1)", [("same-branches", "q_when")]),
        ("return loop(get, q, until=lambda v: True, max_iters=2)", [("constant-condition", "get_loop")]),
        ("return loop(get, q, until=lambda v: False, max_iters=2)", []),
        ("return loop(lambda v: v + 1, q, until=lambda v: v > 2, max_iters=2)", [("empty-body", "loop")]),
        ("return inner(q)", [("unused-task", "get")]),
        ("x = get(q)\n    return loop(lambda v: get(v), 1, until=lambda v: v > x, max_iters=2)", []),
    ],
)
def test_remarks(written, body: str, found: list[tuple[str, str]]) -> None:
    inner = "@agent\ndef inner(q: int):\n    get(q)\n    return q\n"
    graph = written(f"{STEPS}{inner}@agent\ndef a(q: int):\n    {body}\n").agents["a"].trace()
    remarks = lint(graph)
    assert [(remark.rule, remark.task) for remark in remarks] == found
    assert all(remark.where.startswith("agents.py:") and remark.task in remark.message for remark in remarks)


@given(graphs())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_random_graphs_can_be_linted(graph: Graph) -> None:
    assert all(remark.message for remark in lint(graph))
