"""The page on fleets names every key of a fleet file, and its examples load."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from costmodel.catalog import load_catalog
from costmodel.fleet import load_fleet
from costmodel.fleet_document import (
    DeviceDocument,
    EndpointDocument,
    FinanceDocument,
    FleetDocument,
    LinkDocument,
    OverheadsDocument,
)
from costmodel.tco import price
from placement.load_document import PARTS as LOAD_PARTS
from placement.load_document import LoadDocument, load_load

PARTS = (
    FleetDocument,
    FinanceDocument,
    OverheadsDocument,
    DeviceDocument,
    LinkDocument,
    EndpointDocument,
    LoadDocument,
    *LOAD_PARTS.values(),
)


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    return (project / "docs/fleets.md").read_text(encoding="utf-8")


def block(page: str, language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[number]


@pytest.mark.parametrize("part", PARTS)
def test_every_key_is_named(page: str, part: type[BaseModel]) -> None:
    keys = [info.alias or name for name, info in part.model_fields.items()]
    named = set(re.findall(r"[a-z0-9_]+", page))
    assert [key for key in keys if key not in named and key != "currency"] == []


def test_the_fleet_loads_and_every_class_has_a_price(page: str, tmp_path: Path) -> None:
    (tmp_path / "measured.csv").write_text(
        "task,device,tp,latency_s,latency_sd_s,cost_usd,tokens_in,tokens_out,source\n"
    )
    path = tmp_path / "fleet.yaml"
    path.write_text(block(page, "yaml"))
    fleet = load_fleet(path)
    paid = {each.id: price(each, fleet) for each in fleet.classes}
    assert set(paid["h100_sxm"].terms) == {"capital", "power", "host capital", "host power", "network", "colocation"}
    assert set(paid["b200_sxm"].terms) == {"cloud"}
    assert "midpoint of the used price" in paid["a100_80_sxm"].basis


def test_the_catalog_loads(page: str, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(block(page, "csv"))
    catalog = load_catalog(path)
    assert catalog.device("h100_sxm").price_usd == 24_000
    assert catalog.device("lab_card").mem_bytes == 96e9
    assert catalog.has("a40")


def test_the_load_loads(page: str, tmp_path: Path) -> None:
    path = tmp_path / "load.yaml"
    path.write_text(block(page, "yaml", 1))
    load = load_load(path)
    assert [each.agent for each in load.agents] == ["voice_agent", "research_assistant"]
    assert load.margin == 1.25
