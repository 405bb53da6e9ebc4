"""The inputs of a run: read from the command line's text, and checked against the agent's parameters before it starts.

Types deeper than the first level are checked where they are used, by the annotations of the functions themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from orchestrator.errors import OrchestratorError
from orchestrator.graph import Graph, Json


class RunInputError(OrchestratorError):
    """The inputs do not fit the agent. `parts` maps each wrong parameter ("" for the whole) to what is wrong."""

    def __init__(self, parts: Mapping[str, str], remedy: str) -> None:
        super().__init__("; ".join(f"{name}: {wrong}" if name else wrong for name, wrong in parts.items()), remedy)
        self.parts = dict(parts)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
"""What JSON Schema's types accept."""


def read_inputs(text: str | None, graph: Graph, example: Json) -> dict[str, Json]:
    """Inputs by parameter name from `--input`: a JSON object, or `@FILE` that holds one.

    For an agent with one text parameter, anything but an object with that key is the text itself. Without `--input` the
    file's EXAMPLE_INPUT counts. Raises `RunInputError`, or OSError for an unreadable file.
    """
    if text is None:
        return _from_example(graph, example)
    if text.startswith("@"):
        text = _read(Path(text[1:]))
    value = _parsed(text)
    only = _only_text_parameter(graph)
    if only is not None and not (isinstance(value, dict) and only in value):
        return {only: text}
    if not isinstance(value, dict):
        raise RunInputError({"": "the input is not a JSON object"}, _shape(graph))
    return check_inputs(cast(dict[str, Json], value), graph)


def check_inputs(inputs: Mapping[str, Json], graph: Graph) -> dict[str, Json]:
    """The inputs with the parameters' defaults, if they name parameters and fit their types. Raises `RunInputError`."""
    parameters = _parameters(graph)
    wrong = {name: "is no parameter of the agent" for name in inputs if name not in parameters}
    required = graph.input_schema.get("required", ())
    wrong |= {name: "is missing" for name in required if name not in inputs}
    for name, value in inputs.items():
        expected = parameters.get(name, {}).get("type")
        if expected in _TYPES and not _TYPES[expected](value):
            wrong[name] = f"must be of JSON type {expected}, got {_shortened(value)}"
    if wrong:
        raise RunInputError(wrong, _shape(graph))
    defaults = {name: schema["default"] for name, schema in parameters.items() if "default" in schema}
    return {**defaults, **inputs}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RunInputError({"": f"{file} is not UTF-8 text: {error.reason}"}, "write it as UTF-8") from None


def _from_example(graph: Graph, example: Json) -> dict[str, Json]:
    if example is None:
        raise RunInputError(
            {"": "no input is given and the file has no EXAMPLE_INPUT"}, f"{_shape(graph)} with --input"
        )
    only = _only_text_parameter(graph)
    if only is not None and isinstance(example, str):
        return {only: example}
    if not isinstance(example, dict):
        raise RunInputError({"": "the file's EXAMPLE_INPUT is no dictionary of parameters"}, _shape(graph))
    return check_inputs(cast(dict[str, Json], example), graph)


def _parameters(graph: Graph) -> dict[str, dict[str, Any]]:
    return graph.input_schema.get("properties", {})


def _only_text_parameter(graph: Graph) -> str | None:
    match list(_parameters(graph).items()):
        case [(name, {"type": "string"})]:
            return name
        case _:
            return None


def _parsed(text: str) -> Json:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _shape(graph: Graph) -> str:
    parameters = ", ".join(f'"{name}": <{schema.get("type", "value")}>' for name, schema in _parameters(graph).items())
    return f"give {{{parameters}}}"


def _shortened(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
