"""Agents as tools of a react: the same answer eagerly and by the IR, and what the model is told when it errs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ir.interpreter import ArgumentsRefused, interpret
from ir.pipeline import STAGES, run_passes
from orchestrator.codec import accept_json
from orchestrator.eager import LlmRequest, SimulatedBackend, use_backend
from orchestrator.errors import ConversionError, GraphError
from orchestrator.graph import AgentTask, Graph, ReactTask, walk
from orchestrator.graph_chart import to_chart
from orchestrator.graph_check import check_graph
from orchestrator.graph_json import graph_from_json, to_json
from orchestrator.graph_networkx import to_networkx
from orchestrator.lint import lint
from orchestrator.to_ir import to_ir
from orchestrator.tool_description import describe_tool
from orchestrator.turns import Turn
from tests.orchestrator.tool_agents import Range, boss, count, double, guide, relay, total

CASES = ["double 4", "double 4; total 3", "total -1", "double four", "double 4; fly 1", "relay 5", "total", "total 2 9"]


def spoken(calls: str) -> list[str]:
    """What the tools told the model, a line each."""
    return boss(calls).splitlines()


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ("double 4", ["8"]),
        ("double 4; total 3", ["8", '{"low": 0, "sum": 3}']),
        ("total 2 9", ['{"low": 9, "sum": 11}']),
        ("relay 5", ["10"]),
    ],
)
def test_agents_answer_the_calls_of_a_turn_in_order(calls: str, told: list[str]) -> None:
    assert spoken(calls) == told


def test_what_does_not_fit_is_told_to_the_model() -> None:
    known = "error: there is no tool 'fly'; the tools are: double, total, relay"
    word, missing = spoken("double four; fly 1")[0], spoken("total")[0]
    assert spoken("double 4; fly 1")[1] == known
    assert word.startswith("error: the arguments of double: number: Input should be a valid integer")
    assert missing.startswith("error: the arguments of total: span: Field required")


def test_what_an_agent_raises_fails_the_react() -> None:
    with pytest.raises(ValueError, match="below zero"):
        boss("total -1")


@pytest.mark.parametrize("calls", [case for case in CASES if case != "total -1"])
def test_the_ir_gives_the_eager_value_after_every_pass(calls: str) -> None:
    eager = boss(calls)
    seen: dict[str, Any] = {}
    run_passes(to_ir(boss.trace()), after_each=lambda s, m: seen.update({s: interpret(m, {"calls": calls}, LEAVES)}))
    assert seen == dict.fromkeys(STAGES, eager)


def _turn(*messages: Any, calls: str) -> Any:
    turn = guide.simulate(calls, [{"role": "user"}, *messages[0]])  # pyright: ignore[reportCallIssue, reportOptionalCall]
    if isinstance(turn, str):
        return {"content": turn, "tool_calls": []}
    return {"content": None, "tool_calls": [{"name": c.name, "arguments": dict(c.arguments)} for c in turn.calls]}


def _accepting(tool: Any) -> Any:
    """The leaf of an agent that is a tool."""

    def accept(**chosen: Any) -> Any:
        problem = tool.argument_problem(chosen)
        if problem is not None:
            raise ArgumentsRefused(problem)
        return tool.accept_json(chosen)

    return accept


LEAVES: Mapping[str, Any] = {
    "guide": _turn,
    "count": lambda **named: count.invoke_json(named),
    "double": _accepting(double),
    "total": _accepting(total),
    "relay": _accepting(relay),
}


def test_the_trace_holds_the_graph_of_each_agent_and_its_json_form_is_read_back() -> None:
    graph = boss.trace()
    (react,) = (task for task in graph.body.tasks if isinstance(task, ReactTask))
    assert [(tool.id, tool.kind, tool.inputs) for tool in react.tools] == [
        ("double", "agent", {}),
        ("total", "agent", {}),
        ("relay", "agent", {}),
    ]
    assert graph_from_json(to_json(graph)) == graph
    assert [task.id for task in walk(graph.body)][:5] == ["guide_react", "guide", "double", "count", "total"]


def broken(tool: AgentTask) -> Graph:
    graph = boss.trace()
    (react,) = graph.body.tasks
    assert isinstance(react, ReactTask)
    return replace(graph, body=replace(graph.body, tasks=(replace(react, tools=(tool,)),)))


def test_a_graph_whose_agent_tool_is_wrong_is_refused() -> None:
    good = AgentTask(id="t", name="t", inputs={}, graph=double.trace())
    check_graph(broken(good))
    with pytest.raises(GraphError, match=r"tools\[0\].inputs: is not empty"):
        check_graph(broken(replace(good, inputs={"number": "1"})))
    with pytest.raises(GraphError, match=r"tools\[0\].graph.name: 'a b' is no identifier"):
        check_graph(broken(replace(good, graph=replace(good.graph, name="a b"))))


def test_the_model_is_told_name_docstring_and_schema_of_an_agent() -> None:
    assert describe_tool(double) == {
        "name": "double",
        "description": "Twice a number.",
        "parameters": {
            "additionalProperties": False,
            "properties": {"number": {"title": "Number", "type": "integer"}},
            "required": ["number"],
            "title": "double",
            "type": "object",
        },
    }

    class Asking(SimulatedBackend):
        def respond(self, request: LlmRequest) -> Turn:
            return Turn(", ".join(each["name"] for each in request.tool_descriptions()))

    with use_backend(Asking()):
        assert boss("") == "double, total, relay"


def test_arguments_are_accepted_as_the_annotations_read_them() -> None:
    assert accept_json(total, {"span": {"high": "3"}}) == {"span": {"high": 3, "low": 0}, "scale": 1}
    with pytest.raises(ConversionError, match="the arguments of total: span: Field required"):
        accept_json(total, {"scale": 2})
    assert total(Range(2)) == {"low": 0, "sum": 2}


def test_drawings_and_remarks_know_the_agents_inside() -> None:
    graph = boss.trace()
    nodes: Any = to_networkx(graph).nodes
    assert nodes["double"]["body"] == "tool"
    assert nodes["double/count"]["inside"] == "double"
    assert "agent relay" in repr(to_chart(graph))
    assert [remark.task for remark in lint(graph)] == ["count"]  # relay's first call, whose value nobody reads
