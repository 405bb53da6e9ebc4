"""Labelled stand-ins for the answer of a model that is not there: the smallest value that its annotation allows.

Every text in it says that it is simulated, so a report cannot be mistaken for a model's work.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from orchestrator.codec import codec_of
from orchestrator.errors import ConversionError
from orchestrator.function import defined_at
from orchestrator.graph import Json
from orchestrator.llm_function import LlmFunction
from orchestrator.model_function import ModelFunction

_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "http://simulated.invalid/",
    "email": "simulated@example.com",
    "binary": "",
    "base64": "",
    "base64url": "",
}
_MAX_DEPTH = 30


def placeholder_text(function: LlmFunction[..., Any] | ModelFunction[..., Any], model: str) -> str:
    """Text that parses as the return annotation, with `[simulated <model>]` in every free text.

    Raises `ConversionError` when the annotation asks for more than its JSON Schema says.
    """
    label = f"[simulated {model}]"
    if function.returns is str:
        return label if isinstance(function, LlmFunction) else json.dumps(label)
    codec = codec_of(function)
    schema = codec.result_schema()
    text = json.dumps(_value(schema, cast(Mapping[str, Json], schema.get("$defs", {})), label, 0), ensure_ascii=False)
    try:
        codec.parse(text)
    except ConversionError as error:
        raise ConversionError(
            f"no placeholder fits the return annotation of {function.__name__!r}: {error.problem}",
            "write simulate= in the decorator",
            defined_at(function.__wrapped__),
        ) from None
    return text


def _value(schema: Mapping[str, Json], definitions: Mapping[str, Json], label: str, depth: int) -> Json:
    if depth > _MAX_DEPTH:
        return None
    if "$ref" in schema:
        return _value(definitions[cast(str, schema["$ref"]).rpartition("/")[2]], definitions, label, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _value(schema[key][0], definitions, label, depth + 1)
    match schema.get("type"):
        case "string":
            return _text(schema, label)
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
        case "array":
            return _array(schema, definitions, label, depth)
        case "object":
            properties = cast(Mapping[str, Json], schema.get("properties", {}))
            required = cast(list[str], schema.get("required", []))
            return {name: _value(properties[name], definitions, label, depth + 1) for name in required}
        case "null":
            return None
        case _:
            return label


def _text(schema: Mapping[str, Json], label: str) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    shortest, longest = int(schema.get("minLength", 0)), int(schema.get("maxLength", 10_000))
    return label.ljust(shortest, ".")[:longest]


def _number(schema: Mapping[str, Json]) -> float:
    """Zero, or a number near the limits that they allow."""
    step = schema.get("multipleOf", 1)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    candidates: list[float] = [0]
    if low is not None:
        candidates += [low, low + step, math.ceil(low / step) * step, math.floor(low / step + 1) * step]
    if high is not None:
        candidates += [high, high - step, math.floor(high / step) * step, math.ceil(high / step - 1) * step]
    if low is not None and high is not None:
        candidates.append((low + high) / 2)
    return next((number for number in candidates if _is_allowed(number, schema)), 0)


def _is_allowed(number: float, schema: Mapping[str, Json]) -> bool:
    whole = schema["type"] == "number" or number == int(number)
    above = number >= schema.get("minimum", number) and number > schema.get("exclusiveMinimum", -math.inf)
    below = number <= schema.get("maximum", number) and number < schema.get("exclusiveMaximum", math.inf)
    return whole and above and below and number % schema.get("multipleOf", number or 1) == 0


def _array(schema: Mapping[str, Json], definitions: Mapping[str, Json], label: str, depth: int) -> list[Json]:
    prefix = [_value(part, definitions, label, depth + 1) for part in cast(list[Any], schema.get("prefixItems", []))]
    missing = max(int(schema.get("minItems", 0)) - len(prefix), 0)
    return prefix + [_value(schema.get("items") or {}, definitions, label, depth + 1) for _ in range(missing)]
