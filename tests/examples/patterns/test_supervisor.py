"""A supervisor sends the work to one worker at a time, and at most five times."""

import json
from collections.abc import Callable
from types import ModuleType

import pytest

from orchestrator.eager import LlmRequest, SimulatedBackend, recording, use_backend
from orchestrator.graph import Graph, LoopTask, WhenTask, walk
from orchestrator.turns import Turn


@pytest.fixture
def supervised(small: Callable[[str], ModuleType]) -> ModuleType:
    return small("supervisor")


class Noting(SimulatedBackend):
    """Answers as the simulated model does; notes the functions that asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def respond(self, request: LlmRequest) -> Turn:
        self.asked.append(request.function.__name__)
        return super().respond(request)


class Insatiable(Noting):
    """A supervisor who always has another sum."""

    def respond(self, request: LlmRequest) -> Turn:
        turn = super().respond(request)
        if request.function.__name__ != "supervise":
            return turn
        return Turn(json.dumps({"worker": "accountant", "request": f"{len(self.asked)} * 2"}))


def test_each_part_goes_to_its_worker_and_the_writer_joins(supervised: ModuleType) -> None:
    with recording() as record, use_backend(noting := Noting()):
        text = supervised.supervisor(**supervised.EXAMPLE_INPUT)
    assert text.splitlines() == [
        "[simulated text]",
        "- docs/guide.md:3: The gap of a plan says how far its cost is from the bound.",
        "- (0.11 - 0.095) / 0.11 * 100 = 13.6364",
    ]
    # researcher, accountant (which asks no model), writer, and the order that ends it
    assert noting.asked == ["supervise", "summarise", "supervise", "supervise", "write", "supervise"]
    assert record.marks == []


def test_a_worker_without_a_result_says_so(supervised: ModuleType) -> None:
    assert supervised.supervisor("xylophone; 1 / 0") == "[simulated text]\n- not found\n- 1 / 0 has no value"


def test_the_orders_are_bounded(supervised: ModuleType) -> None:
    with recording() as record, use_backend(insatiable := Insatiable()):
        text = supervised.supervisor("anything")
    # five orders are carried out, and the sixth is not
    assert (text, insatiable.asked) == ("5 * 2 = 10", ["supervise"] * 6)
    assert [mark.split(" at ")[0] for mark in record.marks] == ["loop_capped"]


def test_the_graph_is_a_loop_with_nested_branches(
    supervised: ModuleType, outline: Callable[[Graph], list[str]]
) -> None:
    graph = supervised.supervisor.trace()
    assert outline(graph) == [
        "llm supervise",
        "loop carry_out_loop <= 5",
        "  when carry_out_loop_value_when",
        "    agent researcher",
        "      memory search_docs",
        "      llm summarise",
        "    when carry_out_loop_value_when_2",
        "      agent accountant",
        "        tool calculate",
        "        compute report_sum",
        "      llm write",
        "  compute file_note",
        "  llm supervise_2",
    ]
    tasks = list(walk(graph.body))
    assert [task.until for task in tasks if isinstance(task, LoopTask)] == [
        "carry_out_loop_value.order.worker == 'nobody'"
    ]
    assert [task.condition for task in tasks if isinstance(task, WhenTask)] == [
        "carry_out_loop_value.order.worker == 'researcher'",
        "carry_out_loop_value.order.worker == 'accountant'",
    ]
