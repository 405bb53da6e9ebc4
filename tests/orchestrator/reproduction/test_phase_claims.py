"""Findings (c) to (e): on what they depend, as the reference says."""

from dataclasses import replace

from orchestrator.reproduction.findings import FINDINGS, Finding, verdict
from orchestrator.reproduction.scenario import BASIS

BY_ID: dict[str, Finding] = {finding.id: finding for finding in FINDINGS}
WITHOUT_MI300X = replace(BASIS, left_out=("mi300x",))


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
