"""Inputs come from text, a file or the agent file's example, and what does not fit is named before anything starts."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.graph import Body, FunctionRef, Graph
from orchestrator.run_input import RunInputError, check_inputs, read_inputs


def graph(properties: dict[str, Any], required: list[str]) -> Graph:
    schema = {"type": "object", "properties": properties, "required": required}
    return Graph("a", FunctionRef("a.py", "a", "0" * 64), Body(tuple(properties), (), "1"), None, schema, {})


QUESTION = graph({"question": {"type": "string"}}, ["question"])
TWO = graph({"name": {"type": "string"}, "count": {"type": "integer", "default": 3}}, ["name"])


@pytest.mark.parametrize("text", ["What is it?", "42", '"quoted"', "[1, 2]", '{"other": 1}', "{not json", "NaN"])
def test_a_text_parameter_takes_the_text_as_it_stands(text: str) -> None:
    assert read_inputs(text, QUESTION, None) == {"question": text}


def test_an_object_with_the_parameters_name_is_read_as_one() -> None:
    assert read_inputs('{"question": "hi"}', QUESTION, None) == {"question": "hi"}


def test_an_input_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text(json.dumps({"name": "n", "count": 1}))
    assert read_inputs(f"@{file}", TWO, None) == {"name": "n", "count": 1}


def test_an_absent_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_inputs(f"@{tmp_path / 'absent.json'}", TWO, None)


def test_without_input_the_example_counts() -> None:
    assert read_inputs(None, QUESTION, "an example") == {"question": "an example"}
    assert read_inputs(None, TWO, {"name": "n"}) == {"name": "n", "count": 3}


@pytest.mark.parametrize("example", [None, 3, ["n"]])
def test_without_input_and_example_there_is_nothing_to_run(example: object) -> None:
    with pytest.raises(RunInputError, match="EXAMPLE_INPUT"):
        read_inputs(None, TWO, example)


@pytest.mark.parametrize("text", ["hello", "[1]", "{broken", '{"name": NaN}'])
def test_several_parameters_need_an_object(text: str) -> None:
    with pytest.raises(RunInputError, match=r'not a JSON object; give \{"name": <string>, "count": <integer>\}'):
        read_inputs(text, TWO, None)


def test_every_wrong_part_is_named() -> None:
    with pytest.raises(RunInputError) as caught:
        check_inputs({"count": "three", "colour": "red"}, TWO)
    assert caught.value.parts == {
        "colour": "is no parameter of the agent",
        "name": "is missing",
        "count": 'must be of JSON type integer, got "three"',
    }


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("string", "a", 1),
        ("integer", 1, True),
        ("integer", -1, 1.5),
        ("number", 1.5, "1.5"),
        ("boolean", False, 0),
        ("array", [], {}),
        ("object", {}, []),
        ("null", None, 0),
    ],
)
def test_the_first_level_of_types_is_checked(kind: str, good: object, bad: object) -> None:
    one = graph({"value": {"type": kind}}, ["value"])
    assert check_inputs({"value": good}, one) == {"value": good}
    with pytest.raises(RunInputError, match=f"must be of JSON type {kind}"):
        check_inputs({"value": bad}, one)


def test_a_parameter_of_any_type_takes_anything() -> None:
    anything = graph({"value": {}}, ["value"])
    assert check_inputs({"value": [1, None]}, anything) == {"value": [1, None]}
