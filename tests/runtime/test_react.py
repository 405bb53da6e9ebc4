"""Turns of a model with tools: messages, parallel calls, mistakes of the model and the cap on turns."""

from typing import Any

import pytest

from placement.plan import ReactNode
from runtime.events import Finish


def react(plans: Any, max_turns: int = 4) -> ReactNode:
    turn = plans.block([plans.op("answer", rest="messages", q="x")], "answer", "messages")
    tools = {
        "add": plans.block([plans.op("add", rest="arguments")], "add", "arguments"),
        "docs": plans.block([plans.op("docs", rest="arguments")], "docs", "arguments"),
    }
    return ReactNode(id="answer_react", turn=turn, tools=tools, max_turns=max_turns)


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


class Model:
    """Gives its turns one after the other and remembers the messages of each."""

    def __init__(self, *turns: Any) -> None:
        self.turns = list(turns)
        self.seen: list[Any] = []

    def __call__(self, messages: Any, q: Any) -> Any:
        self.seen.append(messages)
        return self.turns.pop(0)


def start(plans: Any, fake_run: Any, model: Model, **changes: Any) -> Any:
    answers = {"answer": model, "add": lambda rest: rest["a"] + rest["b"], "docs": lambda rest: f"about {rest['q']}"}
    return fake_run(plans.plan([react(plans, **changes)], "answer_react", "x"), answers, {"docs": 3.0}).submit(x="?")


def test_tools_run_side_by_side_and_their_answers_are_messages(plans: Any, fake_run: Any) -> None:
    calls = [call("add", a=1, b=2), call("docs", q="x"), call("add", a=3, b=4)]
    model = Model({"content": None, "tool_calls": calls}, {"content": "done", "tool_calls": []})
    run = start(plans, fake_run, model)
    assert run.instances == [
        "answer_react[0]/answer",
        "answer_react[0][0]/add",
        "answer_react[0][1]/docs",
        "answer_react[0][2]/add",
        "answer_react[1]/answer",
    ]
    assert model.seen == [
        [],
        [
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "name": "add", "content": "3"},
            {"role": "tool", "name": "docs", "content": "about x"},
            {"role": "tool", "name": "add", "content": "7"},
        ],
    ]
    assert run.finish == Finish("success", "done", None, 5.0)  # turn 1 + slowest tool 3 + turn 1


def test_an_unknown_tool_is_told_to_the_model(plans: Any, fake_run: Any) -> None:
    model = Model({"content": "hm", "tool_calls": [call("fly")]}, {"content": "sorry", "tool_calls": []})
    run = start(plans, fake_run, model)
    told = "error: there is no tool 'fly'; the tools are: add, docs"
    assert model.seen[1][1]["content"] == told
    assert [(log.kind, log.value) for log in run.logs] == [("unknown_tool", told)]
    assert run.finish.value == "sorry"


class ArgumentsError(Exception):
    kind = "arguments"


def test_arguments_that_do_not_fit_are_told_to_the_model(plans: Any, fake_run: Any) -> None:
    def add(rest: Any) -> Any:
        raise ArgumentsError("b is missing")

    model = Model({"content": None, "tool_calls": [call("add", a=1)]}, {"content": "sorry", "tool_calls": []})
    run = fake_run(plans.plan([react(plans)], "answer_react", "x"), {"answer": model, "add": add}).submit(x="?")
    assert model.seen[1][1]["content"] == "error: b is missing"
    assert run.finish.value == "sorry"


def agent_tool(plans: Any) -> ReactNode:
    """A react whose tool is an agent: its arguments are checked, then two steps run one after the other."""
    turn = plans.block([plans.op("answer", rest="messages", q="x")], "answer", "messages")
    steps = [
        plans.op("accept", rest="arguments"),
        plans.op("find", q="accept.q"),
        plans.op("sum_up", found="find", q="accept.q"),
    ]
    tools = {"research": plans.block(steps, "sum_up", "arguments")}
    return ReactNode(id="answer_react", turn=turn, tools=tools, max_turns=4)


def test_an_agent_as_a_tool_runs_its_steps_under_the_call(plans: Any, fake_run: Any) -> None:
    calls = [call("research", q="a"), call("research", q="b")]
    model = Model({"content": None, "tool_calls": calls}, {"content": "done", "tool_calls": []})
    answers = {
        "answer": model,
        "accept": lambda rest: rest,
        "find": lambda q: [q, q],
        "sum_up": lambda found, q: {"q": q, "found": len(found)},
    }
    run = fake_run(plans.plan([agent_tool(plans)], "answer_react", "x"), answers).submit(x="?")
    assert run.finish.value == "done"
    assert [message["content"] for message in model.seen[1][1:]] == ['{"q": "a", "found": 2}', '{"q": "b", "found": 2}']
    assert {f"answer_react[0][{key}]/{step}" for key in (0, 1) for step in ("accept", "find", "sum_up")} <= set(
        run.instances
    )


def test_arguments_that_do_not_fit_an_agent_are_told_before_any_step_that_reads_them(plans: Any, fake_run: Any) -> None:
    def accept(rest: Any) -> Any:
        raise ArgumentsError("q is missing")

    model = Model({"content": None, "tool_calls": [call("research")]}, {"content": "sorry", "tool_calls": []})
    answers = {"answer": model, "accept": accept, "find": lambda q: 1 / 0, "sum_up": lambda found, q: 1 / 0}
    run = fake_run(plans.plan([agent_tool(plans)], "answer_react", "x"), answers).submit(x="?")
    assert model.seen[1][1]["content"] == "error: q is missing"
    assert run.finish.value == "sorry"
    assert not any("find" in instance for instance in run.instances)


def test_a_tool_that_raises_ends_the_run(plans: Any, fake_run: Any) -> None:
    run = start(plans, fake_run, Model({"content": None, "tool_calls": [call("add", a=1, b="x")]}))
    assert (run.finish.status, run.finish.failure.instance) == ("error", "answer_react[0][0]/add")


def test_at_the_cap_the_last_text_is_the_answer(plans: Any, fake_run: Any) -> None:
    turns = [{"content": f"try {i}", "tool_calls": [call("add", a=i, b=i)]} for i in range(2)]
    run = start(plans, fake_run, Model(*turns), max_turns=2)
    assert run.finish.value == "try 1"
    assert [(log.kind, log.instance, log.value) for log in run.logs] == [("react_capped", "answer_react", 2)]
    assert run.instances.count("answer_react[1][0]/add") == 0, "nobody would read that tool's answer"


def test_a_cap_without_any_text_is_an_error(plans: Any, fake_run: Any) -> None:
    run = start(plans, fake_run, Model({"content": None, "tool_calls": [call("add", a=1, b=1)]}), max_turns=1)
    assert "the last turn has no text; raise max_turns" in run.finish.failure.message


def test_a_parsed_answer_is_the_value(plans: Any, fake_run: Any) -> None:
    turn = {"content": '{"score": 1}', "tool_calls": [], "answer": {"score": 1}}
    assert start(plans, fake_run, Model(turn)).finish.value == {"score": 1}


@pytest.mark.parametrize("turn", ["text", {"content": "x", "tool_calls": [{"name": "add"}]}, {"tool_calls": 3}])
def test_what_is_no_turn_is_an_error(plans: Any, fake_run: Any, turn: Any) -> None:
    run = start(plans, fake_run, Model(turn))
    assert "a turn must be" in run.finish.failure.message
