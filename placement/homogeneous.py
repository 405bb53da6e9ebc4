"""The best plan on one accelerator class and the fleet's CPU cores, for each class: what mixing devices is worth.

Each is the same problem with fewer options, solved and judged like the plan itself. The class may have as many devices
as the plan takes, so that no class loses only because the fleet has few of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ir.duration import format_duration
from placement.evaluate import judge
from placement.infeasible import InfeasibleError, UndecidedError
from placement.prepared import prepare
from placement.problem import Problem
from placement.restrict import enough, restrict, with_counts
from placement.solve import solve

if TYPE_CHECKING:
    from placement.aimed import Aimed
    from placement.run_aims import Aims

MOST_S = 1.5
"""Seconds for all classes together at most; an agent of 25 operators and six classes takes 0.3 s."""

GAP = 1e-4
"""Proven enough for a comparison; a wider gap is shown."""


@dataclass(frozen=True, slots=True)
class Homogeneous:
    """The best plan with one accelerator class: US dollars and seconds (the SLA's statistic) of a run.

    `devices` of the class are used, 0 where CPU cores do everything. `cost_usd` None: no plan, and `why` says why not.
    `is_proven` is False where time ended the search. `reached` of each aim; none where the cheapest plan is meant.
    """

    device: str
    cost_usd: float | None
    latency_s: float | None
    devices: int
    gap: float
    why: str
    is_proven: bool
    reached: tuple[float, ...] = ()


def homogeneous(
    problem: Problem, cores: Collection[str], time_s: float = MOST_S, asked: Aims | None = None
) -> tuple[Homogeneous, ...]:
    """One row for each class of `problem.capacities` that is not among the CPU classes `cores`, best in `asked`.

    Raises `ProblemError` for a table that contradicts itself.
    """
    end = time.monotonic() + time_s
    accelerators = [row.device for row in problem.capacities if row.device not in cores]
    found: list[Homogeneous] = []
    for position, device in enumerate(accelerators):
        left = max(0.0, end - time.monotonic()) / (len(accelerators) - position)
        found.append(_best(problem, frozenset((device, *cores)), device, left, asked))
    return tuple(found)


def _best(problem: Problem, allowed: frozenset[str], device: str, time_s: float, asked: Aims | None) -> Homogeneous:
    pools = problem.pools
    reduced = restrict(problem, lambda _, option: pools[option.pool].device in allowed)
    roomy = with_counts(reduced.problem, {device: enough(problem, device)})
    try:
        aimed = None if asked is None else _aimed(roomy, asked, time_s)
        solution = solve(roomy, time_limit_s=time_s, gap=GAP) if aimed is None else aimed.solution
    except InfeasibleError as error:
        return _none(device, _why(problem, device, error), is_proven=error.report.proven)
    except UndecidedError:
        return _none(device, "not decided in the time for comparisons", is_proven=False)
    judged = judge(prepare(roomy), solution.placement)
    proven = solution.status == "optimal"
    used = judged.devices_used[device]
    gap = solution.gap if aimed is None else aimed.reached[-1].gap
    reached = () if aimed is None else tuple(each.value for each in aimed.reached)
    return Homogeneous(device, judged.objective_usd, judged.latency_s, used, gap, "", proven, reached)


def _aimed(problem: Problem, asked: Aims, time_s: float) -> Aimed:
    from placement.aimed import solve_aims

    return solve_aims(problem, asked, time_limit_s=time_s, gap=GAP)


def _why(problem: Problem, device: str, error: InfeasibleError) -> str:
    report = error.report
    if report.kind == "sla" and math.isfinite(report.value):
        over = format_duration(report.value - report.limit)
        return f"misses the SLA: at best {format_duration(report.value)}, {over} over"
    if report.kind != "option":
        return report.text
    return f"cannot run {', '.join(report.what)}"


def _none(device: str, why: str, *, is_proven: bool) -> Homogeneous:
    return Homogeneous(device, None, None, 0, 0.0, why, is_proven)
