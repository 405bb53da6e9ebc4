from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import CatalogError, CostModelError, FleetError, ProfileError
from costmodel.fleet import Endpoint, Finance, Fleet, Overheads, load_fleet
from costmodel.tco import price
from costmodel.transfer import link_between

EXAMPLES = ("paper-2025", "mixed", "hp-co")
PROFILE = "task,device,tp,latency_s,latency_sd_s,cost_usd,tokens_in,tokens_out,source\nt.prefill,hp,1,0.1,,,,,us\n"


def loaded(folder: Path, devices: str, rest: str = "") -> Fleet:
    path = folder / "fleet.yaml"
    path.write_text(f"name: test\ndevices: [{devices}]\n{rest}", encoding="utf-8")
    (folder / "profile.csv").write_text(PROFILE, encoding="utf-8")
    return load_fleet(path)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fleet_loads_and_every_class_has_a_price(project: Path, name: str) -> None:
    fleet = load_fleet(project / "examples" / "fleets" / f"{name}.yaml")
    assert fleet.name == name
    for each in fleet.classes:
        assert price(each, fleet).usd_per_hour >= 0


def test_the_mixed_fleet_has_the_seven_kinds(project: Path) -> None:
    fleet = load_fleet(project / "examples/fleets/mixed.yaml")
    drivers = {each.id: each.driver for each in fleet.classes}
    assert drivers == {
        "xeon_8480p": "cpu",
        **dict.fromkeys(["a40", "a100_80_sxm", "h100_sxm", "b200_sxm", "gaudi3", "spyre_1_0"], "simulated"),
    }
    assert fleet.device_class("spyre_1_0").price_usd == 12_500


def test_the_worked_example_has_no_way_back_from_co_to_hp(project: Path) -> None:
    fleet = load_fleet(project / "examples/fleets/hp-co.yaml")
    hp, co, cpu = (fleet.device_class(each) for each in ("hp", "co", "cpu"))
    assert (hp.device, co.device, cpu.device, cpu.driver) == (None, None, None, "cpu")
    for a, b in ((hp, co), (co, hp), (hp, hp), (co, co)):
        assert link_between(fleet, a, b) is None
    for a, b in ((cpu, hp), (hp, cpu), (cpu, co), (co, cpu)):
        assert link_between(fleet, a, b) is not None
    # 1000 prefill tokens x 0.00008; 500 decode tokens x 0.00002; 1000 x 0.000005
    rows = {(each.task, each.device): each.cost_usd for each in fleet.profile.measurements}
    assert rows["answer.prefill", "hp"] == 0.08
    assert rows["answer.decode", "co"] == 0.01
    assert rows["answer.kv_transfer", "hp->co"] == 0.005
    assert ("answer.kv_transfer", "co->hp") not in rows


def test_defaults_come_from_the_catalog(tmp_path: Path) -> None:
    fleet = loaded(tmp_path, "{class: h100, count: 8}, {class: xeon_8480p, count: 4}")
    assert (fleet.electricity_usd_per_kwh, fleet.pue, fleet.finance) == (
        0.086,
        1.54,
        Finance("annuity", 0.08, 4, "full"),
    )
    assert [(each.id, each.driver, each.site) for each in fleet.classes] == [
        ("h100_sxm", "simulated", "default"),
        ("xeon_8480p", "cpu", "default"),
    ]


def test_what_the_file_says_wins(tmp_path: Path) -> None:
    rest = "catalog: paper-2025\nelectricity_usd_per_kwh: 0.0\npue: 1.1\nfinance: {kind: paper, column: operating}\n"
    fleet = loaded(tmp_path, "{class: h100, count: 1, driver: reference}", rest)
    assert (fleet.electricity_usd_per_kwh, fleet.pue) == (0.0, 1.1)
    assert (fleet.catalog.name, fleet.finance.column, fleet.classes[0].driver) == (
        "paper-2025",
        "operating",
        "reference",
    )


def test_an_alias_becomes_the_catalogs_id_everywhere(tmp_path: Path) -> None:
    link = "{from: h100, to: gaudi3, bytes_per_s: 1e9, latency_s: 0, usd_per_byte: 0}"
    fleet = loaded(tmp_path, "{class: h100, count: 1}, {class: gaudi3, count: 1}", f"links: [{link}]\n")
    assert (fleet.links[0].source, fleet.links[0].target) == ("h100_sxm", "gaudi3")


def test_a_class_of_no_catalog_is_legal_when_the_profile_covers_it(tmp_path: Path) -> None:
    fleet = loaded(tmp_path, "{class: hp, count: 1}", "profile: profile.csv\n")
    assert (fleet.classes[0].id, fleet.classes[0].device) == ("hp", None)
    with pytest.raises(FleetError, match="class 'hp': no device in catalog 'default': 'hp' is not known"):
        loaded(tmp_path, "{class: hp, count: 1}")


def test_a_measured_class_is_not_mistaken_for_an_alias(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(PROFILE.replace(",hp,", ",h100,"), encoding="utf-8")
    fleet = loaded(tmp_path, "{class: h100, count: 1}", "profile: own.csv\n")
    assert fleet.classes[0].device is None


def test_rows_under_a_short_form_of_a_class_are_refused(tmp_path: Path) -> None:
    classes = "{class: h100_sxm, count: 1}, {class: l40s, count: 1}"
    for name, meant in (("h100", "h100_sxm"), ("l40s->h100", "h100_sxm"), ("l40", "l40s")):
        (tmp_path / "own.csv").write_text(PROFILE.replace(",hp,", f",{name},"), encoding="utf-8")
        with pytest.raises(ProfileError, match=f"whole id, got '{name.split('->')[-1]}'; write {meant}"):
            loaded(tmp_path, classes, "profile: own.csv\n")
    # an L4 is a device of its own, which this fleet does not have
    (tmp_path / "own.csv").write_text(PROFILE.replace(",hp,", ",l4,"), encoding="utf-8")
    assert loaded(tmp_path, classes, "profile: own.csv\n").profile.has_device("l4")


def test_an_endpoint_goes_with_the_openai_driver(tmp_path: Path) -> None:
    endpoint = "endpoint: {url: 'http://localhost:8000/v1', model: m, key_env: KEY, max_concurrency: 4}"
    fleet = loaded(tmp_path, f"{{class: h100, count: 1, driver: openai, {endpoint}}}")
    assert fleet.classes[0].endpoint == Endpoint("http://localhost:8000/v1", "m", "KEY", 4)
    for broken in ("{class: h100, count: 1, driver: openai}", f"{{class: h100, count: 1, {endpoint}}}"):
        with pytest.raises(FleetError, match="driver openai and an endpoint go together"):
            loaded(tmp_path, broken)


@pytest.mark.parametrize(
    ("devices", "rest", "error", "message"),
    [
        ("{class: h100, count: 1}, {class: h100_sxm, count: 1}", "", FleetError, "the class 'h100_sxm' stands twice"),
        ("{class: a100, count: 1}", "", FleetError, "a100_40_sxm, a100_80_sxm"),
        ("{class: h10_sxm, count: 1}", "", FleetError, "did you mean 'h100_sxm'"),
        ("{class: telum2_z17, count: 1}", "", FleetError, "lacks mem_bytes"),
        ("{class: h100, count: 1}", "catalog: nowhere.csv\n", CatalogError, "a catalog is one of default, paper-2025"),
        ("{class: h100, count: 1}", "profile: nowhere.csv\n", ProfileError, "cannot be read"),
        ("{class: h100, count: 1}", "finance: {column: operating}\n", FleetError, "operating belongs to kind: paper"),
        (
            "{class: h100, count: 1}",
            "finance: {kind: paper, residual: 0.2}\noverheads: {host_w: 150}\n",
            FleetError,
            "the paper's finance has no host_w, residual; take them out, or write kind: annuity",
        ),
        (
            "{class: h100, count: 1, price: used, price_usd: 3}",
            "",
            FleetError,
            "price: used asks for the catalog's price, but price_usd gives one; keep one",
        ),
        (
            "{class: h100, count: 1}",
            "links: [{from: h100, to: mars, bytes_per_s: 1, latency_s: 0, usd_per_byte: 0}]\n",
            FleetError,
            "link end 'mars' is neither a class nor a site",
        ),
        (
            "{class: h100, count: 1, site: h100}",
            "links: [{from: h100, to: h100, bytes_per_s: 1, latency_s: 0, usd_per_byte: 0}]\n",
            FleetError,
            "is both a class and a site",
        ),
        (
            "{class: h100, count: 1, site: dc}",
            f"links: [{', '.join(['{from: dc, to: h100, bytes_per_s: 1, latency_s: 0, usd_per_byte: 0}'] * 2)}]\n",
            FleetError,
            "the link from 'dc' to 'h100_sxm' stands twice",
        ),
    ],
)
def test_a_fleet_that_cannot_be_used_says_why(
    tmp_path: Path, devices: str, rest: str, error: type[CostModelError], message: str
) -> None:
    with pytest.raises(error, match=message):
        loaded(tmp_path, devices, rest)


def test_a_path_that_cannot_be_one_is_an_error(tmp_path: Path) -> None:
    for key, error in (("profile", ProfileError), ("catalog", CatalogError)):
        with pytest.raises(error, match=key):
            loaded(tmp_path, "{class: h100, count: 1}", f'{key}: "a\\0b"\n')


def test_an_unknown_class_of_a_fleet_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="fleet 'test' has no class 'b200'; it has h100_sxm"):
        loaded(tmp_path, "{class: h100, count: 1}").device_class("b200")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"nowhere.yaml: the fleet file cannot be read"):
        load_fleet(tmp_path / "nowhere.yaml")


KEYS = st.sampled_from(
    ["name", "devices", "links", "class", "count", "from", "to", "finance", "kind", "profile", "pue", "x"]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["h100", "a100"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.integers(), inner, max_size=4),
    max_leaves=8,
)
DEVICES = st.lists(
    st.fixed_dictionaries({"class": st.sampled_from(["h100", "hp", "a100"]) | VALUES, "count": st.just(1) | VALUES})
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fleets") / "fleet.yaml"


@given(
    document=st.fixed_dictionaries(
        {"name": st.just("x") | VALUES, "devices": DEVICES | VALUES},
        optional=dict.fromkeys(("links", "finance", "profile", "pue", "catalog", "x"), VALUES),
    )
)
def test_whatever_a_file_holds_it_loads_or_says_what_is_wrong(scratch: Path, document: object) -> None:
    scratch.write_text(yaml.safe_dump(document), encoding="utf-8")
    message = "loaded"
    try:
        load_fleet(scratch)
    except CostModelError as error:
        message = str(error)
    assert any(word in message for word in ("loaded", "fleet.yaml", "catalog", "profile"))


@given(text=st.text(max_size=60))
def test_whatever_text_a_file_holds_nothing_else_is_raised(scratch: Path, text: str) -> None:
    scratch.write_text(text, encoding="utf-8")
    with pytest.raises(FleetError, match=r"fleet\.yaml"):
        load_fleet(scratch)


def test_the_economics_of_a_file_reach_the_fleet(tmp_path: Path) -> None:
    rest = (
        "gco2e_per_kwh: 56\npower_share: 0.7\nfinance: {residual: 0.3}\n"
        "overheads: {host_share: 0.25, network_share: 0.1, host_w: 150, colocation_usd_per_kw_month: 146}\n"
    )
    fleet = loaded(tmp_path, "{class: h100, count: 1, price: used, power_w: 533}", rest)
    assert (fleet.gco2e_per_kwh, fleet.power_share, fleet.finance.residual) == (56, 0.7, 0.3)
    assert fleet.overheads == Overheads(0.25, 0.1, 150, 146)
    assert (fleet.classes[0].bought, fleet.classes[0].power_w) == ("used", 533)
