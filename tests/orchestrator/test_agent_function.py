"""An agent's body becomes a graph once; nested agents keep theirs; what can have no graph is refused."""

import threading
from pathlib import Path

import pytest

from ir.sla import Sla
from orchestrator.errors import DecorationError, TraceError
from orchestrator.functions import load_file
from orchestrator.graph import AgentTask, Degrade, Graph, walk

SAMPLE = load_file(Path(__file__).with_name("agents_sample.py"))

STEPS = """
@compute(latency=0)
def get(x: object = None) -> int: ...
"""


def test_the_sample_holds_every_kind_of_task() -> None:
    tasks = [task for agent in SAMPLE.agents.values() for task in walk(agent.trace().body)]
    kinds = {task.kind for task in tasks}
    assert kinds == {
        *(
            "llm",
            "tool",
            "memory",
            "compute",
            "model",
            "agent",
            "when",
            "loop",
            "fanout",
            "react",
            "observe",
            "interrupt",
        )
    }


def test_the_graph_keeps_what_the_decorator_said() -> None:
    graph = SAMPLE.agents["assistant"].trace()
    assert (graph.name, graph.description) == ("assistant", "Answers a question with sources.")
    assert (graph.sla, graph.first_output) == (Sla("p95", 6.0), Sla("worst", 1.0))
    assert graph.degrade == Degrade(max_iters=1)
    assert (graph.function.source, graph.function.qualname) == ("tests/orchestrator/agents_sample.py", "assistant")


@pytest.mark.parametrize(
    ("stated", "whole", "first"),
    [
        ({"p95": "4s", "first_output_p95": "1s"}, Sla("p95", 4.0), Sla("p95", 1.0)),
        ({"first_output_mean": "1s"}, None, Sla("mean", 1.0)),
        ({"mean": "4s"}, Sla("mean", 4.0), None),
    ],
)
def test_the_sla_may_limit_the_first_output_too(
    written, stated: dict[str, str], whole: Sla | None, first: Sla | None
) -> None:
    file = written(f"@agent(sla={stated!r})\ndef echo(text: str) -> str:\n    return text\n")
    graph = file.agents["echo"].trace()
    assert (graph.sla, graph.first_output) == (whole, first)


def test_schemas_come_from_the_annotations() -> None:
    graph = SAMPLE.agents["gather"].trace()
    assert graph.input_schema["required"] == ["question"]
    assert graph.input_schema["properties"]["hard"] == {"default": False, "title": "Hard", "type": "boolean"}
    assert graph.input_schema["additionalProperties"] is False
    assert graph.output_schema["type"] == "array"
    assert set(graph.output_schema["$defs"]["Doc"]["properties"]) == {"title", "text"}


def test_a_nested_agent_is_one_task_with_the_inner_graph_and_all_its_inputs(written) -> None:
    file = written(
        f"""{STEPS}
@agent
def inner(a: int, b: int = 7, *, c: str = "x") -> int:
    return get([a, b, c])

@agent
def outer(q: int) -> int:
    return inner(inner(q), c=get(q))
"""
    )
    first, _, second = file.agents["outer"].trace().body.tasks
    assert isinstance(first, AgentTask)
    assert isinstance(second, AgentTask)
    assert (first.id, first.inputs) == ("inner", {"a": "q", "b": "7", "c": "'x'"})
    assert (second.id, second.inputs) == ("inner_2", {"a": "inner", "b": "7", "c": "get"})
    assert first.graph is second.graph is file.agents["inner"].trace()


def test_the_trace_is_made_once_even_by_several_threads(written) -> None:
    file = written(f"{STEPS}\ncalls = []\n@agent\ndef a(q: int) -> int:\n    calls.append(1)\n    return get(q)\n")
    graphs: list[Graph] = []
    threads = [threading.Thread(target=lambda: graphs.append(file.agents["a"].trace())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(file.module.calls) == 1
    assert all(graph is graphs[0] for graph in graphs)


def test_options_change_the_copy_only() -> None:
    agent = SAMPLE.agents["gather"]
    changed = agent.options(sla="2s", degrade={"model": "small"})
    assert (changed.trace().sla, changed.trace().degrade) == (Sla("worst", 2.0), Degrade(model="small"))
    assert agent.trace().sla is None
    assert changed.trace().body == agent.trace().body


def test_options_of_a_call_are_in_the_task(written) -> None:
    file = written(
        """
        @llm(model="small", max_tokens=9)
        def say(x: str) -> str: return x

        @agent
        def a(q: str) -> str:
            return say(say.options(model=["large", "small"], tokens_out=4, timeout="1s")(q))
        """
    )
    first, second = file.agents["a"].trace().body.tasks
    assert (first.models, first.tokens_out, first.execution.timeout_s) == (("large", "small"), 4.0, 1.0)
    assert (second.models, second.tokens_out, second.execution.timeout_s) == (("small",), None, None)


def test_tasks_whose_value_is_not_used_are_kept(written) -> None:
    graph = written(f"{STEPS}@agent\ndef a(q: int) -> int:\n    get(1)\n    return get(2)\n").agents["a"].trace()
    assert [task.id for task in graph.body.tasks] == ["get", "get_2"]


def test_an_agent_may_only_pass_its_input_on(written) -> None:
    assert written("@agent\ndef a(q: int) -> int:\n    return q\n").agents["a"].trace().body.result == "q"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("get(q)", "the agent 'a' returns nothing"),
        ("return None", "the agent 'a' returns nothing"),
        ("get(q)\n    return 3", "returns the constant 3, whatever its input"),
        ("get(q)\n    return {'done': True}", "returns the constant {'done': True}, whatever its input"),
        ("return a(q)", "the agent 'a' calls itself (a -> a): a cycle"),
        ("return b(q)", "the agent 'a' calls itself (a -> b -> a): a cycle"),
        ("return fanout(a.options(sla='1s'), [q], max=1)", "the agent 'a' calls itself"),
    ],
)
def test_bodies_without_a_graph(written, body: str, problem: str) -> None:
    text = f"{STEPS}@agent\ndef a(q: int):\n    {body}\n\n@agent\ndef b(q: int):\n    return a(q)\n"
    with pytest.raises(TraceError) as caught:
        written(text).agents["a"].trace()
    assert problem in str(caught.value)
    assert caught.value.remedy
    assert caught.value.where.startswith("agents.py:")


def test_what_the_body_itself_raises_passes_through(written) -> None:
    with pytest.raises(ZeroDivisionError):
        written("@agent\ndef a(q: int):\n    return 1 / 0\n").agents["a"].trace()


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        ("set", None),
        ("Thing", "'a': its arguments have no JSON form"),
        ("'Absent'", "an annotation of 'a' cannot be read: NameError: name 'Absent' is not defined"),
    ],
)
def test_annotations_without_a_json_form_name_the_function(written, annotation: str, problem: str | None) -> None:
    file = written(f"class Thing: pass\n@agent\ndef a(q: {annotation}):\n    return q\n")
    if problem is None:
        assert set(file.agents["a"].trace().input_schema["properties"]) == {"q"}
        return
    with pytest.raises(TraceError) as caught:
        file.agents["a"].trace()
    assert problem in str(caught.value)
    assert caught.value.where == "agents.py:4"


def test_a_default_that_is_no_json_value_is_refused(written) -> None:
    with pytest.raises(DecorationError, match="the default of 'x': a constant of type object") as caught:
        written("@agent\ndef a(q: int, x: Any = object()):\n    return q\n")
    assert caught.value.where == "agents.py:3"
