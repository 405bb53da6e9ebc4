from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.errors import CostError
from costmodel.fleet import Fleet, Link, load_fleet
from costmodel.transfer import link_between, transfer_s, transfer_usd

TEXT = """\
name: test
devices:
  - {class: h100_sxm, count: 8, site: dc, chassis: one}
  - {class: gaudi3, count: 8, site: dc, chassis: one}
  - {class: a40, count: 8, site: dc}
  - {class: xeon_8480p, count: 8, site: dc}
  - {class: l4, count: 8, site: edge}
  - {class: b200_sxm, count: 8, site: edge}
links:
  - {from: dc, to: edge, bytes_per_s: 1e9, latency_s: 0.02, usd_per_byte: 1e-11}
  - {from: h100_sxm, to: edge, bytes_per_s: 2e9, latency_s: 0.01, usd_per_byte: 0}
  - {from: h100_sxm, to: l4, bytes_per_s: 4e9, latency_s: 0.005, usd_per_byte: 0}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    path = tmp_path / "fleet.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return load_fleet(path)


def link(fleet: Fleet, a: str, b: str) -> Link | None:
    return link_between(fleet, fleet.device_class(a), fleet.device_class(b))


def test_one_chassis_has_the_scale_up_fabric_of_the_slower(fleet: Fleet) -> None:
    # H100 450 GB/s and 1.5 us, Gaudi 3 525 GB/s and 2.5 us
    assert link(fleet, "h100_sxm", "gaudi3") == Link("h100_sxm", "gaudi3", 450e9, 2.5e-6, 0.0, "scale-up of the slower")


def test_one_site_has_the_network_card_of_the_slower(fleet: Fleet) -> None:
    # H100 400 Gb/s and 2 us, A40 100 Gb/s = 12.5 GB/s and 3 us
    assert link(fleet, "h100_sxm", "a40") == Link("h100_sxm", "a40", 12.5e9, 3e-6, 0.0, "scale-out of the slower")


def test_a_host_answers_through_its_kernel(fleet: Fleet) -> None:
    found = link(fleet, "xeon_8480p", "h100_sxm")
    assert found is not None
    assert found.latency_s == 50e-6


def test_one_class_is_one_chassis_as_far_as_its_scale_up_reaches(fleet: Fleet) -> None:
    # eight H100 are one domain; eight A40 are four pairs
    for id_, basis in (("b200_sxm", "scale-up of the slower"), ("a40", "scale-out of the slower")):
        found = link(fleet, id_, id_)
        assert found is not None
        assert found.basis == basis


def test_sites_are_linked_only_where_the_file_says_so_and_one_way(fleet: Fleet) -> None:
    there = link(fleet, "a40", "b200_sxm")
    assert there is not None
    assert (there.bytes_per_s, there.basis) == (1e9, "fleet file")
    assert link(fleet, "b200_sxm", "a40") is None


def test_the_more_exact_link_wins(fleet: Fleet) -> None:
    found = [link(fleet, "h100_sxm", target) for target in ("l4", "b200_sxm")]
    assert [each and each.bytes_per_s for each in found] == [4e9, 2e9]


def test_a_stated_link_wins_over_the_fabric(fleet: Fleet) -> None:
    slow = Link("h100_sxm", "gaudi3", 1.0, 1.0, 0.0)
    assert link(replace(fleet, links=(slow,)), "h100_sxm", "gaudi3") == slow


def test_a_class_of_no_catalog_has_no_default_link(fleet: Fleet) -> None:
    unknown = replace(fleet.device_class("a40"), id="hp", device=None)
    assert link_between(fleet, unknown, fleet.device_class("h100_sxm")) is None
    assert link_between(fleet, unknown, unknown) is None


def test_a_transfer_takes_latency_and_then_the_rate() -> None:
    # 20 ms + 131,072,000 bytes / 1e9; 131,072,000 x 1e-11 USD
    wire = Link("a", "b", 1e9, 0.02, 1e-11)
    assert transfer_s(wire, 131_072_000) == pytest.approx(0.151072)
    assert transfer_usd(wire, 131_072_000) == pytest.approx(0.00131072)


def test_a_link_without_a_limit_takes_its_latency() -> None:
    assert transfer_s(Link("a", "b", None, 0.0, 0.0), 1e12) == 0


@pytest.mark.parametrize("size_bytes", [-1.0, float("nan"), float("inf")])
def test_sizes_that_are_none_are_errors(size_bytes: float) -> None:
    wire = Link("a", "b", 1e9, 0.0, 0.0)
    for asked in (transfer_s, transfer_usd):
        with pytest.raises(CostError, match="a finite number of bytes"):
            asked(wire, size_bytes)
