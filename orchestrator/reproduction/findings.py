"""The paper's findings: each claim, the test that stands for it, and the verdict under a scenario.

A finding is words; the test is stated beside it, so that one can disagree with the test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from orchestrator.reproduction.pair_claims import (
    COMPARABLE,
    ahead_of_b200,
    best_of_all,
    comparable_to_b200,
    lead_in_fp8,
    near_the_best,
)
from orchestrator.reproduction.phase_claims import (
    SLIGHTLY_LONGER,
    decode_devices,
    more_parallelism,
    prefill_devices,
)
from orchestrator.reproduction.scenario import DIMENSIONS, Scenario
from orchestrator.reproduction.verdict import Cell, Verdict, judge


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim, the test that stands for it, the dimensions of its cells, and what decides each cell.

    `cells` gives, for a scenario, whether the claim is true and the numbers that say so.
    """

    id: str
    claim: str
    test: str
    dimensions: tuple[str, ...]
    cells: Callable[[Scenario], Mapping[Cell, tuple[bool, str]]]


@cache
def verdict(finding: Finding, scenario: Scenario) -> Verdict:
    """The verdict on a finding under a scenario."""
    return judge(finding.dimensions, {cell: true for cell, (true, _) in finding.cells(scenario).items()})


FINDINGS = (
    Finding(
        "a",
        "B200::Gaudi3 has the best TCO benefit, in both SLAs",
        "of all pairs none has a greater benefit",
        DIMENSIONS,
        best_of_all,
    ),
    Finding(
        "a, nearly",
        "B200::Gaudi3 has nearly the best TCO benefit",
        f"its benefit is at least {COMPARABLE:.0%} of the greatest of all pairs",
        DIMENSIONS,
        near_the_best,
    ),
    Finding(
        "a, against B200",
        "B200::Gaudi3 is ahead even of B200::B200",
        "its benefit is at least that of B200::B200",
        DIMENSIONS,
        ahead_of_b200,
    ),
    Finding(
        "a, FP8",
        "the lead of B200::Gaudi3 over B200::B200 is clearest for FP8",
        "there is a lead in FP8, and it is larger than in FP16",
        (DIMENSIONS[0], DIMENSIONS[1], DIMENSIONS[3]),
        lead_in_fp8,
    ),
    Finding(
        "b",
        "H100::Gaudi3 is comparable to or a little better than B200::B200",
        f"its benefit is at least {COMPARABLE:.0%} of that of B200::B200",
        DIMENSIONS,
        comparable_to_b200,
    ),
    Finding(
        "c",
        "for long inputs Gaudi3 is the most cost-effective prefill device unless latency or FP8 speed dominates, "
        "then B200",
        "4096/512: prefill costs least on Gaudi3, or, under the latency SLA or in FP8, on Gaudi3 or B200",
        DIMENSIONS[1:],
        prefill_devices,
    ),
    Finding(
        "d",
        "for decode-heavy work Gaudi3 is chosen when slightly longer token times are allowed",
        "512/4096: from some limit on the token time on, of at most "
        f"{SLIGHTLY_LONGER:g} times the SLA's, decode costs least on Gaudi3, and on another device below it",
        DIMENSIONS[1:3],
        decode_devices,
    ),
    Finding(
        "e",
        "more tensor parallelism helps, then communication eats the gain",
        "H100, one prompt or 16 sequences: the first doubling makes the pass shorter, the last by less, and "
        "communication takes a larger share of it",
        (*DIMENSIONS[:3], "phase"),
        more_parallelism,
    ),
)
"""REFERENCE's findings (a) to (e); the first in parts, since it says several things."""
