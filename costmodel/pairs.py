"""What a pair of devices earns: `A::B` prefills on A and decodes on B, in fleets that keep each other busy.

The paper compares tokens per second and dollar of such pairs (arXiv 2507.19635, section 5); with fleets in balance that
is one over the cost of a request, whatever its rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from costmodel.hardware import Device
from costmodel.models import Model
from costmodel.phase import Assumptions, Phase, Workload
from costmodel.phase_search import Impossible, PhaseTask, Setting, best_setting

BASELINE = ("h100", "h100")


@dataclass(frozen=True, slots=True)
class Sla:
    """Limits in seconds on the time to first token and the time between tokens; infinite where there is none."""

    name: str
    ttft_s: float = math.inf
    tbt_s: float = math.inf


LATENCY = Sla("latency", 0.250, 0.020)
THROUGHPUT = Sla("throughput")
"""The paper's two service levels: limits, or the most tokens per second and dollar without any."""


@dataclass(frozen=True, slots=True)
class Case:
    """One experiment: a model in a precision, tokens of a request, and the service level."""

    model: Model
    precision: str
    load: Workload
    sla: Sla


@dataclass(frozen=True, slots=True)
class Phases:
    """The best settings of a case, by device: they depend on rates and memory, not on prices."""

    prefill: Mapping[str, Setting | Impossible]
    decode: Mapping[str, Setting | Impossible]


def search(case: Case, devices: Mapping[str, Device], rules: Assumptions) -> Phases:
    """The best setting of either phase on each device."""
    return Phases(
        {id_: _best(case, device, "prefill", case.sla.ttft_s, rules) for id_, device in devices.items()},
        {id_: _best(case, device, "decode", case.sla.tbt_s, rules) for id_, device in devices.items()},
    )


def _best(case: Case, device: Device, phase: Phase, limit_s: float, rules: Assumptions) -> Setting | Impossible:
    return best_setting(PhaseTask(case.model, case.precision, phase, case.load), device, limit_s, rules)


def phase_usd(settings: Mapping[str, Setting | Impossible], prices: Mapping[str, float]) -> dict[str, float]:
    """Dollars of one request's phase by device, at `prices` in dollars an hour; devices that cannot are left out."""
    return {
        id_: setting.device_s / 3600 * prices[id_] for id_, setting in settings.items() if isinstance(setting, Setting)
    }


def pair_usd(phases: Phases, prices: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """Dollars of one request by (prefill device, decode device); pairs that cannot keep the limits are left out.

    The KV transfer is not charged: the paper counts it neither in cost nor in the time to first token.
    """
    prefill, decode = phase_usd(phases.prefill, prices), phase_usd(phases.decode, prices)
    return {(a, b): prefill[a] + decode[b] for a in prefill for b in decode}


def tokens_per_usd(load: Workload, usd: float) -> float:
    """Output tokens a dollar: the same as tokens per second for each dollar per second that the fleet costs."""
    return load.tokens_out / usd


def benefits(usd: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Tokens per dollar of each pair over those of H100::H100; empty when that pair cannot keep the limits."""
    if BASELINE not in usd:
        return {}
    return {pair: usd[BASELINE] / cost for pair, cost in usd.items()}


def why_not(phases: Phases, pair: Sequence[str]) -> str:
    """Why a pair has no feasible batch; empty when it has one."""
    prefill, decode = phases.prefill[pair[0]], phases.decode[pair[1]]
    return "; ".join(each.reason for each in (prefill, decode) if isinstance(each, Impossible))
