"""Objectives over whole solves: one aim after another.

Cost per run needs none of its own: at given rates it is cost per hour over runs per hour, so that one plan is best for
both. A weighted aim is an `Aim` with several weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ir.sla import Sla
from placement.shared_problem import AgentLoad, SharedProblem
from placement.shared_solve import (
    DEFAULT_EFFORT,
    Effort,
    SharedInfeasibleError,
    SharedSolution,
    SharedUndecidedError,
    solve_shared,
)
from placement.shared_surrogate import Aim

COST = Aim()
ENERGY = Aim(usd=0.0, watts=1.0)
CARBON = Aim(usd=0.0, gco2e=1.0)
LATENCY = Aim(usd=0.0, latency=1.0)


def lexicographic(
    problem: SharedProblem, aims: Sequence[Aim], effort: Effort = DEFAULT_EFFORT, tolerance: float = 0.01
) -> SharedSolution:
    """The best plan for the first aim, among those within `tolerance` of it the best for the second, and so on.

    Each aim is one of `COST`, `ENERGY`, `CARBON`, `LATENCY`, else `ValueError`. Time is shared evenly. Raises as
    `solve_shared`; a later aim for which time was too short leaves the plan of the one before.
    """
    if not aims or any(aim not in (COST, ENERGY, CARBON, LATENCY) for aim in aims):
        raise ValueError(
            f"aims are {aims}; give one or more of COST, ENERGY, CARBON, LATENCY, or weigh them in one Aim"
        )
    share = replace(effort, time_limit_s=effort.time_limit_s / len(aims))
    best = solve_shared(problem, aims[0], share)
    for before, aim in pairwise(aims):
        problem = _held(problem, before, best, 1.0 + tolerance)
        try:
            best = solve_shared(problem, aim, share)
        except (SharedInfeasibleError, SharedUndecidedError):
            return best
    return best


def _held(problem: SharedProblem, aim: Aim, found: SharedSolution, share: float) -> SharedProblem:
    """The problem with what was reached for an aim as a limit."""
    verdict, budget = found.evaluation, problem.budget
    if aim == COST:
        return replace(problem, budget=replace(budget, usd_per_hour=verdict.usd_per_hour * share))
    if aim == ENERGY:
        return replace(problem, budget=replace(budget, watts=verdict.watts * share))
    if aim == CARBON:
        return replace(problem, budget=replace(budget, gco2e_per_hour=verdict.gco2e_per_hour * share))
    rows = zip(problem.agents, verdict.agents, strict=True)
    return replace(problem, agents=tuple(_within(agent, row.latency_s * share) for agent, row in rows))


def _within(agent: AgentLoad, limit_s: float) -> AgentLoad:
    sla = agent.problem.sla
    limit = Sla("worst", limit_s) if sla is None else Sla(sla.stat, min(sla.limit_s, limit_s))
    return replace(agent, problem=replace(agent.problem, sla=limit))
