"""Values between operators are JSON; a user's function sees its own types. This is the border between the two.

pydantic reads and writes by the function's annotations. Bytes are base64 text, also inside dataclasses; a pydantic
model decides for itself. Models built here give every field an internal name, so a parameter may be called anything.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Mapping
from inspect import Parameter, getdoc
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from orchestrator.errors import ConversionError, OrchestratorError, ParseError, TraceError
from orchestrator.function import Function, defined_at
from orchestrator.graph import Json
from orchestrator.llm_function import LlmFunction
from orchestrator.model_function import ModelFunction
from orchestrator.turns import ToolCalls, Turn, turn_json

if TYPE_CHECKING:
    from orchestrator.agent_function import AgentFunction

_CONFIG = ConfigDict(extra="forbid", ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants")
_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_ANY: TypeAdapter[Any] = TypeAdapter(Any)
_ANSWER_RULE = "Answer with one JSON value and nothing else. It must fit this JSON Schema:"


class _SchemaGenerator(GenerateJsonSchema):
    """Leaves out a default that JSON cannot say, without a warning: an agent's defaults are checked when it is
    traced."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Says nothing about such a default."""
        if kind != "non-serializable-default":
            super().emit_warning(kind, detail)


class Codec:
    """The converters of one function, built once."""

    def __init__(self, function: Function[..., Any]) -> None:
        self.function = function
        self._parameters = list(function.signature.parameters.values())
        fields = {f"field_{n}": (self._type(p), _field(p)) for n, p in enumerate(self._parameters)}
        self._arguments = self._model(fields, "arguments")
        self._result = self._model({"value": (function.returns, ...)}, "result")

    def load_arguments(self, arguments: Mapping[str, Json]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """JSON arguments by parameter name as the positional and keyword arguments of the function."""
        model = self._validated(self._arguments, arguments, f"the arguments of {self.function.__name__}")
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for number, parameter in enumerate(self._parameters):
            key = f"field_{number}"
            given = key in model.model_fields_set
            value = getattr(model, key) if given else parameter.default
            match parameter.kind:
                case Parameter.VAR_POSITIONAL:
                    positional.extend(value if given else ())
                case Parameter.VAR_KEYWORD:
                    named.update(value if given else {})
                case Parameter.KEYWORD_ONLY:
                    named[parameter.name] = value
                case _:
                    positional.append(value)
        return tuple(positional), named

    def accept(self, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """JSON arguments by parameter name as the annotations read them, with the default of what is left out."""
        what = f"the arguments of {self.function.__name__}"
        model = self._validated(self._arguments, arguments, what)
        given = _dumped(model, what, exclude_unset=True)
        return {
            p.name: given[key] if (key := f"field_{n}") in given else _ANY.dump_python(p.default, mode="json")
            for n, p in enumerate(self._parameters)
        }

    def dump_result(self, value: object) -> Json:
        """A result as JSON, checked against the return annotation."""
        what = f"the result of {self.function.__name__}"
        model = self._validated(self._result, {"value": value}, what)
        return _dumped(model, what)["value"]

    def load_result(self, value: Json) -> Any:
        """A JSON result as the annotated type."""
        what = f"the result of {self.function.__name__}"
        return getattr(self._validated(self._result, {"value": value}, what), "value")  # noqa: B009  # a dynamic field

    def parse(self, text: str) -> Any:
        """The answer of a language model as the annotated type; see `parse_json`."""
        if self.function.returns is str:
            return text
        candidate = _unfenced(text)
        try:
            model = self._result.model_validate_json(f'{{"value": {candidate}}}')
        except ValidationError as error:
            try:  # `Literal`, `Enum` and dates are answered as bare words
                model = self._result.model_validate({"value": candidate})
            except ValidationError:
                raise ParseError(
                    f"the answer of {self.function.__name__} does not fit its return annotation: {_first(error)}",
                    f"it was {_shortened(text)!r}",
                ) from None
        return getattr(model, "value")  # noqa: B009  # a dynamic field

    def arguments_schema(self) -> dict[str, Json]:
        """JSON Schema of the arguments as one object."""
        return _schema(self._arguments, self.function.__name__)

    def result_schema(self) -> dict[str, Json]:
        """JSON Schema of the result."""
        whole = _schema(self._result, self.function.__name__)
        value = cast(dict[str, Json], whole["properties"]["value"])
        value.pop("title", None)
        return {**value, "$defs": whole["$defs"]} if "$defs" in whole else value

    def _type(self, parameter: Parameter) -> Any:
        annotation = self.function.hints.get(parameter.name, Any)
        if parameter.kind is parameter.VAR_POSITIONAL:
            return list[annotation]
        return dict[str, annotation] if parameter.kind is parameter.VAR_KEYWORD else annotation

    def _model(self, fields: dict[str, Any], what: str) -> type[BaseModel]:
        try:
            return create_model(self.function.__name__, __config__=_CONFIG, **fields)
        except (PydanticUserError, NameError) as error:
            raise TraceError(
                f"{self.function.__name__!r}: its {what} have no JSON form: {str(error).splitlines()[0]}",
                "use JSON types, dataclasses, TypedDict, enums, dates or pydantic models",
                defined_at(self.function.__wrapped__),
            ) from None

    def _validated(self, model: type[BaseModel], value: Mapping[str, Any], what: str) -> BaseModel:
        try:
            return model.model_validate(value, by_alias=True, by_name=True)
        except ValidationError as error:
            raise ConversionError(f"{what}: {_first(error)}", f"it must fit {self.function.signature}") from None
        except RecursionError:
            raise ConversionError(f"{what} is nested too deeply", "flatten it") from None


def codec_of(function: Function[..., Any]) -> Codec:
    """The converters of a function. Raises `TraceError` when its annotations have no JSON form."""
    known = function.__dict__.get("_codec")
    if not isinstance(known, Codec):
        known = function.__dict__["_codec"] = Codec(function)
    return known


def invoke_json(function: Function[..., Any], arguments: Mapping[str, Json]) -> Json:
    """Run a function's body on JSON arguments. Raises `ConversionError`, or whatever the body raises."""
    codec = codec_of(function)
    args, kwargs = codec.load_arguments(arguments)
    return codec.dump_result(function.call_body(args, kwargs))


def argument_problem(function: Function[..., Any], arguments: Mapping[str, Json]) -> str | None:
    """Why arguments that a model chose do not fit, as text for the model; None when they do."""
    try:
        codec_of(function).load_arguments(arguments)
    except ConversionError as error:
        return str(error)
    return None


def accept_json(function: Function[..., Any], arguments: Mapping[str, Json]) -> dict[str, Json]:
    """See `Codec.accept`. Raises `ConversionError`."""
    return codec_of(function).accept(arguments)


def render_json(function: LlmFunction[..., Any], arguments: Mapping[str, Json]) -> Json:
    """Run the body, which writes the user's prompt: `{"messages": [{"role", "content"}]}`."""
    args, kwargs = codec_of(function).load_arguments(arguments)
    return {"messages": messages(function, function.call_body(args, kwargs))}


def messages(function: LlmFunction[..., Any], prompt: object) -> list[Json]:
    """The docstring as system prompt, with the JSON Schema of a structured answer, and the prompt."""
    if not isinstance(prompt, str):
        raise ConversionError(
            f"the body of @llm {function.__name__!r} returned {type(prompt).__name__}, not text",
            "return the user's prompt; the call itself yields the annotated type",
            defined_at(function.__wrapped__),
        )
    text = system_prompt(function)
    return [*([{"role": "system", "content": text}] if text else []), {"role": "user", "content": prompt}]


def system_prompt(function: LlmFunction[..., Any]) -> str:
    """The text before every prompt of a function; empty where it has no docstring and answers with text."""
    parts = [getdoc(function.__wrapped__) or ""]
    if function.returns is not str:
        schema = json.dumps(codec_of(function).result_schema(), ensure_ascii=False)
        parts.append(f"{_ANSWER_RULE}\n{schema}")
    return "\n\n".join(part for part in parts if part)


def parse_json(function: LlmFunction[..., Any], text: str) -> Json:
    """The JSON value of an answer: text itself for `str`, otherwise JSON, fenced or not. Raises `ParseError`."""
    codec = codec_of(function)
    return codec.dump_result(codec.parse(text))


def simulate_json(
    function: LlmFunction[..., Any] | ModelFunction[..., Any], arguments: Mapping[str, Json], sent: list[Json] | None
) -> Json:
    """What `simulate=` says: JSON of a model, text or an assistant turn of an llm; None without `simulate=`."""
    if function.simulate is None:
        return None
    args, kwargs = codec_of(function).load_arguments(arguments)
    if isinstance(function, ModelFunction):
        return codec_of(function).dump_result(simulated_value(function, args, kwargs, None))
    turn = simulated_turn(function, args, kwargs, sent or [])
    return turn_json(turn) if turn.tool_calls else turn.content


def simulated_value(
    function: LlmFunction[..., Any] | ModelFunction[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    sent: list[Json] | None,
) -> Any:
    """`simulate=` itself, or what it returns for these arguments and, if it takes them, these messages."""
    from inspect import signature

    if not callable(function.simulate):
        return function.simulate
    simulate = cast(Callable[..., Any], function.simulate)
    takes = signature(simulate).parameters
    extra = {"messages": sent} if "messages" in takes and "messages" not in function.signature.parameters else {}
    return simulate(*args, **kwargs, **extra)


def simulated_turn(
    function: LlmFunction[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], sent: list[Json]
) -> Turn:
    """The simulated answer of a text generator as a turn."""
    value = simulated_value(function, args, kwargs, sent)
    if isinstance(value, ToolCalls):
        return Turn(value.content, tuple(value.calls), simulated=True)
    if isinstance(value, str):
        return Turn(value, simulated=True)
    return Turn(json.dumps(codec_of(function).dump_result(value), ensure_ascii=False), simulated=True)


def input_schema(agent: AgentFunction[..., Any]) -> dict[str, Json]:
    """JSON Schema of an agent's inputs."""
    return codec_of(agent).arguments_schema()


def output_schema(agent: AgentFunction[..., Any]) -> dict[str, Json]:
    """JSON Schema of an agent's result."""
    return codec_of(agent).result_schema()


def _field(parameter: Parameter) -> Any:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return Field(default_factory=list, alias=parameter.name)
    if parameter.kind is parameter.VAR_KEYWORD:
        return Field(default_factory=dict, alias=parameter.name)
    return Field(... if parameter.default is parameter.empty else parameter.default, alias=parameter.name)


def _dumped(model: BaseModel, what: str, exclude_unset: bool = False) -> dict[str, Json]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            value = model.model_dump(mode="json", exclude_unset=exclude_unset)
    except (ValueError, UserWarning, RecursionError) as error:
        raise ConversionError(
            f"{what} has no JSON form: {error}", "return JSON types, dataclasses or pydantic models; bytes as base64"
        ) from None
    _check_json(value, what)
    return value


def _check_json(value: Json, what: str) -> None:
    """Refuses what Python writes as JSON and other readers refuse: numbers that are not finite, half characters."""
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, float) and not math.isfinite(part):
            raise ConversionError(f"{what} contains {part!r}, which has no JSON form", "return None or a finite number")
        if isinstance(part, str) and not _is_unicode(part):
            raise ConversionError(
                f"{what} contains half of a surrogate pair ({part[:40]!a}), which has no JSON form",
                "decode the text with errors='replace'",
            )
        if isinstance(part, dict):
            pending.extend(cast(dict[str, Json], part).values())
        elif isinstance(part, list):
            pending.extend(cast(list[Json], part))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _schema(model: type[BaseModel], name: str) -> dict[str, Json]:
    try:
        return model.model_json_schema(mode="validation", schema_generator=_SchemaGenerator)
    except PydanticUserError as error:
        raise OrchestratorError(
            f"the annotations of {name!r} have no JSON Schema: {str(error).splitlines()[0]}", "use JSON types"
        ) from None


def _unfenced(text: str) -> str:
    found = _FENCE.search(text)
    return (found[1] if found else text).strip()


def _first(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_context=False)
    first = details[0]
    path = ".".join(str(part) for part in first["loc"] if part != "value")
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    shown = "" if first["type"] in ("missing", "json_invalid") else f", got {_shortened(repr(first['input']))}"
    return f"{path + ': ' if path else ''}{first['msg']}{shown}{more}"


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "..."
