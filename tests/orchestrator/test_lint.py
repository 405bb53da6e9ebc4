"""Legal graphs that are probably not meant so get remarks with the author's line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from orchestrator.functions import load_file
from orchestrator.graph import Graph, LlmTask
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


STREAMS = """
@llm(model="m", max_tokens=9, tokens_out=8, stream=True{items})
def say(x: str){returns}: return x

@agent
def a(q: str): return say(q)
"""


@pytest.mark.parametrize(
    ("items", "returns", "expected"),
    [("", " -> str", 8.0), (", items=3", "", 3.0), ("", " -> list[str]", None), (", items=3", " -> int", None)],
)
def test_a_text_streams_in_its_tokens_and_any_other_answer_as_a_whole(
    written, items: str, returns: str, expected: float | None
) -> None:
    graph = written(STREAMS.format(items=items, returns=returns)).agents["a"].trace()
    (task,) = graph.body.tasks
    assert isinstance(task, LlmTask)
    assert task.execution.items == expected
    assert [remark.rule for remark in lint(graph)] == ([] if expected else ["whole-stream"])


@pytest.mark.parametrize(
    ("decorator", "message"),
    [
        ("@tool(latency=0, stream=True, items=3)", "the value of a user's function is handed on as a whole"),
        ("@model(model='m', audio_s=1, stream=True)", "nothing says in how many items its value comes; write items="),
        ("@model(model='m', audio_s=1, stream=True, items=3)", ""),
    ],
)
def test_a_stream_without_effect_is_remarked(written, decorator: str, message: str) -> None:
    text = f"{decorator}\ndef f(x: str) -> str:\n    return x\n\n@agent\ndef a(q: str): return f(q)\n"
    remarks = lint(written(text).agents["a"].trace())
    assert [remark.message.partition("no effect: ")[2] for remark in remarks] == ([message] if message else [])


@given(graphs())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_random_graphs_can_be_linted(graph: Graph) -> None:
    assert all(remark.message for remark in lint(graph))
