"""What the findings say of pairs of devices, tested in each experiment: (a) and (b).

Each function gives, by cell, whether the claim is true and the numbers that say so.
"""

from __future__ import annotations

from costmodel.paper_devices import NAMES
from orchestrator.reproduction.scenario import Result, Scenario, study
from orchestrator.reproduction.verdict import Cell

COMPARABLE = 0.95
"""'Comparable' in (b), and 'nearly' in (a): at least this share of the other pair's benefit."""


def best_of_all(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    """Whether B200::Gaudi3 has the greatest benefit of all pairs."""
    return {result.key: _is_first(result, 1.0) for result in study(scenario)}


def near_the_best(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    """Whether B200::Gaudi3 has nearly the greatest benefit."""
    return {result.key: _is_first(result, COMPARABLE) for result in study(scenario)}


def _is_first(result: Result, least: float) -> tuple[bool, str]:
    """Whether B200::Gaudi3 has at least this share of the greatest benefit of all pairs."""
    ours = result.benefit.get(("b200", "gaudi3"))
    if ours is None:
        return False, "no batch"
    best = max(result.benefit, key=lambda pair: result.benefit[pair])
    most = result.benefit[best]
    return ours >= least * most, f"B200::Gaudi3 {ours:.2f}, best {NAMES[best[0]]}::{NAMES[best[1]]} {most:.2f}"


def ahead_of_b200(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    """Whether B200::Gaudi3 has at least the benefit of B200::B200."""
    return {result.key: _compared(result, ("b200", "gaudi3"), ("b200", "b200"), 1.0) for result in study(scenario)}


def lead_in_fp8(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    """Whether B200::Gaudi3 leads B200::B200 by more in FP8 than in FP16."""
    leads = {result.key: _ratio(result, ("b200", "gaudi3"), ("b200", "b200")) for result in study(scenario)}
    found = dict[Cell, tuple[bool, str]]()
    for (load, model, precision, sla), lead in leads.items():
        if precision == "FP8":
            wide = leads[load, model, "FP16", sla]
            found[load, model, sla] = lead > max(wide, 1.0), f"{lead - 1:+.1%} in FP8, {wide - 1:+.1%} in FP16"
    return found


def _ratio(result: Result, pair: tuple[str, str], other: tuple[str, str]) -> float:
    """One pair's benefit over another's; 0 where either has no batch."""
    if pair not in result.usd or other not in result.usd:
        return 0.0
    return result.usd[other] / result.usd[pair]


def comparable_to_b200(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    """Whether H100::Gaudi3 has nearly the benefit of B200::B200, or more."""
    return {
        result.key: _compared(result, ("h100", "gaudi3"), ("b200", "b200"), COMPARABLE) for result in study(scenario)
    }


def _compared(result: Result, pair: tuple[str, str], other: tuple[str, str], least: float) -> tuple[bool, str]:
    """Whether a pair has at least `least` of another's benefit."""
    mine, its = result.benefit.get(pair), result.benefit.get(other)
    if mine is None or its is None:
        return False, "no batch"
    names = ("::".join(NAMES[each] for each in one) for one in (pair, other))
    return mine >= least * its, " to ".join(
        f"{name} {value:.2f}" for name, value in zip(names, (mine, its), strict=True)
    )
