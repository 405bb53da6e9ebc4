"""What each kind of operator runs of a user's function, and how tracebacks are cut."""

from typing import Any

import pytest

from runtime.drivers.user_code import ArgumentsError, perform, user_traceback
from runtime.functions import check_source, load


@pytest.fixture
def function(user_code: Any) -> Any:
    return lambda name: load(user_code.function(name), user_code.root)


def test_a_render_puts_earlier_turns_behind_the_prompt(function: Any) -> None:
    earlier = [{"role": "assistant", "content": "hm"}]
    rendered = perform("llm.render", function("ask"), {"question": "x"}, earlier, in_turn=True)
    assert rendered == {"messages": [{"role": "user", "content": "Q: x"}, *earlier]}


def test_a_parse_outside_a_react_gives_the_value(function: Any) -> None:
    assert perform("llm.parse", function("ask"), {"text": " yes "}, None, in_turn=False) == "yes"
    with pytest.raises(ValueError, match="called tools in a call without tools"):
        perform("llm.parse", function("ask"), {"text": {"content": None, "tool_calls": []}}, None, in_turn=False)


class Strict:
    kind = "llm"

    def parse_json(self, text: str) -> int:
        return int(text)


def test_a_parse_in_a_turn_keeps_the_text_and_its_value() -> None:
    def parse(answer: Any) -> Any:
        return perform("llm.parse", Strict(), {"text": answer}, None, in_turn=True)

    assert parse("7") == {"content": "7", "tool_calls": [], "answer": 7}
    calls = [{"name": "add", "arguments": {}}]
    assert parse({"content": None, "tool_calls": calls}) == {"content": None, "tool_calls": calls}
    assert parse({"content": "8", "tool_calls": calls})["answer"] == 8
    assert "invalid literal" in parse({"content": "let me see", "tool_calls": calls})["answer_problem"]
    with pytest.raises(ValueError, match="invalid literal"):
        parse("seven")


class Accepting:
    kind = "agent"

    def argument_problem(self, arguments: Any) -> str | None:
        return None if "x" in arguments else "x is missing"

    def accept_json(self, arguments: Any) -> Any:
        return {"y": 2, **arguments}


def test_an_agents_function_checks_what_a_model_chose_and_adds_defaults() -> None:
    assert perform("agent.compute", Accepting(), {}, {"x": 1}, in_turn=False) == {"x": 1, "y": 2}
    with pytest.raises(ArgumentsError, match="x is missing"):
        perform("agent.compute", Accepting(), {}, {}, in_turn=False)


def test_a_traceback_begins_at_the_users_file_and_tells_causes(function: Any, user_code: Any) -> None:
    source = str(check_source(user_code.function("divide"), user_code.root))
    try:
        try:
            perform("tool.compute", function("divide"), {"a": 1, "b": 0}, None, in_turn=False)
        except ZeroDivisionError as cause:
            raise RuntimeError("outer") from cause
    except RuntimeError as error:
        told = user_traceback(error, source)
    assert "ZeroDivisionError" in told
    assert "RuntimeError: outer" in told
    assert "in inner" in told
    assert "user_code.py" not in told


def test_an_error_outside_the_users_code_has_no_traceback() -> None:
    with pytest.raises(ValueError, match="of ours") as error:
        raise ValueError("of ours")
    assert user_traceback(error.value, "/nowhere.py") == ""
