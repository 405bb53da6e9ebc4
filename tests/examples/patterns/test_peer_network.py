"""Peers without a head: they agree on the first common hour, fall silent by themselves, and are bounded."""

import json
from collections import Counter
from collections.abc import Callable
from types import ModuleType

import pytest

from orchestrator.eager import LlmRequest, SimulatedBackend, recording, use_backend
from orchestrator.graph import FanoutTask, Graph, LoopTask, walk
from orchestrator.turns import Turn


@pytest.fixture
def peers(pattern: Callable[[str], ModuleType]) -> ModuleType:
    return pattern("peer_network")


class Counting(SimulatedBackend):
    """Answers as the simulated model does; counts who was asked."""

    def __init__(self) -> None:
        self.asked = Counter[str]()

    def respond(self, request: LlmRequest) -> Turn:
        self.asked[request.args[0].name] += 1
        return super().respond(request)


class Unyielding:
    """Every peer moves its proposal in every round, each by another step."""

    def respond(self, request: LlmRequest) -> Turn:
        desk = request.args[0]
        reply = {"sender": desk.name, "to": desk.others, "hour": desk.hour + len(desk.name), "text": "later"}
        return Turn(json.dumps(reply))


def test_they_agree_on_the_first_common_hour(peers: ModuleType) -> None:
    with recording() as record, use_backend(counting := Counting()):
        meeting = peers.peer_network(**peers.EXAMPLE_INPUT)
    assert meeting == peers.Meeting(11, {"ada": 11, "ben": 11, "cem": 11})
    # round 1: all read the request and propose 9, 11, 11; round 2: all have letters and only ada moves, to 11;
    # round 3: ben and cem read hers, which is their own hour, and nobody writes
    assert counting.asked == {"ada": 2, "ben": 3, "cem": 3}
    assert (record.simulated, record.marks) == (["negotiate"], [])


def test_a_later_start_moves_the_meeting(peers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "CALENDARS", {"ada": [9, 14, 16], "ben": [11, 16], "cem": [9, 12, 16]})
    assert peers.peer_network(["ada", "ben", "cem"], 9).hour == 16


def test_without_a_common_hour_they_say_so(peers: ModuleType) -> None:
    # from 12 on: ada 14, ben 13, cem 15; ben has nothing from 14 on, then nobody has
    assert peers.peer_network(["ada", "ben", "cem"], 12) == peers.Meeting(None, {"ada": 24, "ben": 24, "cem": 24})


def test_a_peer_alone_and_no_peer(peers: ModuleType) -> None:
    assert peers.peer_network(["cem"], 12) == peers.Meeting(15, {"cem": 15})
    assert peers.peer_network([], 9) == peers.Meeting(None, {})


def test_the_rounds_are_bounded(peers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "CALENDARS", {"al": [], "bob": []})
    with recording() as record, use_backend(Unyielding()):
        meeting = peers.peer_network(["al", "bob"], 9)
    assert meeting == peers.Meeting(None, {"al": 16, "bob": 24})  # 8 rounds of 2 and of 3 hours
    assert [mark.split(" at ")[0] for mark in record.marks] == ["loop_capped"]


def test_the_graph_has_no_head(peers: ModuleType, outline: Callable[[Graph], list[str]]) -> None:
    graph = peers.peer_network.trace()
    assert outline(graph) == [
        "compute open_network",
        "loop round_of_letters_loop <= 8",
        "  fanout peer_fanout <= 5",
        "    agent peer",
        "      when desk_when",
        "        tool free_hours",
        "        llm negotiate",
        "  compute deliver",
        "compute read_agreement",
    ]
    tasks = {task.id: task for task in walk(graph.body)}
    fanout, loop = tasks["peer_fanout"], tasks["round_of_letters_loop"]
    assert isinstance(fanout, FanoutTask)
    assert isinstance(loop, LoopTask)
    assert (fanout.items, loop.until) == (
        "round_of_letters_loop_value.desks",
        "round_of_letters_loop_value.unread == 0",
    )
