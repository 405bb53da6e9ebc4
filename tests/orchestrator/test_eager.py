"""Ordinary calls follow the runtime's rules with real values, and say what was simulated or cut short."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator import (
    FanoutFailure,
    ToolCall,
    ToolCalls,
    agent,
    compute,
    contains,
    fanout,
    interrupt,
    length,
    llm,
    loop,
    memory,
    model,
    observe,
    react,
    tool,
    when,
)
from orchestrator.eager import LlmRequest, recording, truth, use_answers, use_backend
from orchestrator.errors import EagerError, FanoutOverflowError, InterruptError, ParseError
from orchestrator.turns import Turn


@dataclass
class Draft:
    text: str
    score: float = 0.0


@llm(model=["tiny-1", "big-2"], max_tokens=9)
def write(topic: str) -> Draft:
    """You write."""
    return f"About {topic}"


@llm(model="tiny-1", max_tokens=9)
def chat(topic: str) -> str:
    return topic


@tool
async def fetch(x: int) -> int:
    await asyncio.sleep(0)
    return 10 * x


class Scripted:
    """A backend that answers from a list and keeps what it was asked."""

    def __init__(self, *turns: Turn) -> None:
        self.turns = list(turns)
        self.requests: list[LlmRequest] = []

    def respond(self, request: LlmRequest) -> Turn:
        self.requests.append(request)
        return self.turns.pop(0)


def test_when_runs_the_chosen_branch_only() -> None:
    ran: list[str] = []
    assert when(True, lambda: ran.append("then") or 1, lambda: ran.append("else") or 2, p=0.1) == 1
    assert when([], lambda: ran.append("then") or 1, lambda: ran.append("else") or 2) == 2
    assert when(False, lambda: ran.append("then")) is None
    assert ran == ["then", "else"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), (~True, False), (~False, True), (0, False), (3, True), ("", False), ([0], True)],
)
@pytest.mark.filterwarnings("ignore:Bitwise inversion:DeprecationWarning")
def test_conditions_read_the_inversion_of_a_bool_as_not(value: object, expected: bool) -> None:
    assert truth(value) is expected


def test_loop_tests_before_each_body_call() -> None:
    seen: list[int] = []
    assert loop(lambda n: n + 1, 0, until=lambda n: seen.append(n) or n >= 2, max_iters=5) == 2
    assert seen == [0, 1, 2]
    assert loop(lambda n: n + 1, 9, until=lambda n: n >= 2, max_iters=5) == 9


def test_a_loop_that_reaches_its_cap_gives_the_last_value_and_marks_the_run() -> None:
    with recording() as record:
        assert loop(lambda n: n + 1, 0, until=lambda n: n > 5, max_iters=3) == 3
    (mark,) = record.marks
    assert mark.startswith("loop_capped at ")
    assert "test_eager.py:" in mark


def test_a_loop_whose_last_value_is_good_is_not_capped() -> None:
    with recording() as record:
        assert loop(lambda n: n + 1, 0, until=lambda n: n >= 3, max_iters=3) == 3
    assert record.marks == []


def test_fanout_keeps_the_order_and_runs_any_kind_of_function() -> None:
    assert fanout(lambda n: n * n, [3, 1, 2], max=3) == [9, 1, 4]
    assert fanout(fetch, [3, 1, 2], max=3) == [30, 10, 20]
    assert fanout(lambda n: fetch(n) + 1, [3, 1], max=3) == [31, 11]
    assert fanout(fetch, [], max=3) == []


def test_more_items_than_max_is_an_error_unless_truncated() -> None:
    with pytest.raises(FanoutOverflowError, match=r"3 items, max=2.*overflow='truncate'"):
        fanout(fetch, [1, 2, 3], max=2)
    with recording() as record:
        assert fanout(fetch, [1, 2, 3], max=2, overflow="truncate") == [10, 20]
    assert [mark.partition(" ")[0] for mark in record.marks] == ["truncated"]


@pytest.mark.parametrize("items", ["text", b"bytes", {"a": 1}])
def test_a_fanout_needs_a_list(items: Any) -> None:
    with pytest.raises(EagerError, match="needs a list of items"):
        fanout(len, items, max=9)


@tool
async def picky(n: int) -> int:
    if n == 2:
        raise ValueError("two")
    await asyncio.sleep(0)
    return n


def test_a_failure_fails_the_fanout_unless_collected() -> None:
    for function in (picky, lambda n: picky(n) + 0):
        with pytest.raises(ValueError, match="two"):
            fanout(function, [1, 2, 3], max=3)
        with recording() as record:
            assert fanout(function, [1, 2, 3], max=3, on_error="collect") == [1, FanoutFailure("ValueError: two"), 3]
        (mark,) = record.marks
        assert mark.startswith("collected at ")
        assert "test_eager.py:" in mark


def test_a_language_model_without_a_backend_answers_with_a_label() -> None:
    with recording() as record:
        assert chat("x") == "[simulated tiny-1]"
        assert write("x") == Draft("[simulated tiny-1]", 0.0)
        write("y")
    assert record.simulated == ["chat", "write"]


def test_simulate_is_a_value_or_a_function_of_the_arguments() -> None:
    def with_simulate(simulate: object) -> Any:
        return llm(model="m", max_tokens=9, simulate=simulate)(write.__wrapped__)

    assert with_simulate(Draft("fixed", 1))("x") == Draft("fixed", 1)
    assert with_simulate(lambda topic: Draft(topic * 2, 1))("x") == Draft("xx", 1)
    assert with_simulate('{"text": "raw", "score": 2}')("x") == Draft("raw", 2)

    @llm(model="m", max_tokens=9, simulate=lambda topic, style: f"{topic} {style}")
    def with_default(topic: str, style: str = "plain") -> str:
        return topic

    assert with_default("x") == "x plain"
    with pytest.raises(ParseError, match="write"):
        with_simulate("no JSON")("x")


def test_a_backend_gets_rendered_messages_and_its_text_is_parsed() -> None:
    backend = Scripted(Turn('```json\n{"text": "real", "score": 0.5}\n```'), Turn("plain"))
    with recording() as record, use_backend(backend):
        assert write("cats") == Draft("real", 0.5)
        assert chat("dogs") == "plain"
    first, second = backend.requests
    assert [m["role"] for m in first.messages] == ["system", "user"]
    assert first.messages[0]["content"].startswith("You write.\n\n")
    assert '"score"' in first.messages[0]["content"]
    assert first.messages[1]["content"] == "About cats"
    assert second.messages == [{"role": "user", "content": "dogs"}]
    assert record.simulated == []


def test_a_plain_call_must_not_ask_for_tools() -> None:
    with use_backend(Scripted(Turn(None, (ToolCall("fetch"),)))), pytest.raises(EagerError, match="react"):
        chat("x")


def test_react_runs_tools_until_the_model_answers() -> None:
    backend = Scripted(
        Turn("let me see", (ToolCall("fetch", {"x": 2}), ToolCall("fetch", {"x": 3}))),
        Turn(None, (ToolCall("nothing", {}), ToolCall("fetch", {"y": 1}))),
        Turn("fifty"),
    )
    with use_backend(backend), recording() as record:
        assert react(chat, [fetch], "sum?", max_turns=3) == "fifty"
    assert record.marks == []
    assert [len(request.messages) for request in backend.requests] == [1, 4, 7]
    assert [tool.__name__ for tool in backend.requests[0].tools] == ["fetch"]
    messages = backend.requests[2].messages
    assert messages[1]["tool_calls"] == [
        {"name": "fetch", "arguments": {"x": 2}},
        {"name": "fetch", "arguments": {"x": 3}},
    ]
    assert [m["content"] for m in messages[2:4]] == ["20", "30"]
    assert messages[5]["content"] == "error: there is no tool 'nothing'; the tools are: fetch"
    assert messages[6]["content"].startswith("error: the arguments of fetch: ")


def test_react_at_its_last_turn_gives_the_text_and_marks_the_run() -> None:
    calling = Turn("so far", (ToolCall("fetch", {"x": 1}),))
    backend = Scripted(calling, calling)
    with use_backend(backend), recording() as record:
        assert react(chat, [fetch], "x", max_turns=2) == "so far"
    assert [mark.partition(" ")[0] for mark in record.marks] == ["react_capped"]
    assert len(backend.requests[1].messages) == 3  # the prompt, the first turn and what its tool told
    failing = Turn("enough", (ToolCall("picky", {"n": 2}),))
    with use_backend(Scripted(failing)):  # nobody would read what the tool answers, so that it does not run
        assert react(chat, [picky], "x", max_turns=1) == "enough"
    silent = Turn(None, (ToolCall("fetch", {"x": 1}),))
    with use_backend(Scripted(silent)), pytest.raises(EagerError, match="max_turns=1 and gave no answer"):
        react(chat, [fetch], "x", max_turns=1)


def test_a_tool_that_raises_fails_the_react() -> None:
    with use_backend(Scripted(Turn(None, (ToolCall("picky", {"n": 2}),)))), pytest.raises(ValueError, match="two"):
        react(chat, [picky], "x", max_turns=2)


def test_simulate_sees_the_messages_of_a_react() -> None:
    @llm(
        model="m",
        max_tokens=9,
        simulate=lambda topic, messages: (
            ToolCalls([ToolCall("fetch", {"x": 4})]) if len(messages) == 1 else f"{topic}: {messages[-1]['content']}"
        ),
    )
    def seek(topic: str) -> str:
        return topic

    assert react(seek, [fetch], "four", max_turns=3) == "four: 40"


def test_react_with_several_arguments_fills_defaults() -> None:
    @llm(model="m", max_tokens=9)
    def seek(topic: str, n: int, style: str = "plain") -> str:
        return f"{topic} {n} {style}"

    backend = Scripted(Turn("ok"))
    with use_backend(backend):
        assert react(seek, [], {"topic": "t", "n": 2}, max_turns=1) == "ok"
    assert backend.requests[0].messages == [{"role": "user", "content": "t 2 plain"}]


def test_interrupt_asks_whoever_answers() -> None:
    with pytest.raises(InterruptError, match="use_answers"):
        interrupt("sure?")
    with use_answers(lambda question: f"{question} yes"):
        assert interrupt("sure?") == "sure? yes"


def test_observe_passes_the_value_on() -> None:
    with recording() as record:
        assert observe([1]) == [1]
    assert record.observed == [[1]]
    assert observe(2) == 2


def test_length_and_contains_of_real_values() -> None:
    assert length("four") == 4
    assert contains([1, 2], 2)
    assert not contains("abc", "d")


def test_models_run_their_body_or_are_simulated() -> None:
    @model(model="ears", audio_s=3)
    def real(audio: str) -> str:
        return audio.upper()

    @model(model="ears", audio_s=3, simulate=lambda audio: audio * 2)
    def stand_in(audio: str) -> str: ...

    @model(model="ears", audio_s=3)
    def absent(audio: str) -> Draft:
        """Nothing but words."""

    with recording() as record:
        assert (real("a"), stand_in("a"), absent("a")) == ("A", "aa", Draft("[simulated ears]", 0.0))
    assert record.simulated == ["stand_in", "absent"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_tool_without_a_body_is_an_error_and_never_nothing(is_async: bool) -> None:
    async def later(x: int) -> list[int]: ...

    def now(x: int) -> list[int]:
        """Only described."""

    with pytest.raises(EagerError, match="has no code to run"):
        tool(later if is_async else now)(1)


def test_a_lookup_keeps_the_first_k() -> None:
    @memory(k=2)
    def recall(x: int) -> list[int]:
        return [x, 2, 3]

    @memory(k=1)
    async def recall_later(x: int) -> list[int]:
        return [x, 2]

    assert recall(1) == [1, 2]
    assert recall_later(1) == [1]
    assert fanout(recall_later, [5, 6], max=2) == [[5], [6]]


def test_async_tools_inside_a_running_loop_say_what_to_do() -> None:
    async def main() -> tuple[int, int]:
        with pytest.raises(EagerError, match=r"asyncio\.to_thread"):
            fetch(1)
        return await asyncio.to_thread(fetch, 1), await fetch.__wrapped__(2)

    assert asyncio.run(main()) == (10, 20)


def test_an_agent_runs_as_a_function() -> None:
    @compute
    def best(drafts: list[Draft]) -> Draft:
        return max(drafts, key=lambda draft: draft.score)

    @agent(sla="1s")
    def choose(topics: list[str]) -> str:
        drafts = fanout(write, topics, max=4)
        return loop(lambda text: text + "!", best(drafts).text, until=lambda text: len(text) > 20, max_iters=9)

    backend = Scripted(Turn('{"text": "a", "score": 1}'))
    with use_backend(backend):
        assert choose(["x"]) == "a!!!!!!!!!"
