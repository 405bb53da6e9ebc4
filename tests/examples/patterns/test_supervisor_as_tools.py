"""A supervisor calls agents as tools, several at once, and answers itself; turns and calls are bounded."""

import json
from collections.abc import Callable
from types import ModuleType

import pytest

from orchestrator.eager import LlmRequest, SimulatedBackend, recording, use_backend
from orchestrator.errors import FanoutOverflowError
from orchestrator.graph import Graph
from orchestrator.turns import Turn


@pytest.fixture
def tools(small: Callable[[str], ModuleType]) -> ModuleType:
    return small("supervisor_as_tools")


class Calling(SimulatedBackend):
    """The supervisor calls `account` so many times in each turn and never answers; the others are as simulated."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.turns = 0

    def respond(self, request: LlmRequest) -> Turn:
        if request.function.__name__ != "delegate":
            return super().respond(request)
        self.turns += 1
        calls = [{"tool": "account", "request": f"{number} + 1"} for number in range(self.calls)]
        return Turn(json.dumps({"calls": calls, "answer": ""}))


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


def test_the_turns_are_bounded(tools: ModuleType) -> None:
    with recording() as record, use_backend(calling := Calling(2)):
        assert tools.supervisor_as_tools("anything") == ""
    assert calling.turns == 4  # the first, and one after each of three bodies
    assert [mark.split(" at ")[0] for mark in record.marks] == ["loop_capped"]


def test_the_calls_of_a_turn_are_bounded(tools: ModuleType) -> None:
    with use_backend(Calling(5)), pytest.raises(FanoutOverflowError, match="fanout got 5 items, max=4"):
        tools.supervisor_as_tools("anything")


def test_the_graph_serves_calls_in_parallel(tools: ModuleType, outline: Callable[[Graph], list[str]]) -> None:
    assert outline(tools.supervisor_as_tools.trace()) == [
        "llm delegate",
        "loop serve_turn_loop <= 3",
        "  fanout serve_fanout <= 4",
        "    when serve_fanout_item_when",
        "      agent research",
        "        memory search_docs",
        "        llm summarise",
        "      agent account",
        "        react work_out_react <= 3",
        "          llm work_out",
        "          tool calculate",
        "  compute add_results",
        "  llm delegate_2",
    ]
