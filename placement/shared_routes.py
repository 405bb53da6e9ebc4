"""Splits the traffic of operators over levels where that is cheaper, or where no class alone has enough devices.

The program places every operator at one level. From its answer a search moves parts of the traffic, and keeps a move
only where the judge, sampled percentiles included, accepts the plan and it costs less.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from placement.evaluate import exceeds, runs
from placement.problem import DeviceCapacity, Placement
from placement.shared_evaluate import SharedEvaluation, judge_prepared
from placement.shared_flows import cheaper, flows_of
from placement.shared_prepared import prepare_shared
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_solve import (
    DEFAULT_EFFORT,
    DOLLARS,
    Effort,
    OnBetter,
    SharedInfeasibleError,
    SharedSolution,
    SharedUndecidedError,
    Unsplit,
    solve_shared,
)
from placement.shared_surrogate import Aim, Surrogate, surrogate

MOST_JUDGED = 24
"""Plans that are sampled in one search."""

MOST_ALTERNATIVES = 1024
LOAD_SCOPE = "load alone"
"""A bound holds for every plan, split or not: no level does the work for less, whatever the limits on time."""

ENOUGH = 64
"""By how much device counts are multiplied to see what the plan would be if they did not matter."""

_LEAST_GAIN = 1e-6


def solve_routed(
    problem: SharedProblem,
    aim: Aim = DOLLARS,
    effort: Effort = DEFAULT_EFFORT,
    on_better: OnBetter | None = None,
    start: Sequence[Placement] | None = None,
) -> SharedSolution:
    """As `solve_shared`, with traffic split where that costs less, or where no plan without a split was found.

    An aim with latency in it has no splits. The gap of a plan with a split is to `load_bound`, since the program has no
    splits. Raises as `solve_shared`.
    """
    began = time.monotonic()
    table = surrogate(problem, [0.0] * len(problem.agents), aim)
    try:
        whole = solve_shared(problem, aim, effort, on_better, start)
    except SharedInfeasibleError as error:
        left_s = effort.time_limit_s - (time.monotonic() - began)
        return _only(table, error, replace(effort, time_limit_s=left_s), on_better)
    time_s = effort.time_limit_s - (time.monotonic() - began)
    found = split(table, whole.placement, whole.evaluation, Search(effort.samples, effort.seed, time_s))
    if found is not None:
        whole = _bounded(table, whole, whole.evaluation, found)
    solution = replace(whole, spent=replace(whole.spent, seconds=time.monotonic() - began))
    if found is not None and on_better:
        on_better(solution)
    return solution


def _only(table: Surrogate, error: SharedInfeasibleError, effort: Effort, on_better: OnBetter | None) -> SharedSolution:
    """A plan with a split where there is none without: from one with devices that are not there, which are given up.

    Raises `error` where none is found.
    """
    began = time.monotonic()
    if table.aim.latency or effort.time_limit_s <= 0.0:
        raise error
    try:
        whole = solve_shared(_roomy(table.problem), table.aim, effort)
    except (SharedInfeasibleError, SharedUndecidedError):
        raise error from None
    left_s = effort.time_limit_s - (time.monotonic() - began)
    found = split(table, whole.placement, None, Search(effort.samples, effort.seed, left_s))
    if found is None:
        raise error
    solution = _bounded(table, whole, None, found)
    if on_better:
        on_better(solution)
    return solution


def _roomy(problem: SharedProblem) -> SharedProblem:
    more = tuple(DeviceCapacity(row.device, row.count * ENOUGH) for row in problem.capacities)
    return replace(problem, capacities=more)


def _bounded(table: Surrogate, whole: SharedSolution, before: SharedEvaluation | None, found: Split) -> SharedSolution:
    unsplit: Unsplit | None = None
    if not found.placement.routes and before is not None:
        bound, scope = min(whole.bound, found.objective), whole.bound_scope
    else:
        bound, scope = min(load_bound(table), found.objective), LOAD_SCOPE
        unsplit = None if before is None else Unsplit(before.usd_per_hour, whole.gap, whole.bound_scope)
    gap = (found.objective - bound) / found.objective if found.objective else 0.0
    return replace(
        whole,
        placement=found.placement,
        evaluation=found.evaluation,
        objective=found.objective,
        bound=bound,
        gap=gap,
        bound_scope=scope,
        unsplit=unsplit,
    )


@dataclass(frozen=True, slots=True)
class Split:
    """A plan that the judge accepts, and its aim per hour."""

    placement: SharedPlacement
    evaluation: SharedEvaluation
    objective: float


@dataclass(frozen=True, slots=True)
class Search:
    """Sampled runs of each agent and their seed, seconds, and how many plans are sampled at most."""

    samples: int
    seed: int
    time_s: float
    most: int = MOST_JUDGED


def split(table: Surrogate, plan: SharedPlacement, before: SharedEvaluation | None, search: Search) -> Split | None:
    """The plan with traffic moved so that it costs less than `before`, its verdict; None: no such plan was found.

    `before` None: the plan takes more devices than there are, and any that fits will do. Moves are tried by what they
    save; each that the judge accepts is where the next begin.
    """
    flows = None if table.aim.latency else flows_of(table, plan)
    end, judged = time.monotonic() + search.time_s, 0
    prepared = prepare_shared(table.problem)
    best: Split | None = None
    least = math.inf if before is None else _worth(table.aim, before)
    while flows is not None:
        flows, tried = None, cheaper(flows)
        for moved in tried:
            if moved.over():
                flows = moved
                break
            if judged >= search.most or time.monotonic() > end:
                return best
            judged += 1
            placement = moved.placement()
            found = judge_prepared(prepared, placement, samples=search.samples, seed=search.seed)
            worth = _worth(table.aim, found)
            if found.feasible and is_fair(table.problem, found) and worth < least * (1.0 - _LEAST_GAIN):
                flows, least, best = moved, worth, Split(placement, found, worth)
                break
    return best


def is_fair(problem: SharedProblem, found: SharedEvaluation) -> bool:
    """Whether runs that take the slowest of all routes keep the limit too, at mean times.

    Otherwise a few of them would be sent where they are always late, since a percentile allows so many.
    """
    rows = zip(problem.agents, found.agents, strict=True)
    slas = ((load.problem.sla, agent.formula_s) for load, agent in rows if load.problem.penalty_usd_per_s is None)
    return all(sla is None or not exceeds(formula_s, sla.limit_s) for sla, formula_s in slas)


def _worth(aim: Aim, found: SharedEvaluation) -> float:
    return aim.usd * found.objective_usd_per_hour + aim.watts * found.watts + aim.gco2e * found.gco2e_per_hour


def load_bound(table: Surrogate) -> float:
    """No plan has less of the aim per hour: each operator that must run at the level that does its work for least.

    Replicas count as if they could be divided, and limits other than tenants' not at all.
    """
    total = 0.0
    for index, prepared in enumerate(table.agents):
        problem = prepared.problem
        least = [_least(table, index, operator) for operator in range(len(problem.operators))]
        combinations = math.prod(len(names) for names in problem.choices)
        if combinations > MOST_ALTERNATIVES:
            continue
        ways = product(*(range(len(names)) for names in problem.choices))
        total += min(math.fsum(one for at, one in enumerate(least) if runs(prepared, at, way)) for way in ways)
    return total


def _least(table: Surrogate, agent: int, operator: int) -> float:
    row = table.agents[agent].problem.operators[operator]
    rows = zip(row.options, table.shares[agent][operator], table.fees[agent][operator], strict=True)
    weight = table.aim.usd
    return min((table.prices[option.pool] * share + weight * fee for option, share, fee in rows), default=math.inf)
