"""The paper's findings as functions of results: in which cells each is true, and with what numbers.

A finding is words; the test that stands for it is stated beside it, so that one can disagree with the test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from costmodel.models import load_models
from costmodel.pairs import phase_usd
from costmodel.paper_devices import NAMES, prices
from costmodel.parallel import tensor_parallel_degrees
from costmodel.phase import Assumptions, Phase, Serving, largest_batch
from costmodel.phase_search import Impossible, PhaseTask, Setting, best_settings, setting_of
from orchestrator.reproduction.scenario import (
    DECODE_HEAVY,
    DIMENSIONS,
    MODELS,
    PREFILL_HEAVY,
    Result,
    Scenario,
    rated,
    study,
)
from orchestrator.reproduction.verdict import Cell, Verdict, judge

COMPARABLE = 0.95
"""'Comparable' in (b), and 'nearly' in (a): at least this share of the other pair's benefit."""

SLIGHTLY_LONGER = 2.0
"""(d) 'slightly longer token times': up to this many times the latency SLA's."""

TBT_MS = (5, 8, 10, 12, 14, 16, 18, 20, 22, 25, 30, 35, 40, 60, 100)
BATCH_OF_LADDER = 16


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


def _best_of_all(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    return {result.key: _is_first(result, 1.0) for result in study(scenario)}


def _near_the_best(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    return {result.key: _is_first(result, COMPARABLE) for result in study(scenario)}


def _is_first(result: Result, least: float) -> tuple[bool, str]:
    """Whether B200::Gaudi3 has at least this share of the greatest benefit of all pairs."""
    ours = result.benefit.get(("b200", "gaudi3"))
    if ours is None:
        return False, "no batch"
    best = max(result.benefit, key=lambda pair: result.benefit[pair])
    most = result.benefit[best]
    return ours >= least * most, f"B200::Gaudi3 {ours:.2f}, best {NAMES[best[0]]}::{NAMES[best[1]]} {most:.2f}"


def _ahead_of_b200(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    return {result.key: _compared(result, ("b200", "gaudi3"), ("b200", "b200"), 1.0) for result in study(scenario)}


def _lead_in_fp8(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
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


def _comparable_to_b200(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
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


def _prefill_devices(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    """For long inputs: Gaudi3 the cheapest prefill, or B200 where latency or FP8 speed decides."""
    found = dict[Cell, tuple[bool, str]]()
    for result in study(scenario):
        if result.case.load != PREFILL_HEAVY:
            continue
        costs = phase_usd(result.phases.prefill, prices(scenario.cost_basis))
        first = min(costs, key=lambda id_: costs[id_])
        is_exempt = result.case.precision == "fp8" or not math.isinf(result.case.sla.ttft_s)
        expected = {"gaudi3", "b200"} if is_exempt else {"gaudi3"}
        found[result.key[1:]] = first in expected, _ranked(costs)
    return found


def _ranked(costs: Mapping[str, float]) -> str:
    """Devices by the dollars of a million requests, the cheapest first."""
    order = sorted(costs, key=lambda id_: costs[id_])
    return ", ".join(f"{NAMES[id_]} {costs[id_] * 1e6:.3g}" for id_ in order) + " USD per million requests"


def _decode_devices(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    """For long outputs: Gaudi3 the cheapest decode from some longer token time on, something else below it."""
    found = dict[Cell, tuple[bool, str]]()
    longest_ms = SLIGHTLY_LONGER * scenario.latency.tbt_s * 1e3
    for model, precision in dict.fromkeys((result.case.model, result.case.precision) for result in study(scenario)):
        cheapest = _cheapest_decodes(scenario, model.id, precision)
        other = [each for each, id_ in cheapest.items() if id_ not in {"gaudi3", None}]
        crosses = bool(other) and any(max(other) < each <= longest_ms for each in cheapest)
        found[_size(model.id), precision.upper()] = crosses, _spans(cheapest)
    return found


def _size(model_id: str) -> str:
    return next(name for name, id_ in MODELS.items() if id_ == model_id)


def _cheapest_decodes(scenario: Scenario, model_id: str, precision: str) -> dict[float, str | None]:
    """The device on which decode costs least, by the limit on the token time in ms; None where none keeps it."""
    found = _decode_settings(scenario.flop_basis, scenario.reached, scenario.rules, model_id, precision)
    hourly = prices(scenario.cost_basis)
    cheapest = dict[float, str | None]()
    for limit_ms, settings in found.items():
        costs = phase_usd(settings, hourly)
        left = {id_: usd for id_, usd in costs.items() if id_ not in scenario.left_out}
        cheapest[limit_ms] = min(left, key=lambda id_: left[id_]) if left else None
    return cheapest


@cache
def _decode_settings(
    flop_basis: str, reached: tuple[tuple[str, float], ...], rules: Assumptions, model_id: str, precision: str
) -> Mapping[float, Mapping[str, Setting | Impossible]]:
    task = PhaseTask(load_models().model(model_id), precision, "decode", DECODE_HEAVY)
    limits_ms = (*TBT_MS, math.inf)
    limits_s = [each / 1e3 for each in limits_ms]
    by_device = {
        id_: best_settings(task, device, limits_s, rules) for id_, device in rated(flop_basis, reached).items()
    }
    return {
        limit_ms: {id_: settings[place] for id_, settings in by_device.items()}
        for place, limit_ms in enumerate(limits_ms)
    }


def _spans(cheapest: Mapping[float, str | None]) -> str:
    """Which device is the cheapest up to which limit: `B200 to 15 ms, Gaudi3 to no limit`."""
    spans = dict[str, float]()
    order = list[str]()
    for limit, id_ in cheapest.items():
        name = NAMES[id_] if id_ else "none"
        if not order or order[-1] != name:
            order.append(name)
        spans[f"{len(order)} {name}"] = limit
    return ", ".join(
        f"{name.split(' ', 1)[1]} to {'no limit' if math.isinf(limit) else f'{limit:g} ms'}"
        for name, limit in spans.items()
    )


def _more_parallelism(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
    """A wider group answers sooner, by less with each doubling, and communication takes a growing share."""
    found = dict[Cell, tuple[bool, str]]()
    for result in study(scenario):
        if not math.isinf(result.case.sla.tbt_s):
            continue
        for phase in ("prefill", "decode"):
            ladder = _ladder(result, phase, scenario)
            if len(ladder) > 2:
                gains = [a.pass_s / b.pass_s for a, b in pairwise(ladder)]
                shares = [each.communication_share for each in ladder]
                eaten = gains[-1] < gains[0] and shares[-1] > shares[0]
                found[*result.key[:3], phase] = gains[0] > 1 and eaten, _ladder_text(ladder)
    return found


def _ladder(result: Result, phase: Phase, scenario: Scenario) -> list[Setting]:
    """H100 at one batch, over every tensor parallelism that holds it."""
    case, device = result.case, rated(scenario.flop_basis, scenario.reached)["h100"]
    batch = 1 if phase == "prefill" else BATCH_OF_LADDER
    degrees = tensor_parallel_degrees(case.model, device, scenario.rules.largest_group)
    served = [Serving(case.model, case.precision, device, tp, 1, scenario.rules) for tp in degrees]
    return [
        setting_of(each, phase, case.load, batch) for each in served if largest_batch(each, phase, case.load) >= batch
    ]


def _ladder_text(ladder: Sequence[Setting]) -> str:
    return ", ".join(
        f"TP{each.tp} {each.pass_s * 1e3:.1f} ms ({each.communication_share:.0%} communication)" for each in ladder
    )


FINDINGS = (
    Finding(
        "a",
        "B200::Gaudi3 has the best TCO benefit, in both SLAs",
        "of all pairs none has a greater benefit",
        DIMENSIONS,
        _best_of_all,
    ),
    Finding(
        "a, nearly",
        "B200::Gaudi3 has nearly the best TCO benefit",
        f"its benefit is at least {COMPARABLE:.0%} of the greatest of all pairs",
        DIMENSIONS,
        _near_the_best,
    ),
    Finding(
        "a, against B200",
        "B200::Gaudi3 is ahead even of B200::B200",
        "its benefit is at least that of B200::B200",
        DIMENSIONS,
        _ahead_of_b200,
    ),
    Finding(
        "a, FP8",
        "the lead of B200::Gaudi3 over B200::B200 is clearest for FP8",
        "there is a lead in FP8, and it is larger than in FP16",
        (DIMENSIONS[0], DIMENSIONS[1], DIMENSIONS[3]),
        _lead_in_fp8,
    ),
    Finding(
        "b",
        "H100::Gaudi3 is comparable to or a little better than B200::B200",
        f"its benefit is at least {COMPARABLE:.0%} of that of B200::B200",
        DIMENSIONS,
        _comparable_to_b200,
    ),
    Finding(
        "c",
        "for long inputs Gaudi3 is the most cost-effective prefill device unless latency or FP8 speed dominates, "
        "then B200",
        "4096/512: prefill costs least on Gaudi3, or, under the latency SLA or in FP8, on Gaudi3 or B200",
        DIMENSIONS[1:],
        _prefill_devices,
    ),
    Finding(
        "d",
        "for decode-heavy work Gaudi3 is chosen when slightly longer token times are allowed",
        "512/4096: from some limit on the token time on, of at most "
        f"{SLIGHTLY_LONGER:g} times the SLA's, decode costs least on Gaudi3, and on another device below it",
        DIMENSIONS[1:3],
        _decode_devices,
    ),
    Finding(
        "e",
        "more tensor parallelism helps, then communication eats the gain",
        "H100, one prompt or 16 sequences: the first doubling makes the pass shorter, the last by less, and "
        "communication takes a larger share of it",
        (*DIMENSIONS[:3], "phase"),
        _more_parallelism,
    ),
)
"""REFERENCE's findings (a) to (e); the first in parts, since it says several things."""
