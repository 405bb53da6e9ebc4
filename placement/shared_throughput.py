"""The most load that a budget and the fleet's devices carry: by what factor all rates can grow, with a bound.

What replicas carry without waiting is proven first, and rates just below that are planned: where limits on time are
wide that is nearly the answer, and elsewhere a refusal to begin from.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from placement.shared_most import most_rate
from placement.shared_problem import SharedProblem
from placement.shared_routes import solve_routed
from placement.shared_solve import (
    DEFAULT_EFFORT,
    DOLLARS,
    Effort,
    SharedInfeasibleError,
    SharedSolution,
    SharedUndecidedError,
    solve_shared,
)
from placement.shared_surrogate import Aim

MOST_SOLVES = 12
BOUND_SHARE = 0.1
"""Of the time limit, for what devices and budgets carry at most."""

JUST_BELOW = 1.0 - 1e-3
"""Of what replicas carry with each operator on one level, the rates that are planned first."""

Solve = Callable[[SharedProblem, Aim, Effort], SharedSolution]


@dataclass(frozen=True, slots=True)
class Throughput:
    """`factor` times every rate has the plan `solution`; at `refused` times none was found (None: never refused).

    No plan on the same levels carries more than `bound` times the rates; with each operator on one level no more than
    `whole_bound`. Both are infinite where nothing limits the rates.
    """

    factor: float
    solution: SharedSolution
    refused: float | None
    bound: float
    whole_bound: float

    @property
    def gap(self) -> float:
        """How much more there may be, as a share of the bound; 1 where there is none."""
        return 1.0 if math.isinf(self.bound) else max(0.0, 1.0 - self.factor / self.bound)


def most_throughput(
    problem: SharedProblem, effort: Effort = DEFAULT_EFFORT, tolerance: float = 0.01, *, split: bool = False
) -> Throughput:
    """By what factor all rates may grow under the problem's budget and device counts; with `split` on several levels.

    Between plan and refusal their geometric mean is planned, until both are within `tolerance`, or time is spent.
    Raises as `solve_shared` where even the rates as they are have no plan.
    """
    end = time.monotonic() + effort.time_limit_s
    one = replace(effort, time_limit_s=effort.time_limit_s / MOST_SOLVES)
    solve: Solve = solve_routed if split else solve_shared
    base = solve(problem, DOLLARS, one)
    share_s = BOUND_SHARE / 2.0 * effort.time_limit_s
    whole_bound = max(1.0, most_rate(problem, share_s))
    bound = max(whole_bound, most_rate(problem, share_s, split=True)) if split else whole_bound
    found = Throughput(1.0, base, None, bound, whole_bound)
    for step in range(MOST_SOLVES):
        factor = JUST_BELOW * whole_bound if not step and math.isfinite(whole_bound) else _between(found)
        left_s = end - time.monotonic()
        if left_s <= 0.0 or factor <= found.factor * (1.0 + tolerance / 2.0):
            break
        left = replace(one, time_limit_s=min(one.time_limit_s, left_s))
        try:
            solution = solve(scaled(problem, factor), DOLLARS, left)
        except (SharedInfeasibleError, SharedUndecidedError):
            found = replace(found, refused=factor)
        else:
            found = replace(found, factor=factor, solution=solution)
    return found


def _between(found: Throughput) -> float:
    """Halfway, as a ratio, between the plan and what is refused or proven to be too much; twice the plan without."""
    most = min(found.bound, found.refused or math.inf)
    return 2.0 * found.factor if math.isinf(most) else math.sqrt(found.factor * most)


def scaled(problem: SharedProblem, factor: float) -> SharedProblem:
    """The problem with every rate so many times as high."""
    agents = tuple(replace(agent, rate_per_s=agent.rate_per_s * factor) for agent in problem.agents)
    return replace(problem, agents=agents)
