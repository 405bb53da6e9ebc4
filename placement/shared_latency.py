"""What an agent's run takes under a shared placement by formula: operator means, waiting, and kappa deviations.

The formula is what a linear program can hold. Percentiles of a run come from `placement.sampling`; `kappa` makes the
formula stand for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ir.sla import Stat
from placement.held import HeldServices
from placement.prepared import Step, TimedBlock
from placement.problem import BranchNode, ChooseNode, LoopNode, OpNode
from placement.quantile import Counting, counting
from placement.queueing import Waiting
from placement.shared_prepared import PreparedAgent
from placement.shared_problem import CallLimit
from placement.shared_routing import Routed, mixed
from placement.timing import Times, item_s, latency, schedule, weights


@dataclass(frozen=True, slots=True)
class Served:
    """An agent's placement with, by (operator, option), what each of its visits waits and takes as limits see it."""

    agent: PreparedAgent
    routed: Routed
    waits: Mapping[tuple[int, int], Waiting]
    services: HeldServices


def times_of(served: Served, stat: Stat, kappa: float = 0.0) -> Times:
    """Seconds of one visit of each operator: waiting + factor * (mean + kappa * spread * deviation).

    Of several routes the mean under the mean, otherwise the slowest. `kappa` does not count for the worst case, which
    is structural.
    """
    agent, routed = served.agent, served.routed
    kappa = 0.0 if stat == "worst" else kappa
    waiting: list[float] = []
    total: list[float] = []
    for operator, shares in enumerate(routed.shares):
        spread = kappa * agent.spreads[operator]
        both: list[tuple[float, float, float]] = []
        for option, share in shares:
            service = served.services[operator, option]
            wait_s = served.waits[operator, option].mean_s
            both.append((share, wait_s, wait_s + service.visit_s + spread * service.sd_s))
        if stat != "mean" and both:
            both = [max(both, key=lambda one: one[2])]
            both = [(1.0, *both[0][1:])]
        waiting.append(mixed(((share, wait_s) for share, wait_s, _ in both), "mean"))
        total.append(mixed(((share, all_s) for share, _, all_s in both), "mean"))
    moved = [mixed(((share, move.latency_s) for share, _, _, move in moves), stat) for moves in routed.moves]
    return Times(total, moved, routed.placement.alternative, _counting(agent, stat), waiting)


def run_s(served: Served, times: Times) -> float:
    """Seconds of a run."""
    return _finite_or_inf(latency(served.agent.prepared.root, times))


def first_output_s(served: Served, times: Times) -> float | None:
    """Seconds to a run's first output; None where no run has one."""
    limit = served.agent.load.first_output
    if limit is None:
        return None
    sources = {operator: items for operator, items in limit.sources if served.routed.shares[operator]}
    found = first_s(served.agent.prepared.root, sources, times)
    return None if found is None else _finite_or_inf(found)


def ttft_s(served: Served, call: CallLimit, times: Times) -> float | None:
    """Seconds from a call's beginning to its first token; None where the placement does not take the call."""
    if not served.routed.shares[call.prefill] or not served.routed.shares[call.decode]:
        return None
    between = [
        times.edge_s[index]
        for index, edge in enumerate(served.agent.load.problem.edges)
        if (edge.src, edge.dst, edge.by) == (call.prefill, call.decode, "kv_place")
    ]
    waiting_s = times.waiting_s[call.decode]
    token_s = (times.operator_s[call.decode] - waiting_s) / call.tokens if math.isfinite(waiting_s) else 0.0
    return times.operator_s[call.prefill] + max(between, default=0.0) + waiting_s + token_s


def token_time_s(served: Served, call: CallLimit) -> float | None:
    """Seconds of one token of a call's slowest route; None where the placement does not take the call."""
    services = [served.services[call.decode, option] for option, _ in served.routed.shares[call.decode]]
    return max((service.slot_s / call.tokens for service in services), default=None)


def _counting(agent: PreparedAgent, stat: Stat) -> Counting:
    found = agent.prepared.countings.get(stat)
    return found if found is not None else counting(agent.load.problem, stat)


def _finite_or_inf(seconds: float) -> float:
    return math.inf if math.isnan(seconds) else seconds


def first_s(block: TimedBlock, sources: Mapping[int, float], times: Times) -> float | None:
    """Seconds from a block's beginning to the latest first item of a source inside it; None without one."""
    starts: list[float] | None = None
    latest: float | None = None
    for position, step in enumerate(block.steps):
        inner = _first_of(step, sources, times)
        if inner is None:
            continue
        starts = schedule(block, times).starts if starts is None else starts
        latest = max(latest or 0.0, starts[position] + inner)
    return latest


def _first_of(step: Step, sources: Mapping[int, float], times: Times) -> float | None:
    node = step.node
    if isinstance(node, OpNode):
        items = sources.get(node.operator)
        waited_s = times.waiting_s[node.operator] if times.waiting_s else 0.0
        return None if items is None else waited_s + item_s(step, items, times)
    inner = [first_s(block, sources, times) for block in step.blocks]
    if isinstance(node, LoopNode):
        if inner[0] is None:
            return None
        before = max(0.0, times.counting.repeats[node.id] - 1.0)
        return inner[0] + (before * latency(step.blocks[0], times) if before else 0.0)
    found = [(weight, first) for weight, first in zip(weights(step, times), inner, strict=True) if first is not None]
    if isinstance(node, ChooseNode):
        return next((first for weight, first in found if weight), None)
    if isinstance(node, BranchNode) and times.counting.stat == "mean":
        total = math.fsum(weight for weight, _ in found)
        return math.fsum(weight * first for weight, first in found) / total if total else None
    return max((first for weight, first in found if weight), default=max((f for _, f in found), default=None))
