"""A director over two teams: each part reaches its worker, every leader is bounded, and models differ by level."""

import json
from collections.abc import Callable
from types import ModuleType

import pytest

from orchestrator.eager import LlmRequest, SimulatedBackend, recording, use_backend
from orchestrator.graph import Graph, LlmTask, walk
from orchestrator.turns import Turn


@pytest.fixture
def teams(small: Callable[[str], ModuleType]) -> ModuleType:
    return small("hierarchical")


class Leaders(SimulatedBackend):
    """Notes each leader's staff and whom it named; `named` replaces the simulated choice."""

    def __init__(self, named: Callable[[list[str]], str] | None = None) -> None:
        self.named = named
        self.orders: list[tuple[str, str]] = []

    def respond(self, request: LlmRequest) -> Turn:
        turn = super().respond(request)
        if request.function.__name__ != "lead":
            return turn
        staff = request.args[0]
        if self.named is not None:
            turn = Turn(json.dumps({"worker": self.named(staff), "request": "1 + 1"}))
        self.orders.append(("+".join(staff), json.loads(turn.content or "")["worker"]))
        return turn


def test_each_part_reaches_its_worker(teams: ModuleType) -> None:
    with recording() as record, use_backend(leaders := Leaders()):
        notes = teams.hierarchical(**teams.EXAMPLE_INPUT)
    assert notes == {
        "What is the gap of a plan": "[simulated text] The gap of a plan says how far its cost is from the bound.",
        "count replica": "1 lines",
        "(0.11 - 0.095) / 0.11 * 100": "13.6364",
        "convert 90 min to h": "1.5 h",
    }
    assert leaders.orders == [
        ("reading+numbers", "reading"),
        ("counter+searcher", "searcher"),
        ("counter+searcher", "counter"),
        ("counter+searcher", "nobody"),
        ("reading+numbers", "numbers"),
        ("accountant+converter", "accountant"),
        ("accountant+converter", "converter"),
        ("accountant+converter", "nobody"),
        ("reading+numbers", "nobody"),
    ]
    assert (set(record.simulated), record.marks) == ({"lead", "quote"}, [])


def test_every_leader_is_bounded(teams: ModuleType) -> None:
    with (
        recording() as record,
        use_backend(leaders := Leaders(lambda staff: staff[-1] if "numbers" in staff else staff[0])),
    ):
        assert teams.hierarchical("anything") == {"1 + 1": "2"}
    # the director gives four orders that are carried out and one that is not; so does the lead in each of the four
    assert len(leaders.orders) == 5 + 4 * 5
    assert [mark.split(" at ")[0] for mark in record.marks] == ["loop_capped"] * 5


def test_a_part_that_cannot_be_done_is_told(teams: ModuleType) -> None:
    assert teams.hierarchical("1 / 0; xylophone") == {
        "1 / 0": "'1 / 0' has no value: float division by zero",
        "xylophone": "[simulated text] not found",
    }


def test_the_graph_nests_agents_three_deep(teams: ModuleType, outline: Callable[[Graph], list[str]]) -> None:
    graph = teams.hierarchical.trace()
    assert outline(graph) == [
        "llm lead",
        "loop carry_out_loop <= 4",
        "  when carry_out_loop_value_when",
        "    agent reading",
        "      llm lead",
        "      loop carry_out_loop <= 4",
        "        when carry_out_loop_value_when",
        "          tool count_lines",
        "          agent searcher",
        "            memory search_docs",
        "            llm quote",
        "        compute file_note",
        "        llm lead_2",
        "    agent numbers",
        "      llm lead",
        "      loop carry_out_loop <= 4",
        "        when carry_out_loop_value_when",
        "          tool calculate",
        "          tool convert",
        "        compute file_note",
        "        llm lead_2",
        "  compute file_note",
        "  llm lead_2",
    ]
    models = [task.models for task in walk(graph.body) if isinstance(task, LlmTask) and task.name == "lead"]
    small, large = ("llama3.1-8b",), ("llama3.1-70b",)
    assert models == [large, small, small, small, small, large]
