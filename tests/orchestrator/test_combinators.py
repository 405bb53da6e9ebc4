"""Combinators record one task each, with bounds that are checked where they are written."""

import pytest

from orchestrator.errors import TraceError
from orchestrator.graph import FanoutTask, InterruptTask, LoopTask, ObserveTask, ReactTask, WhenTask

STEPS = """
@compute(latency=0)
def get(x: object = None) -> Any: ...

@compute(latency=0)
def better(x: object) -> Any: ...

@llm(model="m", max_tokens=9)
def ask(q: str) -> str: return q

@llm(model="m", max_tokens=9)
def ask_two(q: str, n: int, style: str = "plain") -> str: return q
"""
FIRST = 2 + STEPS.count("\n")  # the line of `@agent`


def traced(written, *lines):
    body = "\n".join(f"    {line}" for line in lines)
    return written(f"{STEPS}@agent\ndef a(q: str, n: int):\n{body}\n").agents["a"].trace()


def only(graph, kind):
    (task,) = [task for task in graph.body.tasks if isinstance(task, kind)]
    return task


def test_when_records_both_branches(written) -> None:
    graph = traced(written, "x = get(q)", "return when(x.ok, lambda: get(x), lambda: better(q), p=0.25)")
    task = only(graph, WhenTask)
    assert (task.id, task.condition, task.p, task.where) == ("get_when", "get.ok", 0.25, f"agents.py:{FIRST + 3}")
    assert [t.id for t in task.then.tasks] == ["get_2"]
    assert (task.then.result, task.orelse.result, graph.body.result) == ("get_2", "better", "get_when")
    assert (task.then.parameters, task.orelse.parameters) == ((), ())


def test_when_without_probability_or_else(written) -> None:
    task = only(traced(written, "return when(n > 1, lambda: get(q))"), WhenTask)
    assert (task.p, task.orelse.tasks, task.orelse.result) == (None, (), "None")


def test_when_takes_a_decorated_function_and_a_constant_condition(written) -> None:
    task = only(traced(written, "return [q, when(True, get, lambda: 3)]"), WhenTask)
    assert (task.id, task.condition, task.then.tasks[0].inputs, task.orelse.result) == ("when", "True", {}, "3")


def test_loop_records_body_and_predicate(written) -> None:
    graph = traced(written, "return loop(better, get(q), until=lambda d: d.score > 0.9, max_iters=3, expect=1.4)")
    task = only(graph, LoopTask)
    assert (task.id, task.init, task.max_iters, task.expect) == ("better_loop", "get", 3, 1.4)
    assert task.body.parameters == ("better_loop_value",)
    assert task.until == "better_loop_value.score > 0.9"
    assert task.body.tasks[0].inputs == {"x": "better_loop_value"}
    assert (task.body.result, graph.body.result) == ("better", "better_loop")


def test_loop_may_read_outer_values_and_expects_the_cap_by_default(written) -> None:
    task = only(
        traced(
            written, "x = get(q)", "return loop(lambda v: get([v, x]), 0, until=lambda v: v > x.limit, max_iters=2)"
        ),
        LoopTask,
    )
    assert (task.id, task.expect, task.until) == ("loop", 2.0, "loop_value > get.limit")
    assert task.body.tasks[0].inputs == {"x": "[loop_value, get]"}


def test_fanout_records_its_bounds(written) -> None:
    graph = traced(
        written, "return fanout(better, get(q).items, max=8, expect=2.5, overflow='truncate', on_error='collect')"
    )
    task = only(graph, FanoutTask)
    assert (task.id, task.items, task.max, task.expect) == ("better_fanout", "get.items", 8, 2.5)
    assert (task.overflow, task.on_error) == ("truncate", "collect")
    assert (task.body.parameters, task.body.result) == (("better_fanout_item",), "better")


def test_fanout_over_a_written_list(written) -> None:
    task = only(traced(written, "return fanout(lambda x: better(x), [q, n, 3], max=3)"), FanoutTask)
    assert (task.id, task.items, task.expect, task.overflow, task.on_error) == (
        "fanout",
        "[q, n, 3]",
        3.0,
        "error",
        "fail",
    )


def test_react_records_its_model_and_tools(written) -> None:
    graph = traced(written, "return react(ask, [get, better.options(latency='1s')], q, max_turns=5, expect=2)")
    task = only(graph, ReactTask)
    assert (task.id, task.max_turns, task.expect, task.llm.id, task.llm.inputs) == (
        "ask_react",
        5,
        2.0,
        "ask",
        {"q": "q"},
    )
    assert [(tool.id, tool.inputs, tool.prior.latency_s) for tool in task.tools] == [
        ("get", {}, 0.0),
        ("better", {}, 1.0),
    ]
    assert graph.body.result == "ask_react"


def test_react_with_several_arguments(written) -> None:
    task = only(traced(written, "return react(ask_two, [], {'q': q, 'n': n}, max_turns=1)"), ReactTask)
    assert (task.llm.inputs, task.expect) == ({"q": "q", "n": "n"}, 1.0)


def test_observe_and_interrupt(written) -> None:
    graph = traced(written, "x = observe(get(q))", "return interrupt({'about': x.title})")
    assert only(graph, ObserveTask).value == "get"
    assert only(graph, InterruptTask).question == "{'about': observe.title}"
    assert graph.body.result == "interrupt"


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("when(n > 1, lambda: get(q), lambda: q, p=1.5)", "when: p=1.5"),
        ("when(n > 1, lambda: get(q), lambda: q, p=-0.1)", "when: p=-0.1"),
        ("when(n > 1, lambda: get(q), lambda: q, p='half')", "when: p='half'"),
        ("when(n > 1, get(q), lambda: q)", "then is the value of a call, not a function"),
        ("when(n > 1, lambda: q, 3)", "else_ is 3, not a function"),
        ("when(n > 1, lambda x: x, lambda: q)", "the `then` of when is called with no value"),
        ("loop(get, q, until=lambda v: v, max_iters=0)", "max_iters=0"),
        ("loop(get, q, until=lambda v: v, max_iters=-1)", "max_iters=-1"),
        ("loop(get, q, until=lambda v: v, max_iters=2.0)", "max_iters=2.0"),
        ("loop(get, q, until=lambda v: v, max_iters=True)", "max_iters=True"),
        ("loop(get, q, until=lambda v: v, max_iters=n)", "max_iters=the value of a call"),
        ("loop(get, q, until=lambda v: v, max_iters=2, expect=3)", "expect=3 with max_iters=2"),
        ("loop(get, q, until=lambda v: v, max_iters=2, expect=-1)", "expect=-1 with max_iters=2"),
        ("loop(get(q), q, until=lambda v: v, max_iters=2)", "body is the value of a call"),
        ("loop(get, q, until=n > 1, max_iters=2)", "until is the value of a call"),
        ("loop(lambda v: None, q, until=lambda v: v, max_iters=2)", "the body of loop returns nothing"),
        ("loop(get, q, until=lambda v: None, max_iters=2)", "the `until` of loop returns nothing"),
        ("loop(get, q, until=lambda: True, max_iters=2)", "the `until` of loop is called with 1 value"),
        ("loop(get, q, until=lambda v: get(v).ok, max_iters=2)", "calls 'get', but a predicate may only read"),
        ("loop(get, q, until=lambda v: when(v, get, get), max_iters=2)", "calls 'when', but a predicate"),
        ("fanout(get, q, max=0)", "max=0"),
        ("fanout(get, q, max=2, expect=2.5)", "expect=2.5 with max=2"),
        ("fanout(get, q, max=2, expect=float('nan'))", "expect=nan with max=2"),
        ("fanout(get, q, max=2, overflow='drop')", "overflow='drop'"),
        ("fanout(get, q, max=2, on_error='ignore')", "on_error='ignore'"),
        ("fanout(get(q), q, max=2)", "fn is the value of a call"),
        ("fanout(lambda x: None, q, max=2)", "the body of fanout returns nothing"),
        ("fanout(lambda x, y: x, q, max=2)", "the body of fanout is called with 1 value"),
        ("react(ask, [get], q, max_turns=0)", "max_turns=0"),
        ("react(ask, [get], q, max_turns=2, expect=3)", "expect=3 with max_turns=2"),
        ("react(get, [get], q, max_turns=2)", "is no @llm function"),
        ("react(ask, [ask], q, max_turns=2)", "is not a decorated function"),
        ("react(ask, [len], q, max_turns=2)", "is not a decorated function"),
        ("react(ask, [get, get], q, max_turns=2)", "two tools are named 'get'"),
        ("react(ask_two, [get], q, max_turns=2)", "takes 3 arguments"),
        ("react(ask_two, [get], {'q': q}, max_turns=2)", "takes 3 arguments"),
        ("react(ask_two, [get], {'q': q, 'n': 1, 'z': 2}, max_turns=2)", "takes 3 arguments"),
    ],
)
def test_a_wrong_argument_names_the_line(written, call: str, problem: str) -> None:
    with pytest.raises(TraceError) as caught:
        traced(written, f"return {call}")
    assert problem in str(caught.value)
    assert caught.value.remedy
    assert caught.value.where == f"agents.py:{FIRST + 2}"


@pytest.mark.parametrize(
    "call",
    [
        "when(True, lambda: 1, lambda: 2, p=2)",
        "loop(get, 1, until=lambda v: True, max_iters=0)",
        "fanout(get, [], max=-1)",
        "react(ask, [], 'q', max_turns=1, expect=9)",
    ],
)
def test_bounds_are_checked_in_ordinary_calls_too(written, call: str) -> None:
    module = written(STEPS).module
    with pytest.raises(TraceError, match=r"p=2|max_iters=0|max=-1|expect=9"):
        eval(call, vars(module))
