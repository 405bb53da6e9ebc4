"""The verdicts again with one assumption changed at a time: cost, FLOPs, efficiencies, limits, devices.

A finding that turns with an assumption is a statement about the assumption, so each is named.
"""

from __future__ import annotations

from dataclasses import replace

from costmodel.pairs import LATENCY
from orchestrator.reproduction.findings import FINDINGS, Finding, verdict
from orchestrator.reproduction.page import Table
from orchestrator.reproduction.scenario import BASIS, Scenario
from orchestrator.reproduction.verdict import Verdict

_RULES = BASIS.rules


def _limited(ttft_s: float = LATENCY.ttft_s, tbt_s: float = LATENCY.tbt_s) -> Scenario:
    latency = replace(LATENCY, ttft_s=ttft_s, tbt_s=tbt_s)
    changed = f"TTFT limit {ttft_s * 1e3:g} ms" if ttft_s != LATENCY.ttft_s else f"token-time limit {tbt_s * 1e3:g} ms"
    return replace(BASIS, name=changed, latency=latency)


SCENARIOS: tuple[tuple[str, Scenario], ...] = (
    ("basis", BASIS),
    ("cost", replace(BASIS, name="operating cost, as printed", cost_basis="operating")),
    ("cost", replace(BASIS, name="full cost, by the formula", cost_basis="full-formula")),
    ("cost", replace(BASIS, name="operating cost, by the formula", cost_basis="operating-formula")),
    ("FLOPs", replace(BASIS, name="FP16 as printed", flop_basis="printed")),
    ("FLOPs", replace(BASIS, name="Gaudi 3 at 1835 TFLOP/s", flop_basis="whitepaper")),
    ("cost and FLOPs", Scenario("operating cost, FP16 as printed", "printed", "operating")),
    ("efficiency", replace(BASIS, name="MFU 0.40", rules=replace(_RULES, mfu=0.40))),
    ("efficiency", replace(BASIS, name="MFU 0.70", rules=replace(_RULES, mfu=0.70))),
    ("efficiency", replace(BASIS, name="MBU 0.60", rules=replace(_RULES, mbu=0.60))),
    ("efficiency", replace(BASIS, name="MBU 0.90", rules=replace(_RULES, mbu=0.90))),
    ("efficiency", replace(BASIS, name="5 ms of engine time a pass", rules=replace(_RULES, step_s=0.005))),
    ("efficiency", replace(BASIS, name="all-reduces with half the latency", rules=replace(_RULES, hop_share=0.5))),
    ("efficiency", replace(BASIS, name="all-reduces without latency", rules=replace(_RULES, hop_share=0.0))),
    ("efficiency", replace(BASIS, name="attention in the weights' format", rules=replace(_RULES, attention="weights"))),
    ("memory", replace(BASIS, name="KV in FP16", rules=replace(_RULES, kv_precision="fp16"))),
    ("memory", replace(BASIS, name="80% of memory", rules=replace(_RULES, margin=0.8))),
    ("memory", replace(BASIS, name="KV kept for the mean context", rules=replace(_RULES, reserved_share=0.5))),
    ("limits", _limited(ttft_s=0.125)),
    ("limits", _limited(ttft_s=0.5)),
    ("limits", _limited(ttft_s=1.0)),
    ("limits", _limited(tbt_s=0.010)),
    ("limits", _limited(tbt_s=0.015)),
    ("limits", _limited(tbt_s=0.030)),
    ("limits", _limited(tbt_s=0.050)),
    (
        "efficiency",
        replace(
            BASIS,
            name="MFU 0.76, MBU 0.79 and 5 ms a pass, as measured on NVIDIA devices",
            rules=replace(_RULES, mfu=0.76, mbu=0.79, step_s=0.005),
        ),
    ),
    ("software", replace(BASIS, name="MI300x reaches 80% of these rates", reached=(("mi300x", 0.8),))),
    (
        "software",
        replace(BASIS, name="Gaudi3 and MI300x reach 80% of these rates", reached=(("gaudi3", 0.8), ("mi300x", 0.8))),
    ),
    ("devices", replace(BASIS, name="without MI300x", left_out=("mi300x",))),
    (
        "devices",
        replace(
            BASIS,
            name="without MI300x, all-reduces without latency",
            left_out=("mi300x",),
            rules=replace(_RULES, hop_share=0.0),
        ),
    ),
)
"""What is changed, and the scenario with that change; everything else is the basis."""


def across(finding: Finding) -> dict[str, Verdict]:
    """The verdict on a finding in every scenario."""
    return {scenario.name: verdict(finding, scenario) for _, scenario in SCENARIOS}


def steadiness(finding: Finding) -> str:
    """How far a verdict depends on the assumptions: where the claim is true most and least often."""
    found = across(finding)
    shares = {name: each.true_cells / each.cells for name, each in found.items()}
    if len(set(shares.values())) == 1:
        return f"the same share of cells in all {len(found)} scenarios"
    most, least = max(shares, key=lambda name: shares[name]), min(shares, key=lambda name: shares[name])
    return f"from {_of(found[least])} ({least}) to {_of(found[most])} ({most})"


def _of(found: Verdict) -> str:
    return f"{found.true_cells} of {found.cells}"


def table() -> Table:
    """Cells in which each finding is true, by scenario; verdicts in words are on the findings' own tables."""
    header = ("changed", "to", *(f"({finding.id})" for finding in FINDINGS))
    rows = tuple(
        (kind, scenario.name, *(_of(verdict(finding, scenario)) for finding in FINDINGS))
        for kind, scenario in SCENARIOS
    )
    return Table("Sensitivity: cells in which each finding is true", header, rows, csv="sensitivity.csv", brief=True)
