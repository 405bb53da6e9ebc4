"""The file of today's placement as written, checked with pydantic at the border and turned into rules at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from costmodel.errors import FleetError
from costmodel.yaml_text import YamlText, read_yaml
from placement.today import Rule, Today, TodayError

Name = Annotated[str, Field(min_length=1, max_length=200)]


class Document(BaseModel):
    """A part of the file; unknown keys are errors, text is not turned into numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PlaceDocument(Document):
    """A place with the replicas of each pool that is used there; a bare text is the place alone."""

    place: Name
    replicas: Annotated[int, Field(ge=1, le=100_000)] | None = None


def _stated(value: object) -> object:
    return {"place": value} if isinstance(value, str) else value


Places = dict[Name, Annotated[PlaceDocument, BeforeValidator(_stated)]]


class AgentDocument(Document):
    """The rules of one agent."""

    operators: Places


class TodayDocument(Document):
    """The whole file: rules of all agents, and of single ones."""

    name: Name = "today"
    operators: Places = {}
    agents: dict[Name, AgentDocument] = {}


PARTS = (TodayDocument, AgentDocument, PlaceDocument)


def load_today(path: Path | str) -> Today:
    """The rules of a YAML file. Raises `TodayError` with file, line, key and remedy."""
    path = Path(path)
    try:
        text = read_yaml(path, "file of today's placement")
    except FleetError as error:
        raise TodayError(str(error)) from error
    try:
        document = TodayDocument.model_validate(text.value)
    except ValidationError as error:
        told = "; ".join(_message(path, text, each) for each in error.errors())
        raise TodayError(f"{told}; write name, operators (operator: place) and agents (agent: operators)") from error
    if not document.operators and not document.agents:
        raise TodayError(f"{path}: no operator is placed; write operators: with lines such as `answer.*: h100_sxm`")
    common = _rules(document.operators, path, text, ())
    agents = {name: _rules(each.operators, path, text, ("agents", name)) for name, each in document.agents.items()}
    return Today(document.name, common, agents)


def _rules(places: Places, path: Path, text: YamlText, at: tuple[str, ...]) -> tuple[Rule, ...]:
    found: list[Rule] = []
    for pattern, stated in places.items():
        where = f"{path}:{text.line((*at, 'operators', pattern))}"
        found.append(Rule(pattern, stated.place, stated.replicas, where))
    return tuple(found)


def _message(path: Path, text: YamlText, mistake: Mapping[str, Any]) -> str:
    location = mistake["loc"]
    where = f"{path}:{text.line(location)}: {'.'.join(map(str, location)) or 'the file'}"
    return f"{where}: {mistake['msg'].removeprefix('Value error, ')}, got {mistake['input']!r}"
