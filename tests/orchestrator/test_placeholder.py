"""A placeholder is labelled in every free text and parses as the annotated type."""

import enum
import json
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AfterValidator, BaseModel, Field
from typing_extensions import TypedDict

from orchestrator import llm, model
from orchestrator.errors import ConversionError


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


@dataclass
class Leaf:
    text: str
    score: float = 0.7


class Tree(BaseModel):
    leaf: Leaf
    children: list["Tree"]
    note: str | None
    best: "Tree | None" = None


class Typed(TypedDict):
    names: dict[str, int]
    pair: tuple[int, str]


@dataclass
class Everything:
    colour: Colour
    level: Level
    word: Literal["a", "b"]
    day: date
    moment: datetime
    hour: time
    span: timedelta
    key: UUID
    raw: bytes
    flag: bool
    tree: Tree
    typed: Typed
    anything: Any
    short: Annotated[str, Field(max_length=5)]
    long: Annotated[str, Field(min_length=60)]
    positive: Annotated[int, Field(gt=3)]
    bounded: Annotated[float, Field(ge=-2, lt=-1)]
    below: Annotated[int, Field(le=-5)]
    narrow: Annotated[float, Field(gt=0.3, lt=0.7)]
    odd: Annotated[int, Field(ge=10, le=13, multiple_of=4)]
    even: Annotated[int, Field(gt=0, multiple_of=2)]
    some: Annotated[list[Leaf], Field(min_length=2)]
    unique: frozenset[str]
    optional: list[str] = field(default_factory=list)


def placeholder(annotation: object) -> str:
    def f() -> Any:
        return ""

    f.__annotations__["return"] = annotation
    return llm(model="m", max_tokens=9)(f).placeholder_text("tiny-1")


LABEL = "[simulated tiny-1]"


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 0),
        (bool, False),
        (list[str], []),
        (Leaf, {"text": LABEL}),
        (list[Leaf] | None, []),
        (Literal["b", "c"], "b"),
        (tuple[str, int], [LABEL, 0]),
        (Any, LABEL),
        (dict[str, int], {}),
        (None, None),
    ],
)
def test_the_smallest_value_with_a_label(annotation: object, value: object) -> None:
    assert json.loads(placeholder(annotation)) == value


def test_text_is_the_label_itself() -> None:
    assert placeholder(str) == LABEL


@pytest.mark.parametrize("annotation", [Everything, Tree, Typed, Colour, Level, date, UUID, list[Everything]])
def test_every_placeholder_parses(annotation: object) -> None:
    def f() -> Any:
        return ""

    f.__annotations__["return"] = annotation
    function = llm(model="m", max_tokens=9)(f)
    function.parse_json(function.placeholder_text("tiny-1"))


def test_nested_texts_are_labelled() -> None:
    assert json.loads(placeholder(Tree))["leaf"]["text"] == LABEL


def _refuse(value: str) -> str:
    raise ValueError("never good enough")


@pytest.mark.parametrize(
    "annotation", [Annotated[str, AfterValidator(_refuse)] | int, Annotated[str, Field(pattern="^[0-9]{3}$")]]
)
def test_what_a_schema_cannot_promise_asks_for_simulate(annotation: object) -> None:
    with pytest.raises(ConversionError) as caught:
        placeholder(annotation)
    assert "simulate=" in caught.value.remedy
    assert "'f'" in str(caught.value)


def test_a_models_placeholder_is_json() -> None:
    @model(model="m", tokens=1)
    def speak(x: str) -> str: ...

    assert speak.placeholder_text("voice-2") == '"[simulated voice-2]"'
