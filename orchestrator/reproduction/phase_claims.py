"""What the findings say of a single phase, tested in each experiment: (c), (d) and (e).

Each function gives, by cell, whether the claim is true and the numbers that say so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
    MODELS,
    PREFILL_HEAVY,
    Result,
    Scenario,
    rated,
    study,
)
from orchestrator.reproduction.verdict import Cell

SLIGHTLY_LONGER = 2.0
"""(d) 'slightly longer token times': up to this many times the latency SLA's."""

TBT_MS = (5, 8, 10, 12, 14, 16, 18, 20, 22, 25, 30, 35, 40, 60, 100)
BATCH_OF_LADDER = 16


def prefill_devices(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
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


def decode_devices(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
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


def more_parallelism(scenario: Scenario) -> dict[Cell, tuple[bool, str]]:
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
