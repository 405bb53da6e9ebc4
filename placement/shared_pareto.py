"""The front of cost and latency of a load: plans of which no other is both cheaper and faster, by epsilon-constraint.

Every agent looked at must keep the same share of its SLA's limit; from the fastest plan that share is loosened step by
step, each plan being the next search's start. Every point is a plan that the sampled judge accepted.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ir.sla import Sla
from placement.pareto import EQUAL
from placement.problem import Placement
from placement.shared_evaluate import SharedEvaluation, judge_shared
from placement.shared_objectives import COST, LATENCY
from placement.shared_problem import AgentLoad, SharedPlacement, SharedProblem
from placement.shared_solve import (
    DEFAULT_EFFORT,
    Effort,
    SharedInfeasibleError,
    SharedSolution,
    SharedUndecidedError,
    solve_shared,
)
from placement.shared_surrogate import Aim

POINTS = 8
"""Limits beside the SLA itself; equal answers count once."""

SLOWEST = 2.0
"""Plans that take more times the SLA than this are not looked for: without any limit, waiting has no end."""


@dataclass(frozen=True, slots=True)
class SharedPoint:
    """A plan of the front: `share` is the largest latency over its agent's limit, of those looked at (`slowest`).

    `gap` is of the surrogate at the plan's kappas, within the limit that the search had: 1 where there is no bound.
    """

    placement: SharedPlacement
    evaluation: SharedEvaluation
    share: float
    slowest: str
    gap: float


@dataclass(frozen=True, slots=True)
class SharedFront:
    """The points, fastest first. `is_complete` is False where time left limits out or cut a search short."""

    agents: tuple[str, ...]
    points: tuple[SharedPoint, ...]
    is_complete: bool


@dataclass(slots=True)
class _Search:
    problem: SharedProblem
    agents: frozenset[str]
    end: float
    effort: Effort
    found: list[SharedPoint]

    def solve(
        self, share: float | None, aim: Aim, parts: int, start: Sequence[Placement] | None = None
    ) -> SharedSolution | None:
        """The best plan within a share of the limits, in one of `parts` of the time left; None where none was found.

        Better plans on the way there are points too.
        """
        left_s = (self.end - time.monotonic()) / parts
        if left_s <= 0.0:
            return None
        limited = within(self.problem, self.agents, share)
        try:
            return solve_shared(limited, aim, replace(self.effort, time_limit_s=left_s), self.keep, start)
        except (SharedInfeasibleError, SharedUndecidedError):
            return None

    def keep(self, solution: SharedSolution) -> None:
        """Takes a plan as a point."""
        priced = solution.evaluation.usd_per_hour
        gap = solution.gap if abs(solution.objective - priced) <= 1e-6 * max(1.0, priced) else 1.0
        self.found.append(self.point(solution.placement, gap))

    def point(self, placement: SharedPlacement, gap: float) -> SharedPoint:
        """The plan as the judge sees it under the problem's own limits."""
        verdict = judge_shared(self.problem, placement, samples=self.effort.samples, seed=self.effort.seed)
        shares = {
            load.name: verdict.agents[at].latency_s / load.problem.sla.limit_s
            for at, load in enumerate(self.problem.agents)
            if load.name in self.agents and load.problem.sla is not None
        }
        slowest = max(shares, key=lambda name: shares[name])
        return SharedPoint(placement, verdict, shares[slowest], slowest, gap)


def shared_pareto(
    problem: SharedProblem,
    agents: Collection[str],
    time_s: float,
    points: int = POINTS,
    effort: Effort = DEFAULT_EFFORT,
) -> SharedFront:
    """The front of a problem by `points` limits on the share that `agents` take of their SLAs; all others are kept.

    From the fastest plan to `SLOWEST` times the SLA, or the fastest plan's time if that is longer than the SLA.
    Raises `ValueError` where none of the agents has an SLA, `SharedUndecidedError` where no plan was found in time.
    """
    looked_at = frozenset(each.name for each in problem.agents if each.name in agents and each.problem.sla is not None)
    if not looked_at:
        raise ValueError(f"{problem.name}: none of {', '.join(agents)} has an SLA, whose statistic the front is of")
    search = _Search(problem, looked_at, time.monotonic() + time_s, effort, [])
    fastest = search.solve(None, LATENCY, points + 1)
    if fastest is None:
        raise SharedUndecidedError(f"{problem.name}: no plan for a front found in {time_s:g} s; allow more time")
    low = min(point.share for point in search.found)
    limits = _limits(low, max(SLOWEST, SLOWEST * low), points)
    start, is_complete = fastest.placement.agents, True
    for step, share in enumerate(limits):
        found = search.solve(share * (1.0 + EQUAL), COST, len(limits) - step, start)
        is_complete &= found is not None and time.monotonic() < search.end
        start = start if found is None else found.placement.agents
    return SharedFront(tuple(sorted(looked_at)), _undominated(search.found), is_complete)


def _limits(low: float, high: float, points: int) -> list[float]:
    """Shares from the fastest plan's to the slowest of interest, at equal ratios, the SLA's own among them."""
    ratios = [low * (high / low) ** (step / (points - 1)) for step in range(points)] if points > 1 else [low]
    return sorted({*ratios, 1.0} if low < 1.0 < high else ratios)


def within(problem: SharedProblem, agents: Collection[str], share: float | None) -> SharedProblem:
    """The problem with this share of the agents' limits, None: without these limits."""

    def limited(agent: AgentLoad) -> AgentLoad:
        sla = agent.problem.sla
        if agent.name not in agents or sla is None:
            return agent
        other = None if share is None else Sla(sla.stat, sla.limit_s * share)
        return replace(agent, problem=replace(agent.problem, sla=other))

    return replace(problem, agents=tuple(limited(agent) for agent in problem.agents))


def _undominated(points: Sequence[SharedPoint]) -> tuple[SharedPoint, ...]:
    """The points, fastest first, without those that another one beats or equals in both cost and latency."""
    kept: list[SharedPoint] = []
    for point in sorted(points, key=lambda each: (each.share, each.evaluation.usd_per_hour, each.gap)):
        if not kept or point.evaluation.usd_per_hour < kept[-1].evaluation.usd_per_hour * (1.0 - EQUAL):
            kept.append(point)
    return tuple(kept)
