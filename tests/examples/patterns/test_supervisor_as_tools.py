"""A supervisor calls agents as tools of a react, several at once, and answers itself; its turns are bounded."""

from collections.abc import Callable
from types import ModuleType

import pytest

from orchestrator.eager import LlmRequest, SimulatedBackend, recording, use_backend
from orchestrator.graph import Graph
from orchestrator.turns import ToolCall, Turn


@pytest.fixture
def tools(small: Callable[[str], ModuleType]) -> ModuleType:
    return small("supervisor_as_tools")


class Calling(SimulatedBackend):
    """The supervisor calls `account` in each turn and never answers; the others are as simulated."""

    def __init__(self) -> None:
        self.requests: list[LlmRequest] = []

    def respond(self, request: LlmRequest) -> Turn:
        if request.function.__name__ != "delegate":
            return super().respond(request)
        self.requests.append(request)
        return Turn("still busy", (ToolCall("account", {"request": "1 + 1"}), ToolCall("account", {"problem": "1"})))


def test_the_agents_are_called_at_once_and_the_supervisor_answers(tools: ModuleType) -> None:
    with recording() as record:
        text = tools.supervisor_as_tools(**tools.EXAMPLE_INPUT)
    assert text.splitlines() == [
        "[simulated text]",
        "- [simulated text] The gap of a plan says how far its cost is from the bound. (docs/guide.md:3)",
        "- [simulated text] A pool of replicas serves one model. (docs/guide.md:5)",
        "- [simulated text] (0.11 - 0.095) / 0.11 * 100 = 13.6364",
    ]
    assert set(record.simulated) == {"delegate", "summarise", "work_out"}
    assert record.marks == []


def test_a_sum_without_a_value_is_told(tools: ModuleType) -> None:
    assert tools.account("1 / 0") == "[simulated text] '1 / 0' has no value: float division by zero"


def test_the_turns_are_bounded_and_mistakes_are_told(tools: ModuleType) -> None:
    with recording() as record, use_backend(calling := Calling()):
        assert tools.supervisor_as_tools("anything") == "still busy"
    assert [mark.split(" at ")[0] for mark in record.marks] == ["react_capped"]
    assert len(calling.requests) == 4
    told = [message["content"] for message in calling.requests[1].messages if message["role"] == "tool"]
    assert told[0] == "[simulated text] 1 + 1 = 2"
    assert told[1].startswith("error: the arguments of account: ")


def test_the_supervisor_reads_what_each_agent_does(tools: ModuleType) -> None:
    with use_backend(calling := Calling()):
        tools.supervisor_as_tools("anything")
    assert [(each["name"], each["description"]) for each in calling.requests[0].tool_descriptions()] == [
        ("research", "Searches the documents and sums up what was found."),
        ("account", "Solves a problem of arithmetic with a calculator."),
    ]


def test_the_graph_is_a_react_over_agents(tools: ModuleType, outline: Callable[[Graph], list[str]]) -> None:
    assert outline(tools.supervisor_as_tools.trace()) == [
        "react delegate_react <= 4",
        "  llm delegate",
        "  agent research",
        "    memory search_docs",
        "    llm summarise",
        "  agent account",
        "    react work_out_react <= 3",
        "      llm work_out",
        "      tool calculate",
    ]
