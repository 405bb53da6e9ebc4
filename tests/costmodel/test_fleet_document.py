from pathlib import Path

import pytest

from costmodel.errors import FleetError
from costmodel.fleet_document import read_document

GOOD = """\
name: test
electricity_usd_per_kwh: 0.1
pue: 1.2
finance: {kind: paper, rate: 0.08, years: 4, column: operating}
devices:
  - {class: h100_sxm, count: 8, site: dc, price_usd: 25000}
links:
  - {from: dc, to: edge, bytes_per_s: 1e9, latency_s: 1e-2, usd_per_byte: 0}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_document_is_read_with_its_defaults(tmp_path: Path) -> None:
    document = read_document(written(tmp_path, GOOD))
    assert (document.catalog, document.currency, document.cost_basis, document.profile) == (
        "default",
        "USD",
        "metered",
        None,
    )
    assert (document.finance.kind, document.finance.column) == ("paper", "operating")
    assert (document.devices[0].class_, document.devices[0].driver) == ("h100_sxm", None)
    assert (document.links[0].bytes_per_s, document.links[0].latency_s) == (1e9, 0.01)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pue:", "peu:", "fleet.yaml:3: unknown key 'peu'; did you mean 'pue'"),
        ("price_usd", "prize_usd", "fleet.yaml:6: unknown key 'devices.0.prize_usd'; did you mean 'price_usd'"),
        ("rate:", "ratio:", "fleet.yaml:4: unknown key 'finance.ratio'; did you mean 'rate'"),
        ("bytes_per_s", "byte_per_s", "unknown key 'links.0.byte_per_s'; did you mean 'bytes_per_s'"),
        ("count: 8", "count: -8", "fleet.yaml:6: devices.0.count: .* greater than or equal to 0, got -8"),
        ("count: 8", "count: 1.5", "devices.0.count"),
        ("count: 8", "count: '8'", "devices.0.count: Input should be a valid integer, got '8'"),
        ("count: 8, ", "", "fleet.yaml:6: the key 'devices.0.count' is missing"),
        ("name: test", "", "the key 'name' is missing"),
        ("pue: 1.2", "pue: 0.5", "pue: .* greater than or equal to 1"),
        ("price_usd: 25000", "price_usd: -1", "price_usd: .* greater than or equal to 0, got -1"),
        ("price_usd: 25000", "price_usd: .nan", "price_usd: .* finite"),
        ("bytes_per_s: 1e9", "bytes_per_s: 0", "bytes_per_s: .* greater than 0"),
        ("latency_s: 1e-2, ", "", "the key 'links.0.latency_s' is missing"),
        ("kind: paper", "kind: lease", "finance.kind: Input should be 'annuity' or 'paper', got 'lease'"),
        ("years: 4", "years: 0", "finance.years"),
        ("name: test", "name: test\ncurrency: EUR", "currency: Input should be 'USD', got 'EUR'"),
        ("site: dc", "driver: cuda", "devices.0.driver"),
        ("  - {class", "  - 7\n  - {class", "devices.0"),
        ("site: dc", "site: no", "devices.0.site: Input should be a valid string, got False"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(FleetError, match=message):
        read_document(written(tmp_path, GOOD.replace(old, new, 1)))


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"fleet.yaml:3: .*; .*fleet.yaml:6: "):
        read_document(written(tmp_path, GOOD.replace("1.2", "0.2").replace("count: 8", "count: -1")))


@pytest.mark.parametrize("text", ["", "[]", "seven", "7"])
def test_a_file_that_is_no_mapping_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(FleetError, match="a fleet file is a mapping with the keys name, catalog"):
        read_document(written(tmp_path, text))


def test_a_fleet_without_devices_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"devices: List should have at least 1 item"):
        read_document(written(tmp_path, "name: x\ndevices: []\n"))


def test_a_link_without_a_limit_says_so(tmp_path: Path) -> None:
    document = read_document(written(tmp_path, GOOD.replace("bytes_per_s: 1e9", "bytes_per_s: null")))
    assert document.links[0].bytes_per_s is None


def test_an_endpoint_is_checked(tmp_path: Path) -> None:
    endpoint = "endpoint: {url: 'ftp://x', model: m}"
    with pytest.raises(FleetError, match=r"endpoint\.url"):
        read_document(written(tmp_path, GOOD.replace("site: dc", endpoint)))
    with pytest.raises(FleetError, match=r"unknown key 'devices.0.endpoint.modle'; did you mean 'model'"):
        read_document(written(tmp_path, GOOD.replace("site: dc", "endpoint: {url: 'http://x', model: m, modle: m}")))
