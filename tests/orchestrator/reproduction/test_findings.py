"""Findings are decided by results: under which assumptions each turns, as the reference says."""

from dataclasses import replace

import pytest

from orchestrator.reproduction.findings import FINDINGS, Finding, verdict
from orchestrator.reproduction.scenario import BASIS, study

BY_ID: dict[str, Finding] = {finding.id: finding for finding in FINDINGS}
OPERATING = replace(BASIS, cost_basis="operating")
WITHOUT_MI300X = replace(BASIS, left_out=("mi300x",))


def test_every_finding_has_a_verdict_with_numbers() -> None:
    for finding in FINDINGS:
        cells = finding.cells(BASIS)
        assert all(len(cell) == len(finding.dimensions) and numbers for cell, (_, numbers) in cells.items())
        assert verdict(finding, BASIS).cells == len(cells)


def test_a_depends_on_the_cost_basis() -> None:
    # the reference: on the operating column alone B200::B200 is ahead of B200::Gaudi3 everywhere
    assert verdict(BY_ID["a, against B200"], OPERATING).word == "does not hold"
    assert verdict(BY_ID["a, against B200"], BASIS).true_cells > 8


def test_b_holds_for_decode_heavy_work_rather_than_for_prefill_heavy() -> None:
    cells = BY_ID["b"].cells(BASIS)
    true = [cell for cell, (holds, _) in cells.items() if holds]
    assert true
    assert {cell[0] for cell in true} == {"512/4096"}


def test_c_holds_for_throughput_in_fp16() -> None:
    cells = BY_ID["c"].cells(BASIS)
    assert all(cells[model, "FP16", "throughput"][0] for model in ("8B", "70B"))
    assert verdict(BY_ID["c"], WITHOUT_MI300X).word == "holds"


def test_d_crosses_for_70b_in_fp16_where_mi300x_is_not_there() -> None:
    # the reference's roofline, without MI300x and the latency of all-reduces, has the crossover near 15 to 20 ms
    silent = replace(WITHOUT_MI300X, rules=replace(BASIS.rules, hop_share=0.0))
    assert BY_ID["d"].cells(silent)["70B", "FP16"] == (True, "B200 to 14 ms, Gaudi3 to no limit")
    assert BY_ID["d"].cells(WITHOUT_MI300X)["70B", "FP16"][0]
    assert not BY_ID["d"].cells(BASIS)["70B", "FP16"][0]


def test_e_holds() -> None:
    assert verdict(BY_ID["e"], BASIS).word == "holds"


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
