"""Every finding is decided by results."""

from dataclasses import replace

import pytest

from orchestrator.reproduction.findings import FINDINGS, Finding, verdict
from orchestrator.reproduction.scenario import BASIS, study

OPERATING = replace(BASIS, cost_basis="operating")
WITHOUT_MI300X = replace(BASIS, left_out=("mi300x",))


def test_every_finding_has_a_verdict_with_numbers() -> None:
    for finding in FINDINGS:
        cells = finding.cells(BASIS)
        assert all(len(cell) == len(finding.dimensions) and numbers for cell, (_, numbers) in cells.items())
        assert verdict(finding, BASIS).cells == len(cells)


def test_a_device_that_reaches_less_loses() -> None:
    slower = replace(BASIS, reached=(("mi300x", 0.5),))
    before, after = (
        [result.benefit.get(("gaudi3", "mi300x"), 0.0) for result in study(each)] for each in (BASIS, slower)
    )
    assert all(less < more for less, more in zip(after, before, strict=True) if more)


def test_a_device_left_out_is_in_no_pair() -> None:
    assert all("mi300x" not in pair for result in study(WITHOUT_MI300X) for pair in result.usd)
    assert all(len(result.usd) <= 25 for result in study(WITHOUT_MI300X))


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.id)
def test_no_verdict_is_written_by_hand(finding: Finding) -> None:
    true = sum(holds for holds, _ in finding.cells(OPERATING).values())
    assert verdict(finding, OPERATING).true_cells == true
