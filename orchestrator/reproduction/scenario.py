"""What a result of the reproduction rests on: rates, prices, efficiencies and limits, and the experiments under them.

The sensitivity study changes one of these at a time and asks for every verdict again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from costmodel.hardware import Device
from costmodel.models import load_models
from costmodel.pairs import LATENCY, THROUGHPUT, Case, Phases, Sla, benefits, pair_usd, search
from costmodel.paper_devices import devices, prices
from costmodel.phase import Assumptions, Workload
from costmodel.phase_search import Impossible, Setting

DECODE_HEAVY = Workload(512, 4096)
PREFILL_HEAVY = Workload(4096, 512)
LOADS = (DECODE_HEAVY, PREFILL_HEAVY)
MODELS: Mapping[str, str] = {"8B": "llama3.1-8b", "70B": "llama3.1-70b"}
PRECISIONS = ("fp16", "fp8")

DIMENSIONS = ("tokens in/out", "model", "precision", "SLA")
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One set of assumptions; the defaults are the basis of the findings' verdicts. `left_out`: devices not there.
    `reached`: devices whose software reaches only this share of the rates that the others do.
    """

    name: str = "basis"
    flop_basis: str = "dense"
    cost_basis: str = "full"
    rules: Assumptions = field(default_factory=Assumptions)
    latency: Sla = LATENCY
    left_out: tuple[str, ...] = ()
    reached: tuple[tuple[str, float], ...] = ()


BASIS = Scenario()


@dataclass(frozen=True, slots=True)
class Result:
    """An experiment: the best settings, dollars of a request by pair, and benefit over H100::H100."""

    case: Case
    phases: Phases
    usd: Mapping[tuple[str, str], float]
    benefit: Mapping[tuple[str, str], float]

    @property
    def key(self) -> Key:
        """The cell of this experiment."""
        return cell(self.case)


def cell(case: Case) -> Key:
    """Tokens, model, precision and service level as the tables write them."""
    size = next(name for name, id_ in MODELS.items() if id_ == case.model.id)
    return str(case.load), size, case.precision.upper(), case.sla.name


@cache
def study(scenario: Scenario) -> tuple[Result, ...]:
    """The sixteen experiments of figures 8 and 9 under a scenario, in the order of the tables."""
    hourly = prices(scenario.cost_basis)
    found = list[Result]()
    for case, searched in _searched(scenario.flop_basis, scenario.reached, scenario.rules, scenario.latency):
        phases = Phases(_kept(searched.prefill, scenario), _kept(searched.decode, scenario))
        usd = pair_usd(phases, hourly)
        found.append(Result(case, phases, usd, benefits(usd)))
    return tuple(found)


def _kept(settings: Mapping[str, Setting | Impossible], scenario: Scenario) -> dict[str, Setting | Impossible]:
    return {id_: setting for id_, setting in settings.items() if id_ not in scenario.left_out}


@cache
def _searched(
    flop_basis: str, reached: tuple[tuple[str, float], ...], rules: Assumptions, latency: Sla
) -> tuple[tuple[Case, Phases], ...]:
    """Settings do not depend on prices, so scenarios that differ in these alone share them."""
    fleet = rated(flop_basis, reached)
    return tuple((case, search(case, fleet, rules)) for case in cases(latency))


@cache
def rated(flop_basis: str, reached: tuple[tuple[str, float], ...]) -> Mapping[str, Device]:
    """The devices with the rates that a scenario gives them."""
    shares = dict(reached)
    return {id_: _slower(device, shares.get(id_, 1.0)) for id_, device in devices(flop_basis).items()}


def _slower(device: Device, share: float) -> Device:
    rates = {precision: rate * share for precision, rate in device.flops_per_s.items()}
    return replace(device, flops_per_s=rates, mem_bytes_per_s=device.mem_bytes_per_s * share)


def cases(latency: Sla) -> tuple[Case, ...]:
    """Two workloads, two models, two precisions, two service levels."""
    known = load_models()
    return tuple(
        Case(known.model(id_), precision, load, sla)
        for load in LOADS
        for id_ in MODELS.values()
        for precision in PRECISIONS
        for sla in (latency, THROUGHPUT)
    )
