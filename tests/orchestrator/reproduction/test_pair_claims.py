"""Findings (a) and (b): on what they depend, as the reference says."""

from dataclasses import replace

from orchestrator.reproduction.findings import FINDINGS, Finding, verdict
from orchestrator.reproduction.scenario import BASIS

BY_ID: dict[str, Finding] = {finding.id: finding for finding in FINDINGS}
OPERATING = replace(BASIS, cost_basis="operating")


def test_a_depends_on_the_cost_basis() -> None:
    # the reference: on the operating column alone B200::B200 is ahead of B200::Gaudi3 everywhere
    assert verdict(BY_ID["a, against B200"], OPERATING).word == "does not hold"
    assert verdict(BY_ID["a, against B200"], BASIS).true_cells > 8


def test_b_holds_for_decode_heavy_work_rather_than_for_prefill_heavy() -> None:
    cells = BY_ID["b"].cells(BASIS)
    true = [cell for cell, (holds, _) in cells.items() if holds]
    assert true
    assert {cell[0] for cell in true} == {"512/4096"}
