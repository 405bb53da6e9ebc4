from pathlib import Path

import pytest

from costmodel.catalog import Catalog, load_catalog
from costmodel.errors import CatalogError

HEADER = "id,field,value,source,confidence\n"


def test_an_alias_must_be_unique(catalog: Catalog) -> None:
    assert catalog.device("b200").id == "b200_sxm"
    with pytest.raises(CatalogError, match="a100_40_sxm, a100_80_sxm"):
        catalog.device("a100")


def test_an_unknown_device_says_what_is_near(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="catalog 'default': 'h100_sxn' is not known; did you mean 'h100_sxm'"):
        catalog.device("h100_sxn")


def test_a_design_goal_answers_only_to_its_full_id(catalog: Catalog) -> None:
    assert catalog.device("spyre").id == "spyre_1_0"
    assert catalog.device("spyre_1_5_goal").is_goal
    assert not catalog.device("spyre").is_goal
    with pytest.raises(CatalogError, match="'spyre_1_5' is not known"):
        catalog.device("spyre_1_5")


def test_the_two_readings_of_the_goals_differ_by_the_cards_of_a_drawer(catalog: Catalog) -> None:
    card, drawer = catalog.device("spyre_1_5_goal"), catalog.device("spyre_1_5_goal_drawer")
    # 40 x 204.8 GB/s for one card, or for eight of them
    assert card.mem_bytes_per_s == pytest.approx(40 * 204.8e9)
    assert drawer.mem_bytes_per_s == pytest.approx(card.mem_bytes_per_s / 8)
    assert drawer.tdp_w == pytest.approx(card.tdp_w / 8)


def test_a_device_without_public_memory_size_is_refused_when_asked_for(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="'telum2_z17' cannot be costed: its catalog row lacks mem_bytes"):
        catalog.device("telum2_z17")


@pytest.mark.parametrize(
    ("id_", "usd", "gb", "gb_per_s", "tflops", "operating"),
    [
        ("a40", 3000, 48, 696, 75, 0.15),
        ("a100", 8000, 80, 2039, 322, 0.25),
        ("gaudi3", 12500, 128, 3700, 1678, 0.49),
        ("mi300x", 20000, 192, 5300, 1307, 0.52),
        ("h100", 25000, 80, 3350, 1979, 0.60),
        ("b200", 40000, 192, 8000, 2250, 0.83),
    ],
)
def test_the_paper_catalog_is_the_printed_table(
    paper: Catalog, id_: str, usd: float, gb: float, gb_per_s: float, tflops: float, operating: float
) -> None:
    device = paper.device(id_)
    assert device.price_usd == usd
    assert (device.mem_bytes, device.mem_bytes_per_s) == (gb * 1e9, gb_per_s * 1e9)
    assert device.flops_per_s["fp16"] == tflops * 1e12
    assert device.operating_usd_per_hour == operating
    for field in ("mem_bytes", "mem_bytes_per_s", "flops_per_s.fp16", "price_new_usd_lo", "operating_usd_per_hour"):
        assert device.sources[field].confidence == "paper"


def test_the_paper_catalog_has_dense_fp8_rates_where_there_are_units(paper: Catalog) -> None:
    rates = {
        id_: paper.device(id_).flops_per_s.get("fp8") for id_ in ("a40", "a100", "gaudi3", "mi300x", "h100", "b200")
    }
    assert rates == {
        "a40": None,
        "a100": None,
        "gaudi3": 1678e12,
        "mi300x": 2615e12,
        "h100": 1979e12,
        "b200": 4500e12,
    }


def test_what_the_paper_lacks_is_marked_as_not_from_it(paper: Catalog, catalog: Catalog) -> None:
    h100 = paper.device("h100")
    assert h100.tdp_w == catalog.device("h100_sxm").tdp_w
    assert h100.sources["tdp_w"].text.startswith("from the default catalog, not from this one")
    assert paper.device("xeon_8480p").mem_bytes == catalog.device("xeon_8480p").mem_bytes
    assert (paper.electricity_usd_per_kwh, paper.pue) == (0.40, 1.0)


def test_a_catalog_file_may_start_from_a_shipped_device(tmp_path: Path, catalog: Catalog) -> None:
    path = tmp_path / "own.csv"
    path.write_text(HEADER + "mine,base,h100_sxm,ours,estimate\nmine,price_new_usd_lo,1,ours,estimate\n")
    own = load_catalog(path)
    mine = own.device("mine")
    assert mine.mem_bytes == catalog.device("h100_sxm").mem_bytes
    # the midpoint of the stated 1 and the inherited 40,000
    assert mine.price_usd == 20000.5
    assert own.pue == catalog.pue


def test_an_unknown_base_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(HEADER + "mine,base,h1000,ours,estimate\n")
    with pytest.raises(CatalogError, match=r"own.csv:2: base must be a device of the default catalog, got 'h1000'"):
        load_catalog(path)


def test_a_name_that_is_no_catalog_and_no_file_is_an_error() -> None:
    with pytest.raises(CatalogError, match="one of default, paper-2025 or the path"):
        load_catalog("paper-2026")
