"""One model with three tools: the tools really run, and the turns are bounded."""

from collections.abc import Callable
from types import ModuleType

import pytest

from orchestrator import ToolCall
from orchestrator.eager import LlmRequest, recording, use_backend
from orchestrator.graph import Graph
from orchestrator.turns import Turn


@pytest.fixture
def single(small: Callable[[str], ModuleType]) -> ModuleType:
    return small("single_agent_with_tools")


class Restless:
    """Calls a tool in every turn, and speaks meanwhile."""

    def __init__(self) -> None:
        self.messages: list[int] = []

    def respond(self, request: LlmRequest) -> Turn:
        self.messages.append(len(request.messages))
        return Turn("still looking", (ToolCall("calculate", {"expression": "1 + 1"}),))


def test_each_tool_answers_its_part(single: ModuleType) -> None:
    with recording() as record:
        text = single.single_agent_with_tools(**single.EXAMPLE_INPUT)
    assert text.splitlines() == [
        "[simulated text]",
        "docs/guide.md:3: The gap of a plan says how far its cost is from the bound.",
        "docs/guide.md:7: The field bound_scope names the bound.",
        "(0.11 - 0.095) / 0.11 * 100 = 13.6364",  # 0.015 / 0.11 = 0.1363636...
    ]
    assert (record.simulated, record.marks) == (["answer"], [])


def test_what_a_tool_cannot_do_is_told(single: ModuleType) -> None:
    text = single.single_agent_with_tools("xylophone; 1 / 0")
    assert text == "[simulated text]\nsearch_docs found nothing\n'1 / 0' has no value: float division by zero"


def test_the_turns_are_bounded_and_the_messages_grow(single: ModuleType) -> None:
    with recording() as record, use_backend(restless := Restless()):
        assert single.single_agent_with_tools("anything") == "still looking"
    assert restless.messages == [2, 4, 6, 8]  # system and user, then a turn and its tool's answer each time
    assert [mark.split(" at ")[0] for mark in record.marks] == ["react_capped"]


def test_the_graph(single: ModuleType, outline: Callable[[Graph], list[str]]) -> None:
    assert outline(single.single_agent_with_tools.trace()) == [
        "react answer_react <= 4",
        "  llm answer",
        "  memory search_docs",
        "  tool find_text",
        "  tool calculate",
    ]
