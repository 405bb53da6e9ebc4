"""Every rule of a graph, broken once: the message names the place, the value and what to do."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from ir.sla import Sla
from orchestrator.errors import GraphError
from orchestrator.graph import (
    AgentTask,
    Body,
    CallTask,
    Degrade,
    Execution,
    FanoutTask,
    FunctionRef,
    Graph,
    InterruptTask,
    LlmTask,
    LoopTask,
    ModelTask,
    ObserveTask,
    Prefix,
    Prior,
    ReactTask,
    Task,
    WhenTask,
)
from orchestrator.graph_check import check_graph
from tests.orchestrator.random_graphs import graphs

REF = FunctionRef("agents.py", "f", "0" * 64)


def graph(*tasks: Task, result: str = "q", **changes: Any) -> Graph:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    whole = Graph("a", REF, Body(("q",), tasks, result), None, schema, {})
    return replace(whole, **changes)


def call(id: str = "c", **changes: Any) -> CallTask:
    return CallTask(
        **{"id": id, "name": id, "kind": "tool", "function": REF, "inputs": {}, "prior": Prior(), **changes}
    )


def llm(name: str = "m", **changes: Any) -> LlmTask:
    return LlmTask(
        **{
            "id": name,
            "name": name,
            "function": REF,
            "inputs": {},
            "models": ("m",),
            "max_tokens": 9,
            "tokens_in": None,
            "tokens_out": None,
            **changes,
        }
    )


def model(**changes: Any) -> ModelTask:
    return ModelTask(
        **{"id": "e", "name": "e", "function": REF, "inputs": {}, "models": ("m",), "tokens": 3.0, **changes}
    )


def loop(**changes: Any) -> LoopTask:
    body = Body(("v",), (), "v")
    whole = {"init": "q", "until": "v", "body": body, "max_iters": 2, "expect": 1.0}
    return LoopTask(**{"id": "l", "name": "loop", **whole, **changes})


def fanout(**changes: Any) -> FanoutTask:
    return FanoutTask(
        **{"id": "f", "name": "fanout", "items": "q", "body": Body(("i",), (), "i"), "max": 2, "expect": 1.0, **changes}
    )


def when(**changes: Any) -> WhenTask:
    empty = Body((), (), "q")
    return WhenTask(
        **{"id": "w", "name": "when", "condition": "q", "p": 0.5, "then": empty, "orelse": empty, **changes}
    )


def react(*tools: CallTask, **changes: Any) -> ReactTask:
    return ReactTask(
        **{"id": "r", "name": "react", "llm": llm(), "tools": tools, "max_turns": 2, "expect": 1.0, **changes}
    )


def nested(**changes: Any) -> AgentTask:
    return AgentTask(**{"id": "n", "name": "a", "inputs": {"q": "q"}, "graph": graph(), **changes})


@given(graphs())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_random_graphs_keep_every_rule(random_graph: Graph) -> None:
    check_graph(random_graph)


def test_one_of_each_task_keeps_every_rule() -> None:
    check_graph(graph(call(), llm(), model(), loop(), fanout(), when(), nested(), result="[c, m, e, l, f, w, n]"))
    check_graph(graph(react(call())))


NAN, INF = float("nan"), float("inf")
PURE = Execution(idempotent=True, pure=True)

BROKEN: list[tuple[Callable[[], Graph], str, str]] = [
    (lambda: graph(name="a b"), "name", "'a b' is no identifier"),
    (lambda: graph(name="class"), "name", "'class' is no identifier"),
    (lambda: graph(call("1x")), "body.tasks[0].id", "'1x' is no public identifier"),
    (lambda: graph(call("_x")), "body.tasks[0].id", "'_x' is no public identifier"),
    (lambda: graph(call(), call()), "body.tasks[1].id", "'c' is taken by body.tasks[0].id"),
    (lambda: graph(call("q")), "body.tasks[0].id", "'q' is taken by body.parameters[0]"),
    (lambda: graph(call("m_render"), llm()), "body.tasks[1].id", "'m_render' is taken"),
    (lambda: graph(llm(), call("m_decode")), "body.tasks[1].id", "'m_decode' is taken"),
    (lambda: graph(call(), fanout(body=Body(("i",), (call(),), "i"))), "body.tasks[1].body.tasks[0].id", "is taken"),
    (lambda: graph(fanout(body=Body(("q",), (), "q"))), "body.tasks[0].body.parameters[0]", "is taken"),
    (lambda: graph(call(inputs={"x": "later"}), call("later")), "body.tasks[0].inputs.x", "'later', which comes later"),
    (lambda: graph(call(inputs={"x": "c"})), "body.tasks[0].inputs.x", "is the task itself: a cycle"),
    (lambda: graph(loop(init="l")), "body.tasks[0].init", "a cycle"),
    (lambda: graph(loop(body=Body(("v",), (), "l"))), "body.tasks[0].body.result", "a cycle"),
    (lambda: graph(call(inputs={"x": "ghost"})), "body.tasks[0].inputs.x", "'ghost', which does not exist here"),
    (lambda: graph(result="ghost"), "body.result", "'ghost'"),
    (lambda: graph(fanout(body=Body(("i",), (call(),), "c")), result="c"), "body.result", "'c', which does not exist"),
    (lambda: graph(fanout(items="i")), "body.tasks[0].items", "'i', which does not exist here"),
    (lambda: graph(loop(until="later"), call("later")), "body.tasks[0].until", "a cycle"),
    (lambda: graph(when(condition="ghost")), "body.tasks[0].condition", "'ghost'"),
    (lambda: graph(nested(graph=graph(result="outside"))), "body.tasks[0].graph.body.result", "'outside'"),
    (lambda: graph(react(llm=llm(inputs={"x": "ghost"}))), "body.tasks[0].llm.inputs.x", "'ghost'"),
    (lambda: graph(ObserveTask(id="o", name="o", value="ghost")), "body.tasks[0].value", "'ghost'"),
    (lambda: graph(InterruptTask(id="o", name="o", question="ghost")), "body.tasks[0].question", "'ghost'"),
    (lambda: graph(call(inputs={"x": "import os"})), "body.tasks[0].inputs.x", "not an expression"),
    (lambda: graph(call(inputs={"x": "q.__class__"})), "body.tasks[0].inputs.x", "public"),
    (lambda: graph(call(inputs={"x": "open('f')"})), "body.tasks[0].inputs.x", "not allowed"),
    (lambda: graph(loop(body=Body((), (), "q"))), "body.tasks[0].body.parameters", "has 0 names"),
    (lambda: graph(fanout(body=Body(("i", "j"), (), "i"))), "body.tasks[0].body.parameters", "has 2 names"),
    (lambda: graph(when(then=Body(("x",), (), "q"))), "body.tasks[0].then.parameters", "has 1 names"),
    (lambda: graph(nested(inputs={})), "body.tasks[0].inputs", "are none"),
    (lambda: graph(nested(inputs={"q": "q", "z": "q"})), "body.tasks[0].inputs", "are q, z"),
    (lambda: graph(react(call(inputs={"x": "q"}))), "body.tasks[0].tools[0].inputs", "is not empty"),
    (lambda: graph(react(call(), call("d", name="c"))), "body.tasks[0].tools[1].name", "'c' is the name of two tools"),
    (lambda: graph(react(call("m"))), "body.tasks[0].tools[0].id", "is taken"),
    (lambda: graph(llm(models=())), "body.tasks[0].models", "is []"),
    (lambda: graph(llm(models=("m", "m"))), "body.tasks[0].models", "is ['m', 'm']"),
    (lambda: graph(llm(models=(" ",))), "body.tasks[0].models", "is [' ']"),
    (lambda: graph(llm(max_tokens=0)), "body.tasks[0].max_tokens", "is 0"),
    (lambda: graph(llm(tokens_in=-1.0)), "body.tasks[0].tokens_in", "is -1.0"),
    (lambda: graph(llm(tokens_in=INF)), "body.tasks[0].tokens_in", "is inf"),
    (lambda: graph(llm(tokens_out=10.0)), "body.tasks[0].tokens_out", "is 10.0"),
    (lambda: graph(llm(prefix=Prefix(0, "0" * 64))), "body.tasks[0].prefix.tokens", "is 0"),
    (
        lambda: graph(llm(prefix=Prefix(8, "0" * 64), tokens_in=7.0)),
        "body.tasks[0].prefix.tokens",
        "more than tokens_in, 7",
    ),
    (lambda: graph(llm(prefix=Prefix(8, "0a"))), "body.tasks[0].prefix.sha256", "is '0a'"),
    (lambda: graph(call(prior=Prior(latency_s=-1.0))), "body.tasks[0].prior.latency_s", "is -1.0"),
    (lambda: graph(call(prior=Prior(latency_s=NAN))), "body.tasks[0].prior.latency_s", "is nan"),
    (lambda: graph(call(prior=Prior(latency_sd_s=INF))), "body.tasks[0].prior.latency_sd_s", "is inf"),
    (lambda: graph(call(prior=Prior(cost_usd=-1.0))), "body.tasks[0].prior.cost_usd", "is -1.0"),
    (lambda: graph(call(prior=Prior(tokens_out=-1.0))), "body.tasks[0].prior.tokens_out", "is -1.0"),
    (lambda: graph(call(prior=Prior(latency_s=1.0, cpu_s=2.0))), "body.tasks[0].prior.cpu_s", "is 2.0"),
    (lambda: graph(call(prior=Prior(cpu_s=0.0))), "body.tasks[0].prior.cpu_s", "is 0.0"),
    (lambda: graph(call(execution=Execution(timeout_s=0.0))), "body.tasks[0].execution.timeout_s", "is 0"),
    (lambda: graph(call(execution=Execution(timeout_s=-1.0))), "body.tasks[0].execution.timeout_s", "is -1.0"),
    (lambda: graph(call(execution=Execution(retries=1))), "body.tasks[0].execution.retries", "without idempotent"),
    (lambda: graph(call(execution=Execution(items=3.0))), "body.tasks[0].execution.items", "is 3.0"),
    (lambda: graph(call(execution=Execution(stream=True, items=1.0))), "body.tasks[0].execution.items", "is 1.0"),
    (lambda: graph(call(execution=Execution(retries=-1))), "body.tasks[0].execution.retries", "is -1"),
    (lambda: graph(call(execution=Execution(pure=True))), "body.tasks[0].execution.pure", "without idempotent"),
    (lambda: graph(llm(execution=PURE)), "body.tasks[0].execution.pure", "is true"),
    (lambda: graph(call(kind="memory", op="store", execution=PURE)), "body.tasks[0].execution.pure", "is true"),
    (lambda: graph(call(kind="memory")), "body.tasks[0].op", "is None on a memory task"),
    (lambda: graph(call(op="load")), "body.tasks[0].op", "is 'load' on a tool task"),
    (lambda: graph(call(kind="memory", op="store", k=1)), "body.tasks[0].k", "is 1 with op 'store'"),
    (lambda: graph(call(kind="memory", op="lookup", k=0)), "body.tasks[0].k", "is 0"),
    (lambda: graph(model(tokens=None)), "body.tasks[0]", "the size of the input is"),
    (lambda: graph(model(images=1.0)), "body.tasks[0]", "the size of the input is"),
    (lambda: graph(model(tokens=-1.0)), "body.tasks[0].tokens", "is -1.0"),
    (lambda: graph(when(p=1.5)), "body.tasks[0].p", "is 1.5"),
    (lambda: graph(when(p=NAN)), "body.tasks[0].p", "is nan"),
    (lambda: graph(loop(max_iters=0)), "body.tasks[0].max_iters", "is 0"),
    (lambda: graph(loop(expect=2.5)), "body.tasks[0].expect", "is 2.5"),
    (lambda: graph(fanout(max=-1)), "body.tasks[0].max", "is -1"),
    (lambda: graph(fanout(expect=-0.5)), "body.tasks[0].expect", "is -0.5"),
    (lambda: graph(react(max_turns=0)), "body.tasks[0].max_turns", "is 0"),
    (lambda: graph(react(expect=3.0)), "body.tasks[0].expect", "is 3.0"),
    (lambda: graph(sla=Sla("p95", 0.0)), "sla.limit_s", "is 0.0"),
    (lambda: graph(first_output=Sla("p95", NAN)), "first_output.limit_s", "is nan"),
    (lambda: graph(degrade=Degrade(max_iters=0)), "degrade.max_iters", "is 0"),
    (lambda: graph(input_schema={}), "input_schema.properties", "does not describe"),
    (lambda: graph(input_schema={"properties": 5}), "input_schema.properties", "does not describe"),
    (lambda: graph(input_schema={"properties": {"q": 5}}), "input_schema.properties", "does not describe"),
    (lambda: graph(input_schema={"properties": {"q": {}}, "required": 3}), "input_schema.required", "is [3]"),
    (lambda: graph(input_schema={"properties": {"q": {}}, "required": ["z"]}), "input_schema.required", "is ['z']"),
]


@pytest.mark.parametrize(
    ("make", "where", "problem"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_broken_rule_names_its_place(make: Callable[[], Graph], where: str, problem: str) -> None:
    with pytest.raises(GraphError) as caught:
        check_graph(make())
    assert (caught.value.where, problem in caught.value.problem) == (where, True), str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"source": "/etc/agent.py"}, "function.source"),
        ({"source": "../agent.py"}, "function.source"),
        ({"source": "a/../../agent.py"}, "function.source"),
        ({"source": "a\\agent.py"}, "function.source"),
        ({"source": "agent.txt"}, "function.source"),
        ({"source": "a\0.py"}, "function.source"),
        ({"source": ""}, "function.source"),
        ({"source": "module:"}, "function.source"),
        ({"source": "module:a b"}, "function.source"),
        ({"source": "./agent.py"}, "function.source"),
        ({"qualname": "f.g"}, "function.qualname"),
        ({"qualname": "<lambda>"}, "function.qualname"),
        ({"sha256": "abc"}, "function.sha256"),
        ({"sha256": "G" * 64}, "function.sha256"),
    ],
)
def test_a_hostile_function_reference_is_refused(change: dict[str, str], where: str) -> None:
    ref = replace(REF, **change)
    with pytest.raises(GraphError) as caught:
        check_graph(graph(function=ref))
    assert caught.value.where == where
    with pytest.raises(GraphError) as caught:
        check_graph(graph(call(function=ref)))
    assert caught.value.where == f"body.tasks[0].{where}"


def test_private_modules_and_functions_may_be_named() -> None:
    check_graph(graph(function=replace(REF, source="module:_pkg.__main__", qualname="_f")))


def test_every_field_of_a_task_is_known_to_this_test() -> None:
    """A new field needs a rule: this list says which fields were thought of."""
    known = {field.name for kind in (LlmTask, CallTask, ModelTask, Prior, Execution, Graph) for field in fields(kind)}
    assert known == {
        *("id", "name", "where", "kind", "function", "inputs", "models", "max_tokens", "tokens_in", "tokens_out"),
        *(
            "prefix",
            "execution",
            "prior",
            "op",
            "k",
            "audio_s",
            "tokens",
            "images",
            "latency_s",
            "latency_sd_s",
            "cpu_s",
        ),
        *(
            "cost_usd",
            "timeout_s",
            "retries",
            "idempotent",
            "stream",
            "items",
            "pure",
            "body",
            "sla",
            "input_schema",
            "output_schema",
        ),
        *("description", "degrade", "first_output", "format"),
    }
