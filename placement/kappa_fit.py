"""The `kappa` at which the surrogate takes as long as the judge found a plan to take.

A bisection from nothing takes several solves. Plans that are much alike are corrected by much the same `kappa`, so that
what a running plan, or the plan that was just refused, really takes says where to look next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from placement.confidence import upper_s
from placement.evaluate import placed_times
from placement.kappa import LEAST_KAPPA, MOST_KAPPA
from placement.problem import Placement
from placement.shared_agent import AgentEvaluation
from placement.shared_evaluate import SharedEvaluation
from placement.shared_surrogate import Constants, tau_s
from placement.timing import latency

CLOSE = 4e-3


def fitted(known: Constants, placements: Sequence[Placement], verdict: SharedEvaluation) -> list[float]:
    """[agent] the `kappa` that fits what the judge found each placement to take at most, with its samples' confidence.

    The least or the most `kappa` where none fits; the least for agents without an SLA.
    """
    rows = enumerate(zip(placements, verdict.agents, strict=True))
    return [_fitted(known, agent, placement, found) for agent, (placement, found) in rows]


def _fitted(known: Constants, agent: int, placement: Placement, found: AgentEvaluation) -> float:
    sla = known.prepared.problem.agents[agent].problem.sla
    if sla is None:
        return LEAST_KAPPA
    sampled = found.sampled
    wanted_s = found.latency_s if sampled is None or sla.stat == "worst" else upper_s(sampled.run_s, sla.stat)
    taken = _taken_at(known, agent, placement)
    low, high = LEAST_KAPPA, MOST_KAPPA
    while high - low > CLOSE:
        kappa = (low + high) / 2.0
        if taken(kappa) < wanted_s:
            low = kappa
        else:
            high = kappa
    return high


def run_s(known: Constants, agent: int, placement: Placement, kappa: float) -> float:
    """Seconds of a run of an agent by the surrogate at `kappa`."""
    return _taken_at(known, agent, placement)(kappa)


def _taken_at(known: Constants, agent: int, placement: Placement) -> Callable[[float], float]:
    """Seconds of a run by `kappa`."""
    each = known.prepared.agents[agent]
    prepared = each.prepared
    times = placed_times(prepared, placement, prepared.countings[prepared.stat])
    rows = list(zip(prepared.problem.operators, known.services[agent], each.spreads, placement.option, strict=True))

    def taken(kappa: float) -> float:
        operator_s = [
            0.0
            if option is None
            else tau_s(services[option], known.waits[row.options[option].pool], (kappa, spread), prepared.stat)
            for row, services, spread, option in rows
        ]
        return latency(prepared.root, replace(times, operator_s=operator_s))

    return taken
