"""The load file as written: its keys, types and ranges, checked with pydantic at the border.

Turned into the frozen records of `load` at once; nothing else sees these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from costmodel.errors import FleetError
from costmodel.names import nearest
from costmodel.yaml_text import YamlText, read_yaml
from ir.duration import DurationError, parse_duration_s
from ir.sla import Sla, SlaError, parse_sla
from placement.load import (
    DEFAULT_MARGIN,
    INTERVAL,
    MOST_MARGIN,
    AgentDemand,
    DataRule,
    Load,
    LoadError,
    Margin,
    StatedCount,
    StatedLimits,
    StatedTokens,
)
from placement.shared_problem import Budget

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
_SECONDS_PER_HOUR = 3600.0


class Document(BaseModel):
    """A part of the file; unknown keys are errors, text is not turned into numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CountDocument(Document):
    """Tokens: their mean (the agent's own if not given) and either deviation over mean or 95th percentile."""

    mean: Positive | None = None
    cv: Amount | None = None
    p95: Positive | None = None


class TokensDocument(Document):
    """Tokens of a function's calls, stated or from a CSV trace beside this file."""

    in_: CountDocument = Field(CountDocument(), alias="in")
    out: CountDocument = CountDocument()
    trace: Name | None = None


class LimitsDocument(Document):
    """Limits of a model's calls: `ttft` as an SLA of the first token, `tpot` as a duration of each token."""

    ttft: str | None = None
    tpot: str | None = None


class DataDocument(Document):
    """Data that stays at a site, for some operators or for all."""

    site: Name
    operators: list[Name] = []


class AgentDocument(Document):
    """One agent: its rate (one of two keys) and what else is asked for it."""

    agent: Name
    rate_per_s: Positive | None = None
    runs_per_hour: Positive | None = None
    arrival_cv2: Amount = 1.0
    sla: str | None = None
    tenant: Name | None = None
    tokens: dict[str, TokensDocument] = {}
    limits: dict[str, LimitsDocument] = {}
    pins: dict[str, Name] = {}
    include: Annotated[list[Name], Field(min_length=1)] | None = None
    exclude: list[Name] = []
    data: DataDocument | None = None


class BudgetDocument(Document):
    """Upper limits of all replicas together, power at the meter."""

    usd_per_hour: Positive | None = None
    watts: Positive | None = None
    gco2e_per_hour: Positive | None = None


def _margin(value: object) -> Margin:
    """A factor or the word. Raises `ValueError` for all else."""
    if value == INTERVAL:
        return INTERVAL
    if isinstance(value, int | float) and not isinstance(value, bool) and 1.0 <= value <= MOST_MARGIN:
        return float(value)
    raise ValueError(f"a number from 1 to {MOST_MARGIN:g}, or {INTERVAL}")


class LoadDocument(Document):
    """The whole file."""

    name: Name
    agents: Annotated[list[AgentDocument], Field(min_length=1, max_length=1000)]
    budget: BudgetDocument = BudgetDocument()
    margin: Annotated[Margin, PlainValidator(_margin)] = DEFAULT_MARGIN
    prefixes: Literal["kept", "read"] = "read"
    encoders: Literal["whole", "split"] = "whole"
    turns: Literal["kept", "read"] = "read"


PARTS: dict[str, type[Document]] = {
    "agents": AgentDocument,
    "budget": BudgetDocument,
    "tokens": TokensDocument,
    "in": CountDocument,
    "out": CountDocument,
    "limits": LimitsDocument,
    "data": DataDocument,
}
"""The document below each key."""


def load_load(path: Path | str) -> Load:
    """The load of a YAML file; traces in it are relative to it. Raises `LoadError` with file, line, key and remedy."""
    path = Path(path)
    try:
        text = read_yaml(path, "load file")
    except FleetError as error:
        raise LoadError(str(error)) from error
    if not text.is_mapping:
        raise LoadError(f"{path}: a load file is a mapping with the keys {', '.join(_keys(LoadDocument))}")
    try:
        document = LoadDocument.model_validate(text.value)
    except ValidationError as error:
        raise LoadError("; ".join(_message(path, text, each) for each in error.errors())) from error
    return _load(document, path)


def _load(document: LoadDocument, path: Path) -> Load:
    agents = tuple(_agent(each, path) for each in document.agents)
    names = [each.agent for each in agents]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise LoadError(f"{path}: the agent {twice!r} stands twice; give one entry with the sum of the rates")
    budget = document.budget
    limits = Budget(budget.usd_per_hour, budget.watts, budget.gco2e_per_hour)
    return Load(
        document.name,
        agents,
        limits,
        document.margin,
        keeps_prefixes=document.prefixes == "kept",
        splits_encoders=document.encoders == "split",
        keeps_turns=document.turns == "kept",
    )


def _agent(document: AgentDocument, path: Path) -> AgentDemand:
    where = f"{path}: agent {document.agent!r}"
    if (document.rate_per_s is None) == (document.runs_per_hour is None):
        raise LoadError(f"{where}: give either rate_per_s or runs_per_hour")
    rate_per_s = document.rate_per_s or (document.runs_per_hour or 0.0) / _SECONDS_PER_HOUR
    data = document.data
    return AgentDemand(
        agent=document.agent,
        rate_per_s=rate_per_s,
        arrival_cv2=document.arrival_cv2,
        sla=_sla(document.sla, f"{where}: sla"),
        tenant=document.tenant,
        tokens={name: _tokens(each, f"{where}: tokens of {name!r}", path) for name, each in document.tokens.items()},
        limits={name: _limits(each, f"{where}: limits of {name!r}") for name, each in document.limits.items()},
        pins=document.pins,
        include=None if document.include is None else tuple(document.include),
        exclude=tuple(document.exclude),
        data=None if data is None else DataRule(data.site, tuple(data.operators)),
    )


def _tokens(document: TokensDocument, where: str, path: Path) -> StatedTokens:
    counts = document.in_, document.out
    if document.trace is not None and any(count.model_fields_set for count in counts):
        raise LoadError(f"{where}: a trace gives all counts; take out either the trace or in and out")
    if any(count.cv is not None and count.p95 is not None for count in counts):
        raise LoadError(f"{where}: give either cv or p95; one follows from the other")
    tokens_in, tokens_out = (StatedCount(count.mean, count.cv, count.p95) for count in counts)
    return StatedTokens(tokens_in, tokens_out, None if document.trace is None else path.parent / document.trace)


def _limits(document: LimitsDocument, where: str) -> StatedLimits:
    try:
        token_time_s = None if document.tpot is None else parse_duration_s(document.tpot)
    except DurationError as error:
        raise LoadError(f"{where}: tpot: {error}") from error
    if token_time_s == 0:
        raise LoadError(f"{where}: tpot: the limit must be positive, got {document.tpot!r}")
    return StatedLimits(_sla(document.ttft, f"{where}: ttft"), token_time_s)


def _sla(text: str | None, where: str) -> Sla | None:
    try:
        return None if text is None else parse_sla(text)
    except SlaError as error:
        raise LoadError(f"{where}: {error}") from error


def _keys(part: type[Document]) -> list[str]:
    return [info.alias or name for name, info in part.model_fields.items()]


def _message(path: Path, text: YamlText, mistake: Mapping[str, Any]) -> str:
    location, told = mistake["loc"], mistake["msg"].removeprefix("Value error, ")
    where, dotted = f"{path}:{text.line(location)}", ".".join(map(str, location))
    if mistake["type"] == "extra_forbidden":
        names = [each for each in location[:-1] if each in PARTS]
        part = PARTS[str(names[-1])] if names else LoadDocument
        return f"{where}: unknown key {dotted!r}; {nearest(str(location[-1]), _keys(part))}"
    if mistake["type"] == "missing":
        return f"{where}: the key {dotted!r} is missing; write it"
    return f"{where}: {dotted}: {told}, got {mistake['input']!r}"
