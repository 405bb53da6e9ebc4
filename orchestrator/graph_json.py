"""A graph as a JSON document, and back without loss: what files hold and what the REST API accepts.

Reading is strict and bounded, because a document may come from anyone: unknown keys, wrong types, repeated keys, too
large or too deep documents and every rule of `graph_check` end in one `GraphError` that names the path, the value and
the remedy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn, cast

from pydantic import TypeAdapter, ValidationError

from orchestrator.errors import GraphError
from orchestrator.graph import GRAPH_FORMAT, Graph, Json
from orchestrator.graph_check import check_graph

MAX_BYTES = 2**20
"""Largest document that is read: a few thousand tasks."""

MAX_DEPTH = 120
"""Deepest nesting of lists and objects: four levels for each nested agent, loop, fan-out or branch."""


def to_json(graph: Graph) -> dict[str, Json]:
    """The document as plain JSON values."""
    return _adapter().dump_python(graph, mode="json")


def to_json_text(graph: Graph, indent: int | None = 2) -> str:
    """The document as text; the same graph always gives the same text."""
    return json.dumps(to_json(graph), indent=indent, ensure_ascii=False, allow_nan=False)


def graph_from_json(document: str | bytes | Mapping[str, Json]) -> Graph:
    """Read a document, as text or as values already parsed. Raises `GraphError` and nothing else."""
    text = _dumped(document) if isinstance(document, Mapping) else document
    if len(text) > MAX_BYTES:
        raise GraphError(f"the graph document has {len(text)} bytes; the limit is {MAX_BYTES}", "split the agent")
    if isinstance(text, bytes):
        text = _decoded(text)
    values = _loaded(text)
    _check_depth(values)
    _check_format(values)
    try:
        graph = _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        raise _refusal(error) from None
    check_graph(graph)
    return graph


@cache
def _adapter() -> TypeAdapter[Graph]:
    return TypeAdapter(Graph)


def _dumped(document: Mapping[str, Json]) -> str:
    try:
        return json.dumps(document, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise GraphError(f"the graph document is not JSON: {error}", "send JSON values only") from None


def _decoded(document: bytes) -> str:
    try:
        return document.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GraphError(f"the graph document is not UTF-8 text: {error.reason}", "write it as UTF-8") from None


def _loaded(text: str) -> Json:
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except RecursionError:
        raise GraphError("the graph document is nested too deeply", f"at most {MAX_DEPTH} levels are read") from None
    except ValueError as error:
        raise GraphError(f"the graph document is not JSON: {error}", "write it with `orchestrator graph`") from None


def _without_repeats(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    values: dict[str, Json] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key {key[:80]!r} is repeated")
        values[key] = value
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _check_depth(values: Json) -> None:
    level, depth = [values], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise GraphError("the graph document is nested too deeply", f"at most {MAX_DEPTH} levels are read")
        level = [child for value in level for child in _children(value)]


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(cast(dict[str, Json], value).values())
    return cast(list[Json], value) if isinstance(value, list) else []


def _check_format(values: Json) -> None:
    found = cast(dict[str, Any], values).get("format") if isinstance(values, dict) else None
    if found != GRAPH_FORMAT:
        raise GraphError(
            f"this is no {GRAPH_FORMAT} document: its format is {_shortened(found)}",
            "write the graph again with `orchestrator graph` of this version",
            "format",
        )


def _refusal(error: ValidationError) -> GraphError:
    details = error.errors(include_url=False, include_context=False)
    first = details[0]
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    missing = first["type"] == "missing"
    shown = "" if missing else f", got {_shortened(first['input'])}"
    remedy = "remove the key" if first["type"] == "unexpected_keyword_argument" else "correct the document"
    return GraphError(f"{first['msg']}{shown}{more}", remedy, _path(first["loc"]))


def _path(loc: tuple[int | str, ...]) -> str:
    path = ""
    previous: int | str = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not isinstance(previous, int):  # after an index stands the kind that chose the class of a task
            path += f".{part}"
        previous = part
    return path.lstrip(".") or "(the document)"


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
