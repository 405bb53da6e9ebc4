"""Arguments and results cross the border between JSON and the user's types by their annotations."""

import enum
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from orchestrator import ToolCall, ToolCalls, compute, llm, memory, model, tool
from orchestrator.codec import codec_of
from orchestrator.errors import ConversionError, EagerError, ParseError, TraceError


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Doc:
    title: str
    when: date = date(2000, 1, 1)


class Model(BaseModel):
    name: str = Field(alias="n")
    colour: Colour = Colour.RED


def test_arguments_become_the_annotated_types_and_results_json() -> None:
    seen: list[Any] = []

    @compute
    def f(doc: Doc, colour: Colour, raw: bytes, items: list[Model], key: UUID) -> dict[str, Any]:
        seen.extend([doc, colour, raw, items, key])
        return {"doc": doc, "colour": colour, "key": key, "items": items}

    arguments = {
        "doc": {"title": "t", "when": "2024-02-29"},
        "colour": "blue",
        "raw": "_wA=",
        "items": [{"n": "alias"}, {"name": "by name", "colour": "blue"}],
        "key": "00000000-0000-0000-0000-000000000001",
    }
    result = f.invoke_json(arguments)
    assert seen[:3] == [Doc("t", date(2024, 2, 29)), Colour.BLUE, b"\xff\x00"]
    assert [item.name for item in seen[3]] == ["alias", "by name"]
    assert result["doc"] == {"title": "t", "when": "2024-02-29"}
    assert (result["colour"], result["key"]) == ("blue", arguments["key"])
    assert result["items"] == [{"name": "alias", "colour": "red"}, {"name": "by name", "colour": "blue"}]


def test_what_one_step_gives_the_next_can_take() -> None:
    @compute
    def make() -> tuple[Model, Doc, list[bytes]]:
        return Model(n="x"), Doc("d"), [b"\xff"]

    @compute
    def take(model: Model, doc: Doc, raw: list[bytes]) -> bool:
        return (model.name, doc, raw) == ("x", Doc("d"), [b"\xff"])

    first, second, third = make.invoke_json({})
    assert take.invoke_json({"model": first, "doc": second, "raw": third}) is True


def test_every_kind_of_parameter() -> None:
    @compute
    def f(a: int, /, b: int = 2, *rest: float, c: str = "c", **more: list[int]) -> list[Any]:
        return [a, b, rest, c, more]

    assert f.invoke_json({"a": 1}) == [1, 2, [], "c", {}]
    everything = {"a": 1, "b": 3, "rest": [1.5, 2], "c": "d", "more": {"x": [1]}}
    assert f.invoke_json(everything) == [1, 3, [1.5, 2.0], "d", {"x": [1]}]


def test_names_that_pydantic_keeps_for_itself() -> None:
    @compute
    def f(schema: int, json: int, model_config: int, self: int, copy: int = 4) -> int:
        return schema + json + model_config + self + copy

    assert f.invoke_json({"schema": 1, "json": 2, "model_config": 3, "self": 5}) == 15  # 1 + 2 + 3 + 5 + 4
    assert set(codec_of(f).arguments_schema()["properties"]) == {"schema", "json", "model_config", "self", "copy"}


def test_a_default_is_used_as_it_is_even_if_it_is_no_json() -> None:
    marker = object()

    @compute
    def f(x: Any = marker) -> bool:
        return x is marker

    assert f.invoke_json({}) is True
    assert "default" not in codec_of(f).arguments_schema()["properties"]["x"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "the arguments of f: n: Field required"),
        ({"n": "many"}, "n: Input should be a valid integer"),
        ({"n": 1, "z": 2}, "z: Extra inputs are not permitted, got 2"),
        ({"n": 1, "doc": {"titel": "x"}}, "doc.title: Field required"),
        ({"n": {"deep": "x" * 9999}}, "n: Input should be a valid integer"),
    ],
)
def test_arguments_that_do_not_fit_say_which(arguments: dict[str, Any], problem: str) -> None:
    @tool
    def f(n: int, doc: Doc | None = None) -> int:
        return n

    with pytest.raises(ConversionError) as caught:
        f.invoke_json(arguments)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 600
    assert f.argument_problem(arguments) == str(caught.value)
    assert f.argument_problem({"n": 1}) is None


class Opaque:
    pass


@pytest.mark.parametrize(
    ("annotation", "value", "problem"),
    [
        (int, "x", "the result of f: Input should be a valid integer"),
        (Doc, {"when": "2024-01-01"}, "the result of f: title: Field required"),
        (float, float("nan"), "contains nan"),
        (list[Any], [{"deep": [float("inf")]}], "contains inf"),
        (str, "half of a pair: \ud83d", "contains half of a surrogate pair"),
        (dict[str, str], {"name": "\udcff.txt"}, "contains half of a surrogate pair"),
        (Any, Opaque(), "has no JSON form"),
        (dict[str, Any], {"x": Opaque()}, "has no JSON form"),
        (Any, {"raw": b"\xff"}, None),
    ],
)
def test_results_that_do_not_fit_or_have_no_json_form(annotation: Any, value: object, problem: str | None) -> None:
    def f() -> Any:
        return value

    f.__annotations__["return"] = annotation
    if problem is None:
        assert compute(f).invoke_json({}) == {"raw": "_w=="}
        return
    with pytest.raises(ConversionError) as caught:
        compute(f).invoke_json({})
    assert problem in str(caught.value)


@dataclass
class Recording:
    audio: bytes
    parts: list["Recording"]


class RecordingModel(BaseModel):
    audio: bytes


def test_bytes_are_base64_also_inside_dataclasses() -> None:
    @compute
    def f(r: Recording) -> Recording:
        return Recording(r.audio * 2, [r])

    inner = {"audio": "_w==", "parts": []}
    assert f.invoke_json({"r": inner}) == {"audio": "__8=", "parts": [inner]}


def test_a_model_whose_bytes_are_no_text_is_an_error_with_a_remedy() -> None:
    @compute
    def f() -> RecordingModel:
        return RecordingModel(audio=b"\xff")

    with pytest.raises(ConversionError, match="bytes as base64"):
        f.invoke_json({})


def test_an_annotation_without_a_json_form_names_the_function() -> None:
    @compute
    def f(x: Opaque) -> int:
        return 1

    with pytest.raises(TraceError, match="'f': its arguments have no JSON form"):
        f.invoke_json({"x": 1})


def test_async_functions_and_exceptions_of_the_user() -> None:
    @tool
    async def f(n: int) -> float:
        return 1 / n

    assert f.invoke_json({"n": 2}) == 0.5
    with pytest.raises(ZeroDivisionError):
        f.invoke_json({"n": 0})


def test_a_lookup_keeps_k_results_on_the_wire_too() -> None:
    @memory(k=1)
    def f() -> list[int]:
        return [1, 2]

    assert f.invoke_json({}) == [1]


def test_a_body_that_is_missing_is_an_error() -> None:
    @tool
    def f() -> int: ...

    with pytest.raises(EagerError, match="no code to run"):
        f.invoke_json({})


@llm(model="m", max_tokens=9)
def ask(doc: Doc, style: str = "short") -> list[Doc]:
    """You sort.

    Carefully.
    """
    return f"{style}: {doc.title}"


@llm(model="m", max_tokens=9)
def say(x: str) -> str:
    return x


def test_a_prompt_is_the_docstring_with_the_answers_schema_and_the_bodys_text() -> None:
    messages = ask.render_json({"doc": {"title": "t"}})["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[1]["content"] == "short: t"
    system = messages[0]["content"]
    assert system.startswith("You sort.\n\nCarefully.\n\nAnswer with one JSON value")
    assert '"type": "array"' in system
    assert "$defs" in system
    assert say.render_json({"x": "hello"}) == {"messages": [{"role": "user", "content": "hello"}]}


def test_a_body_that_gives_no_text_is_refused() -> None:
    @llm(model="m", max_tokens=9)
    def wrong() -> Doc:
        return Doc("not a prompt")

    with pytest.raises(ConversionError, match="returned Doc, not text"):
        wrong.render_json({})


@pytest.mark.parametrize(
    "text",
    [
        '[{"title": "a"}]',
        ' [{"title": "a"}]\n',
        '```json\n[{"title": "a"}]\n```',
        '```\n[{"title": "a"}]\n```',
        'Sure!\n```json\n[{"title": "a"}]\n```\nBye.',
    ],
)
def test_answers_are_json_plain_or_fenced(text: str) -> None:
    assert ask.parse_json(text) == [{"title": "a", "when": "2000-01-01"}]


@pytest.mark.parametrize(
    "text",
    [
        *("", "none", '{"title": "a"}', '[{"titel": "a"}]', '[{"title": "a"}', '[{"title": "a"}]]', "```json\n[\n```"),
        *('[{"title": "a"}], "extra": 1', "[" * 10_000),
    ],
)
def test_answers_that_do_not_fit_are_value_errors_that_say_so(text: str) -> None:
    with pytest.raises(ValueError, match="the answer of ask does not fit its return annotation") as caught:
        ask.parse_json(text)
    assert isinstance(caught.value, ParseError)
    assert len(str(caught.value)) < 900


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (str, "```\nkept as it is\n```", "```\nkept as it is\n```"),
        (int, " 42 ", 42),
        (bool, "true", True),
        (float, "0.5", 0.5),
        (Colour, "red", "red"),
        (Colour, '"red"', "red"),
        (Literal["yes", "no"], "yes", "yes"),
        (date, "2024-02-29", "2024-02-29"),
        (str | None, "words", "words"),
        (str | None, "null", None),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Any, "[1, null]", [1, None]),
        (Any, "words", "words"),
    ],
)
def test_answers_of_other_types(annotation: Any, text: str, value: object) -> None:
    def f() -> Any:
        return ""

    f.__annotations__["return"] = annotation
    assert llm(model="m", max_tokens=9)(f).parse_json(text) == value


def test_an_llm_without_a_return_annotation_answers_text() -> None:
    def f():
        return ""

    assert llm(model="m", max_tokens=9)(f).parse_json("{}") == "{}"


def test_simulated_answers_as_json() -> None:
    def simulating(simulate: object) -> Any:
        return llm(model="m", max_tokens=9, simulate=simulate)(ask.__wrapped__)

    arguments = {"doc": {"title": "t"}}
    assert simulating(None).simulate_json(arguments) is None
    assert simulating("text").simulate_json(arguments) == "text"
    assert simulating(lambda doc, style: [doc]).simulate_json(arguments) == '[{"title": "t", "when": "2000-01-01"}]'
    turn = simulating(lambda *_, messages: ToolCalls([ToolCall("search", {"n": len(messages)})], "hm"))
    assert turn.simulate_json(arguments, [1, 2]) == {
        "content": "hm",
        "tool_calls": [{"name": "search", "arguments": {"n": 2}}],
    }
    with pytest.raises(ConversionError, match="the result of ask"):
        simulating([Doc]).simulate_json(arguments)


def test_simulated_models_give_their_value() -> None:
    @model(model="m", tokens=1, simulate=lambda doc: [len(doc.title), 0.5])
    def embed(doc: Doc) -> list[float]: ...

    assert embed.simulate_json({"doc": {"title": "abc"}}) == [3.0, 0.5]

    @model(model="m", tokens=1)
    def plain(doc: Doc) -> list[float]:
        return [1]

    assert plain.simulate_json({"doc": {"title": "abc"}}) is None
    assert plain.invoke_json({"doc": {"title": "abc"}}) == [1.0]
