"""The judge of a shared placement: loads, waiting, times, costs and broken limits, computed from the problem alone.

Every answer of every solver passes through here. A plan that ignores queueing is impossible: a level that is loaded
over its cap is refused, and near saturation waiting grows without end and breaks the limits on time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placement.held import held_services
from placement.sampling import Sampling
from placement.shared_agent import HOUR_S, AgentEvaluation, bill, evaluate_agent
from placement.shared_latency import Served
from placement.shared_limits import Limit, agent_limits, budget_limits, level_limits, routing_limits
from placement.shared_load import LevelLoad, level_loads
from placement.shared_prepared import PreparedShared, prepare_shared
from placement.shared_problem import Budget, SharedPlacement, SharedProblem
from placement.shared_routing import route


@dataclass(frozen=True, slots=True)
class SharedEvaluation:
    """The verdict. `usd_per_hour` is replicas at their prices and all fees; `objective_usd_per_hour` adds penalties.

    `limits` are all limits with what is taken of them; `violations` those that do not hold.
    """

    agents: tuple[AgentEvaluation, ...]
    levels: tuple[LevelLoad, ...]
    devices_used: dict[str, int]
    usd_per_hour: float
    objective_usd_per_hour: float
    watts: float
    gco2e_per_hour: float
    limits: tuple[Limit, ...]
    samples: int

    @property
    def violations(self) -> tuple[Limit, ...]:
        """The limits that do not hold."""
        return tuple(limit for limit in self.limits if limit.exceeded)

    @property
    def feasible(self) -> bool:
        """Whether every limit holds."""
        return not any(limit.exceeded for limit in self.limits)

    def binding(self, at_least: float = 0.95) -> tuple[Limit, ...]:
        """The limits of which at least this share is taken, the fullest first: what more load will break."""
        full = [limit for limit in self.limits if limit.used >= at_least]
        return tuple(sorted(full, key=lambda limit: -limit.used))

    @property
    def cost_usd_per_hour(self) -> float:
        """The same as `usd_per_hour`."""
        return self.usd_per_hour

    @property
    def cost_usd_per_run(self) -> float:
        """Cost per hour over runs per hour of all agents; infinite where none runs and something is paid."""
        runs = HOUR_S * math.fsum(agent.rate_per_s for agent in self.agents)
        return self.usd_per_hour / runs if runs else (math.inf if self.usd_per_hour else 0.0)


def judge_shared(
    problem: SharedProblem,
    placement: SharedPlacement,
    *,
    samples: int = 0,
    seed: int = 0,
    kappa: float | Sequence[float] = 0.0,
) -> SharedEvaluation:
    """Judges a placement. With `samples` runs of each agent their mean or percentile decides; without, the formula.

    `kappa` (one for all agents, or one for each) counts in the formula only. Raises `ProblemError` or `PlacementError`
    where there is nothing to judge.
    """
    return judge_prepared(prepare_shared(problem), placement, samples=samples, seed=seed, kappa=kappa)


def judge_prepared(
    prepared: PreparedShared,
    placement: SharedPlacement,
    *,
    samples: int = 0,
    seed: int = 0,
    kappa: float | Sequence[float] = 0.0,
    drawn: SharedEvaluation | None = None,
) -> SharedEvaluation:
    """As `judge_shared`, for a problem that is already prepared.

    `drawn` is a verdict whose samples are taken over: of the same placement with the same times.
    """
    problem = prepared.problem
    routed = route(prepared, placement)
    services = held_services(problem.agents, routed, problem.margin)
    loads, waits = level_loads(prepared, routed, placement.replicas, services)
    served = [
        Served(agent, one, {visit[1:]: wait for visit, wait in waits.items() if visit[0] == index}, held)
        for index, (agent, one, held) in enumerate(zip(prepared.agents, routed, services, strict=True))
    ]
    kappas = [kappa] * len(served) if isinstance(kappa, int | float) else list(kappa)
    known = [agent.sampled for agent in drawn.agents] if drawn else [None] * len(served)
    agents = tuple(
        evaluate_agent(
            one,
            bill(index, loads, problem),
            kappas[index],
            known[index] or (Sampling(samples, seed, index, prepared.draws) if samples else None),
        )
        for index, one in enumerate(served)
    )
    levels = list(zip(problem.levels, placement.replicas, strict=True))
    fees = math.fsum(HOUR_S * agent.rate_per_s * agent.fees_usd_per_run for agent in agents)
    usd = math.fsum(level.usd_per_hour * count for level, count in levels) + fees
    used = dict.fromkeys(prepared.counts, 0)
    for level, count in levels:
        used[level.pool.device] += level.pool.tp * count
    watts = math.fsum(level.watts * count for level, count in levels)
    gco2e = math.fsum(level.gco2e_per_hour * count for level, count in levels)
    limits = [
        *(limit for one, found in zip(served, agents, strict=True) for limit in agent_limits(one, found)),
        *routing_limits(prepared, routed),
        *level_limits(problem, loads),
        *(Limit("capacity", device, count, prepared.counts[device]) for device, count in used.items()),
        *budget_limits(problem.budget, Budget(usd, watts, gco2e)),
    ]
    return SharedEvaluation(
        agents=agents,
        levels=loads,
        devices_used=used,
        usd_per_hour=usd,
        objective_usd_per_hour=usd + math.fsum(agent.penalty_usd_per_hour for agent in agents),
        watts=watts,
        gco2e_per_hour=gco2e,
        limits=tuple(limits),
        samples=drawn.samples if drawn else samples,
    )
