"""A trace gives unique ids, lets a body read only what exists there, and ends with the author's first mistake."""

import keyword
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.expression import is_name
from orchestrator.errors import TraceError
from orchestrator.graph import walk
from orchestrator.tracing import Trace, current, tracing

STEPS = """
@compute(latency=0)
def get(x: object = None) -> Any: ...

@compute(latency=0)
def get_2(x: object) -> Any: ...

@compute(latency=0)
def _hidden(x: object) -> Any: ...

@compute(latency=0)
def write_render(x: object) -> Any: ...

@llm(model="m", max_tokens=9)
def write(q: object) -> str: return str(q)
"""


def traced(written, *lines, parameters="q: str"):
    body = "\n".join(f"    {line}" for line in lines)
    return written(f"{STEPS}@agent\ndef a({parameters}):\n{body}\n").agents["a"].trace()


def test_ids_are_unique_also_against_parameters_and_operators(written) -> None:
    graph = traced(
        written,
        "x = [get(), get(), get_2(1), get(), _hidden(q), write_render(q), write(q), write(q), write_render(q)]",
        "return loop(get_2, get(x), until=lambda v: v.ok, max_iters=2)",
        parameters="q, get_3",
    )
    ids = [task.id for task in walk(graph.body)]
    assert len(set(ids)) == len(ids)
    assert ids[:9] == [
        "get",
        "get_2",
        "get_2_2",
        "get_4",
        "hidden",
        "write_render",
        "write_2",
        "write_3",
        "write_render_2",
    ]
    assert [task.name for task in graph.body.tasks[:5]] == ["get", "get", "get_2", "get", "_hidden"]


def test_values_of_an_inner_body_do_not_exist_outside(written) -> None:
    fan = "fanout(lambda x: kept.append(get(x)) or kept[0], [q], max=1)"
    with pytest.raises(TraceError, match="'get' was made inside another body and does not exist here") as caught:
        traced(written, "kept = []", fan, "return kept[0]")
    assert "return it from that body" in caught.value.remedy


def test_the_branches_of_when_do_not_see_each_other(written) -> None:
    branches = "lambda: kept.append(get(q)) or kept[0], lambda: get_2(kept[0])"
    with pytest.raises(TraceError, match="made inside another body"):
        traced(written, "kept = []", f"return when(q == 'x', {branches})")


def test_an_inner_body_reads_outer_values(written) -> None:
    fan = "fanout(lambda i: when(i == x, lambda: get([q, x, i]), lambda: x), [1], max=1)"
    graph = traced(written, "x = get(q)", f"return {fan}")
    inner = graph.body.tasks[1].body.tasks[0].then.tasks[0]
    assert inner.inputs == {"x": "[q, get, fanout_item]"}


def test_arguments_are_bound_to_parameters(written) -> None:
    text = """
    @compute(latency=0)
    def many(first, /, second=2, *rest, flag=False, **more) -> Any: ...

    @agent
    def a(q: str):
        many(q)
        many(q, q, 3, [q], flag=True, colour=q, size=2)
        return many(1, second=q)
    """
    tasks = written(text).agents["a"].trace().body.tasks
    assert [task.inputs for task in tasks] == [
        {"first": "q"},
        {"first": "q", "second": "q", "rest": "[3, [q]]", "flag": "True", "more": "{'colour': q, 'size': 2}"},
        {"first": "1", "second": "q"},
    ]


def test_a_call_that_does_not_fit_the_signature_names_the_line(written) -> None:
    with pytest.raises(TraceError, match=r"does not fit get\(x: 'object' = None\)|does not fit get") as caught:
        written(f"{STEPS}@agent\ndef a(q: str):\n    return get(q, 2)\n").agents["a"].trace()
    assert caught.value.where == f"agents.py:{STEPS.count(chr(10)) + 4}"


def test_the_trace_is_the_threads_own() -> None:
    seen: list[Trace | None] = []
    with tracing(Trace("a")):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
        assert current() is not None
    assert seen == [None]
    assert current() is None


def test_the_first_failure_is_raised_even_when_swallowed() -> None:
    def body() -> None:
        with tracing(trace):
            for problem in ("first", "second"):
                with pytest.raises(TraceError):
                    trace.fail(problem, "remedy")

    trace = Trace("a")
    with pytest.raises(TraceError, match="first"):
        body()


@given(st.lists(st.text(min_size=1, max_size=6) | st.sampled_from(["class", "_", "__x", "a", "a_2"]), max_size=12))
def test_any_names_become_distinct_public_identifiers(wanted: list[str]) -> None:
    trace = Trace("a")
    given_ids = [trace.unique(name) for name in wanted]
    assert len(set(given_ids)) == len(given_ids)
    assert all(is_name(name) and not keyword.iskeyword(name) for name in given_ids)
