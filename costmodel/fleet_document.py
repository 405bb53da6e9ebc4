"""The fleet file as written: its keys, types and ranges, checked with pydantic at the border.

`fleet` turns the checked document into frozen records; nothing else sees these classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from costmodel.errors import FleetError
from costmodel.names import nearest
from costmodel.yaml_text import YamlText, read_yaml

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Document(BaseModel):
    """A part of the file; unknown keys are errors, text is not turned into numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FinanceDocument(Document):
    """How capital becomes an hourly price. `column` (paper only): `operating` leaves the principal out.

    `residual` is the share of the price that a device is sold for after `years`.
    """

    kind: Literal["annuity", "paper"] = "annuity"
    rate: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.08
    years: Annotated[float, Field(gt=0, le=50, allow_inf_nan=False)] = 4.0
    column: Literal["operating", "full"] = "full"
    residual: Share = 0.0


class OverheadsDocument(Document):
    """What devices cost beside themselves: shares of their price, watts of the host, rent of the room."""

    host_share: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0
    network_share: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0
    host_w: Amount = 0.0
    colocation_usd_per_kw_month: Amount = 0.0


class EndpointDocument(Document):
    """An OpenAI-compatible server that serves a class; the key is read from the environment variable `key_env`."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=2000)]
    model: Name
    key_env: Name | None = None
    max_concurrency: Annotated[int, Field(ge=1)] = 1


class DeviceDocument(Document):
    """A device class: `count` devices of one kind at one site."""

    class_: Name = Field(alias="class")
    count: Annotated[int, Field(ge=0, le=10_000_000)]
    site: Name = "default"
    chassis: Name | None = None
    driver: Literal["cpu", "openai", "reference", "transformers", "simulated", "spyre"] | None = None
    price: Literal["new", "used", "cloud"] | None = None
    price_usd: Amount | None = None
    usd_per_hour: Amount | None = None
    power_w: Positive | None = None
    endpoint: EndpointDocument | None = None


class LinkDocument(Document):
    """A link one way between two classes or sites. All keys are written; `bytes_per_s: null` means no such limit."""

    from_: Name = Field(alias="from")
    to: Name
    bytes_per_s: Positive | None
    latency_s: Amount
    usd_per_byte: Amount


class FleetDocument(Document):
    """The whole file. `electricity_usd_per_kwh`, `pue` and `gco2e_per_kwh` default to the catalog's.

    `hypotheses` are what nobody has shown to work, but a plan may suppose.
    `power_share` is a busy device's power as a share of its TDP, where a class has no measured `power_w`.
    """

    name: Name
    catalog: Name = "default"
    currency: Literal["USD"] = "USD"
    electricity_usd_per_kwh: Amount | None = None
    pue: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] | None = None
    gco2e_per_kwh: Amount | None = None
    power_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    finance: FinanceDocument = FinanceDocument()
    overheads: OverheadsDocument = OverheadsDocument()
    cost_basis: Literal["metered", "provisioned"] = "metered"
    devices: Annotated[list[DeviceDocument], Field(min_length=1, max_length=1000)]
    links: Annotated[list[LinkDocument], Field(max_length=10_000)] = []
    profile: Name | None = None
    hypotheses: list[Literal["spyre_kv_transfer"]] = []


def read_document(path: Path) -> FleetDocument:
    """The checked document. Raises FleetError with file, line, key and remedy."""
    text = read_yaml(path)
    if not text.is_mapping:
        raise FleetError(f"{path}: a fleet file is a mapping with the keys {', '.join(_keys(FleetDocument))}")
    try:
        return FleetDocument.model_validate(text.value)
    except ValidationError as error:
        mistakes = [_Mistake(each["type"], each["loc"], each["msg"], each["input"]) for each in error.errors()]
        raise FleetError("; ".join(_message(path, text, each) for each in mistakes)) from error


_PARTS: dict[str, type[Document]] = {
    "finance": FinanceDocument,
    "overheads": OverheadsDocument,
    "devices": DeviceDocument,
    "links": LinkDocument,
    "endpoint": EndpointDocument,
}


def _keys(part: type[Document]) -> list[str]:
    return [info.alias or name for name, info in part.model_fields.items()]


@dataclass(frozen=True, slots=True)
class _Mistake:
    """What pydantic says of one value: its kind, where it stands, what is wrong, and the value."""

    kind: str
    location: tuple[str | int, ...]
    told: str
    got: object


def _message(path: Path, text: YamlText, mistake: _Mistake) -> str:
    location = mistake.location
    where = f"{path}:{text.line(location)}"
    dotted = ".".join(str(each) for each in location)
    if mistake.kind == "extra_forbidden":
        names = [each for each in location[:-1] if isinstance(each, str)]
        part = _PARTS[names[-1]] if names else FleetDocument
        return f"{where}: unknown key {dotted!r}; {nearest(str(location[-1]), _keys(part))}"
    if mistake.kind == "missing":
        return f"{where}: the key {dotted!r} is missing; write it"
    return f"{where}: {dotted}: {mistake.told.removeprefix('Value error, ')}, got {mistake.got!r}"
