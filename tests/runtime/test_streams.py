"""A run whose nodes read streams: who is dispatched when, with what, and what a failure ends."""

from typing import Any

import pytest

from placement.plan import OpNode, PlanTransfer
from runtime.errors import ProgramError
from runtime.events import Cancel, Command, Dispatch, Failed, Finish, FirstItem, Log, Submitted, Succeeded, Supply
from runtime.failure import Failure
from runtime.program import compile
from runtime.run_state import RunState

MOVE = PlanTransfer(src="hear", dst="say", kind="data", size_bytes=1.0, latency_s=0.5, cost_usd=0.0)
LOST = Failure("lost", "ProcessDied", "gone")


def reader(id: str, streams: dict[str, float], **inputs: str) -> OpNode:
    return OpNode(id=id, operator=id, inputs=inputs, streams=streams)


def say(plans: Any, **changes: Any) -> list[OpNode]:
    """`say` reads what was heard item by item and a voice as a whole."""
    return [plans.op("hear", x="x"), plans.op("voice", x="x"), reader("say", {"text": 4.0}, text="hear", voice="voice")]


def begun(plans: Any, **operators: Any) -> RunState:
    made = [plans.operator(name, **operators.get(name, {})) for name in ("hear", "voice", "say")]
    state = RunState(compile(plans.plan(say(plans), "say", "x", operators=made, transfers=[MOVE])))
    dispatched = state.step(Submitted({"x": 1}, 0.0))
    assert [(each.instance, each.items) for each in dispatched if isinstance(each, Dispatch)] == [
        ("hear", 4.0),
        ("voice", None),
    ]
    return state


def only(commands: list[Command]) -> Command:
    (command,) = commands
    return command


def test_a_reader_begins_at_the_first_item_and_has_the_whole_after_the_last(plans: Any) -> None:
    state = begun(plans)
    assert state.step(FirstItem("hear", 1, 1.0)) == []
    dispatch = only(state.step(Succeeded("voice", 1, "deep", 1.25)))
    assert isinstance(dispatch, Dispatch)
    assert (dispatch.instance, dispatch.arguments, dispatch.streams) == ("say", {"voice": "deep"}, {"text": 4.0})
    # ready when the voice is there; the first item, out at 1.0, is half a second on the way
    assert (dispatch.ready_at, dispatch.arrived_at()) == (1.25, 1.5)
    assert state.step(Succeeded("hear", 1, "hello", 4.0)) == [Supply("say", 1, {"text": "hello"}, 4.5)]
    assert state.step(Succeeded("say", 1, "spoken", 5.0)) == [Finish("success", "spoken", None, 5.0)]


def test_what_has_ended_before_its_reader_can_start_is_supplied_at_once(plans: Any) -> None:
    state = begun(plans)
    state.step(FirstItem("hear", 1, 1.0))
    assert state.step(Succeeded("hear", 1, "hello", 4.0)) == []
    dispatch, supply = state.step(Succeeded("voice", 1, "deep", 3.0))
    assert isinstance(dispatch, Dispatch)
    assert (dispatch.ready_at, dispatch.arrived_at(), dict(dispatch.streams)) == (3.0, 3.0, {"text": 4.0})
    assert supply == Supply("say", 1, {"text": "hello"}, 4.5)


def test_without_a_first_item_the_whole_is_awaited(plans: Any) -> None:
    state = begun(plans)
    state.step(Succeeded("voice", 1, "deep", 1.0))
    dispatch = only(state.step(Succeeded("hear", 1, "hello", 4.0)))
    assert isinstance(dispatch, Dispatch)
    assert (dispatch.arguments, dict(dispatch.streams)) == ({"text": "hello", "voice": "deep"}, {})
    assert state.step(FirstItem("hear", 1, 1.0)) == []


def test_a_producer_whose_first_item_was_handed_on_is_not_repeated_and_its_reader_stops(plans: Any) -> None:
    state = begun(plans, hear={"idempotent": True, "retries": 2})
    state.step(Succeeded("voice", 1, "deep", 0.5))
    state.step(FirstItem("hear", 1, 1.0))
    cancelled, finished = state.step(Failed("hear", 1, LOST, 2.0))
    assert cancelled == Cancel("say", 1)
    assert isinstance(finished, Finish)
    assert finished.status == "error"


def test_a_producer_that_fails_before_is_repeated(plans: Any) -> None:
    state = begun(plans, hear={"idempotent": True, "retries": 1})
    log, again = state.step(Failed("hear", 1, LOST, 2.0))
    assert isinstance(log, Log)
    assert isinstance(again, Dispatch)
    assert (again.instance, again.attempt, again.items) == ("hear", 2, 4.0)
    assert state.step(FirstItem("hear", 1, 2.5)) == []  # of an attempt that is over
    state.step(FirstItem("hear", 2, 3.0))
    dispatch = only(state.step(Succeeded("voice", 1, "deep", 0.5)))
    assert isinstance(dispatch, Dispatch)
    assert dispatch.ready_at == 3.0


@pytest.mark.parametrize("is_supplied", [False, True])
def test_a_reader_is_repeated_with_the_whole_when_it_is_there(plans: Any, is_supplied: bool) -> None:
    state = begun(plans, say={"idempotent": True, "retries": 1})
    state.step(FirstItem("hear", 1, 1.0))
    state.step(Succeeded("voice", 1, "deep", 1.0))
    if is_supplied:
        state.step(Succeeded("hear", 1, "hello", 4.0))
    _, *again = state.step(Failed("say", 1, LOST, 5.0))
    supply = Supply("say", 2, {"text": "hello"}, 4.5)
    assert again[1:] == ([supply] if is_supplied else [])
    if not is_supplied:
        assert state.step(Succeeded("hear", 1, "hello", 4.0)) == [supply]


def test_a_reader_that_fails_ends_the_run_and_stops_the_producer(plans: Any) -> None:
    state = begun(plans)
    state.step(Succeeded("voice", 1, "deep", 0.5))
    state.step(FirstItem("hear", 1, 1.0))
    cancelled, finished = state.step(Failed("say", 1, Failure("raised", "ValueError", "no"), 2.0))
    assert cancelled == Cancel("hear", 1)
    assert isinstance(finished, Finish)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (reader("say", {"text": 1.0}, text="hear"), "is 1: name an input, and more than 1 item"),
        (reader("say", {"txt": 4.0}, text="hear"), "is 4: name an input, and more than 1 item"),
        (reader("say", {"text": 4.0}, text="hear['a']"), "only the value of an operator of the same block"),
        (reader("say", {"text": 4.0}, text="x"), "only the value of an operator of the same block"),
        (reader("say", {"text": 4.0}, text="hear", too="hear"), "only the value of an operator of the same block"),
    ],
)
def test_a_stream_that_is_none_is_refused(plans: Any, node: OpNode, message: str) -> None:
    with pytest.raises(ProgramError, match=message.replace("[", r"\[")):
        compile(plans.plan([plans.op("hear", x="x"), node], "say", "x"))
