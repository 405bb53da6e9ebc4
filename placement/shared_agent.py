"""One agent of a shared placement: its times, its slack, and its part of what all replicas cost.

Samples decide where there are any; the formula is there beside them, because programs and reasons speak of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ir.sla import Sla
from placement.evaluate import exceeds
from placement.sampling import Sampled, Sampling, sample, statistic
from placement.sampling_visits import Floats
from placement.shared_latency import Served, first_output_s, run_s, times_of, ttft_s
from placement.shared_load import LevelLoad
from placement.shared_problem import SharedProblem
from placement.slack import slack
from placement.timing import Times, critical_path

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class AgentEvaluation:
    """One agent's verdict, all times with the problem's margin.

    `latency_s` is what the SLA is held against: the sampled statistic where runs were sampled (never for `worst`, which
    is structural), else `formula_s`, the formula of the SLA's statistic at the kappa given. `latency_mean_s` and
    `latency_worst_s` are formulas without kappa. `first_output_s` and `ttft_s` [call] likewise follow samples or the
    formula of their own limit's statistic; None where there is nothing to measure.

    By operator, one visit under the SLA's statistic: `operator_s` with waiting, `waiting_s`, and `slack_s`, how much
    longer it may take before the SLA is missed (as the metered judge's; minus infinity where the run never ends).
    Costs: `fees_usd_per_run` are what calls cost beside the pools; `usd_per_run` adds this agent's part of each level,
    by the slots that it keeps busy; `joule_per_run` and `gco2e_per_run` likewise.
    """

    name: str
    rate_per_s: float
    latency_s: float
    formula_s: float
    latency_mean_s: float
    latency_worst_s: float
    sampled: Sampled | None
    first_output_s: float | None
    ttft_s: tuple[float | None, ...]
    operator_s: tuple[float, ...]
    waiting_s: tuple[float, ...]
    edge_s: tuple[float, ...]
    critical_path: tuple[int, ...]
    slack_s: tuple[float | None, ...]
    penalty_usd_per_hour: float
    fees_usd_per_run: float
    usd_per_run: float
    joule_per_run: float
    gco2e_per_run: float


@dataclass(frozen=True, slots=True)
class Bill:
    """An agent's part of what the levels cost, by the slots that it keeps busy."""

    usd_per_hour: float
    watts: float
    gco2e_per_hour: float


def bill(agent: int, loads: Sequence[LevelLoad], problem: SharedProblem) -> Bill:
    """The part of the agent with this index. What nobody keeps busy is nobody's part."""
    usd = watts = gco2e = 0.0
    for level, load in zip(problem.levels, loads, strict=True):
        part = load.replicas * load.busy_by_agent.get(agent, 0.0) / load.busy_slots if load.busy_slots else 0.0
        usd += part * level.usd_per_hour
        watts += part * level.watts
        gco2e += part * level.gco2e_per_hour
    return Bill(usd, watts, gco2e)


def evaluate_agent(served: Served, share: Bill, kappa: float, sampling: Sampling | Sampled | None) -> AgentEvaluation:
    """The verdict on one agent; `sampling` as in `placement.sampling`, or runs already drawn; None: by the formula."""
    load, problem = served.agent.load, served.agent.load.problem
    stat = served.agent.prepared.stat
    times = times_of(served, stat, kappa)
    formula_s = run_s(served, times)
    sampled = sample(served, sampling) if isinstance(sampling, Sampling) else sampling
    latency_s = formula_s if sampled is None or stat == "worst" else statistic(sampled.run_s, stat)
    fees = _fees_usd(served)
    over_s = latency_s - problem.sla.limit_s if problem.sla and exceeds(latency_s, problem.sla.limit_s) else 0.0
    penalty = over_s * problem.penalty_usd_per_s * HOUR_S * load.rate_per_s if problem.penalty_usd_per_s else 0.0
    return AgentEvaluation(
        name=load.name,
        rate_per_s=load.rate_per_s,
        latency_s=latency_s,
        formula_s=formula_s,
        latency_mean_s=run_s(served, times_of(served, "mean")),
        latency_worst_s=run_s(served, times_of(served, "worst")),
        sampled=sampled,
        first_output_s=_first_output_s(served, kappa, sampled),
        ttft_s=_ttft_s(served, kappa, sampled),
        operator_s=tuple(times.operator_s),
        waiting_s=tuple(times.waiting_s),
        edge_s=tuple(times.edge_s),
        critical_path=tuple(critical_path(served.agent.prepared.root, times)) if math.isfinite(formula_s) else (),
        slack_s=_slack_s(served, times, (formula_s, latency_s)),
        penalty_usd_per_hour=penalty,
        fees_usd_per_run=fees,
        usd_per_run=fees + _per_run(share.usd_per_hour / HOUR_S, load.rate_per_s),
        joule_per_run=_per_run(share.watts, load.rate_per_s),
        gco2e_per_run=_per_run(share.gco2e_per_hour / HOUR_S, load.rate_per_s),
    )


def _per_run(per_second: float, rate_per_s: float) -> float:
    return per_second / rate_per_s if rate_per_s else 0.0


def _fees_usd(served: Served) -> float:
    problem, routed = served.agent.load.problem, served.routed
    calls = (
        operator.visits * share * operator.options[option].cost_usd
        for operator, shares in zip(problem.operators, routed.shares, strict=True)
        for option, share in shares
    )
    moved = (
        edge.visits * share * move.cost_usd
        for edge, moves in zip(problem.edges, routed.moves, strict=True)
        for share, _, _, move in moves
    )
    return math.fsum(calls) + math.fsum(moved)


def _first_output_s(served: Served, kappa: float, sampled: Sampled | None) -> float | None:
    limit = served.agent.load.first_output
    if limit is None:
        return None
    values = None if sampled is None else sampled.first_output_s
    return _held(limit.sla, values, first_output_s(served, times_of(served, limit.sla.stat, kappa)))


def _ttft_s(served: Served, kappa: float, sampled: Sampled | None) -> tuple[float | None, ...]:
    found: list[float | None] = []
    for index, call in enumerate(served.agent.load.calls):
        if call.ttft is None:
            found.append(None)
            continue
        values = None if sampled is None else sampled.ttft_s[index]
        formula = ttft_s(served, call, times_of(served, call.ttft.stat, kappa))
        found.append(_held(call.ttft, values, formula))
    return tuple(found)


def _held(sla: Sla, values: Floats | None, formula_s: float | None) -> float | None:
    """What a limit is held against: the statistic of the values, or the formula."""
    if values is None or not len(values) or sla.stat == "worst":
        return formula_s
    return statistic(values, sla.stat)


def _slack_s(served: Served, times: Times, formula_and_latency_s: tuple[float, float]) -> tuple[float | None, ...]:
    formula_s, latency_s = formula_and_latency_s
    problem = served.agent.load.problem
    taken = [bool(shares) for shares in served.routed.shares]
    if not (math.isfinite(formula_s) and math.isfinite(latency_s)):
        return tuple(-math.inf if one else None for one in taken)
    allowance = problem.sla.limit_s - latency_s if problem.sla else 0.0
    found = slack(served.agent.prepared.root, times, allowance)
    return tuple(found.get(operator) for operator in range(len(problem.operators)))
