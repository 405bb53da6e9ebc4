"""The best plan of a load on one accelerator class and CPU cores, for each class: what mixing devices is worth.

Each is the same problem with fewer levels, solved and judged like the plan itself. The class may have as many devices
as can be used, so that no class loses only because the fleet has few of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ir.duration import format_duration
from placement.confidence import surely_hold
from placement.grouped_reasons import grouped_reasons
from placement.highs import Limits
from placement.kappa import LEAST_KAPPA
from placement.prepared import inner_blocks
from placement.problem import Block, ChooseNode, Operator, OpNode
from placement.shared_evaluate import SharedEvaluation, judge_shared
from placement.shared_feasible import ANY
from placement.shared_fixed import solve_fixed
from placement.shared_objectives import COST, LATENCY
from placement.shared_problem import AgentLoad, Budget, Level, SharedPlacement, SharedProblem
from placement.shared_solve import (
    SAMPLES,
    Effort,
    SharedInfeasibleError,
    SharedUndecidedError,
    solve_shared,
)
from placement.shared_surrogate import UNLIMITED, surrogate
from placement.shared_terms import enough_shared

GAP = 0.02
"""Close enough for a comparison; the gap is shown."""

NO_TIME = "not decided in the time for comparisons"


@dataclass(frozen=True, slots=True)
class SharedHomogeneous:
    """The best plan found with one class: US dollars an hour, `devices` of the class (0: CPU cores do everything).

    `had` is how many the fleet has. `evaluation` None: no plan, and `why` says why not; else every limit holds but the
    count of the class, and `placement` is the plan, in the options of the whole problem.
    """

    device: str
    devices: int
    had: int
    gap: float
    evaluation: SharedEvaluation | None
    why: str
    placement: SharedPlacement | None = None

    @property
    def usd_per_hour(self) -> float | None:
        """What its replicas and fees cost."""
        return None if self.evaluation is None else self.evaluation.usd_per_hour


def restrict_shared(problem: SharedProblem, keeps: Callable[[Level], bool]) -> SharedProblem:
    """The problem with the options at levels that are kept; the levels themselves keep their numbers."""
    kept = [keeps(level) for level in problem.levels]
    return replace(problem, agents=tuple(_restricted(agent, kept) for agent in problem.agents))


def shared_homogeneous(
    problem: SharedProblem, cores: Collection[str], time_s: float, samples: int = SAMPLES
) -> tuple[SharedHomogeneous, ...]:
    """One row for each class that is not among the CPU classes `cores`, in `time_s` seconds for all together.

    Raises `ProblemError` for a table that contradicts itself.
    """
    end = time.monotonic() + time_s
    rows = [row for row in problem.capacities if row.device not in cores]
    found: list[SharedHomogeneous] = []
    for position, row in enumerate(rows):
        left_s = max(0.0, end - time.monotonic()) / (len(rows) - position)
        best = _best(problem, (row.device, row.count), cores, Effort(left_s, GAP, samples))
        found.append(replace(best, placement=_whole(problem, row.device, cores, best.placement)))
    return tuple(found)


def _keeps(device: str, cores: Collection[str]) -> Callable[[Level], bool]:
    return lambda level: level.pool.device == device or level.pool.device in cores


def _whole(
    problem: SharedProblem, device: str, cores: Collection[str], plan: SharedPlacement | None
) -> SharedPlacement | None:
    """A plan of the class in the numbers that options have among all classes."""
    if plan is None:
        return None
    keeps = _keeps(device, cores)
    kept = [keeps(level) for level in problem.levels]
    agents = (
        replace(
            placed,
            option=tuple(
                None if at is None else _kept_options(row, kept)[at]
                for at, row in zip(placed.option, agent.problem.operators, strict=True)
            ),
        )
        for placed, agent in zip(plan.agents, problem.agents, strict=True)
    )
    return replace(plan, agents=tuple(agents))


def _best(problem: SharedProblem, row: tuple[str, int], cores: Collection[str], effort: Effort) -> SharedHomogeneous:
    device, had = row
    only = restrict_shared(problem, _keeps(device, cores))
    roomy = max(had, enough_shared(only, device))
    only = replace(
        only,
        capacities=tuple(replace(each, count=roomy) if each.device == device else each for each in only.capacities),
    )
    end = time.monotonic() + effort.time_limit_s
    if effort.time_limit_s <= 0.0:
        return SharedHomogeneous(device, 0, had, 1.0, None, NO_TIME)
    try:
        if (plain := _without_waiting(only, effort)) is not None:
            return replace(plain, device=device, devices=_used(plain, device), had=had)
        solution = solve_shared(only, effort=replace(effort, time_limit_s=max(0.0, end - time.monotonic())))
    except (SharedInfeasibleError, SharedUndecidedError) as error:
        is_proven = isinstance(error, SharedInfeasibleError)
        left_s = end - time.monotonic()
        why = _why(only, device, left_s) if is_proven or left_s > 0.0 else NO_TIME
        return SharedHomogeneous(device, 0, had, 1.0, None, why)
    best = SharedHomogeneous(device, 0, had, solution.gap, solution.evaluation, "", solution.placement)
    return replace(best, devices=_used(best, device))


def _without_waiting(problem: SharedProblem, effort: Effort) -> SharedHomogeneous | None:
    """The best plan of the surrogate that waits nowhere, if the judge accepts it: then nothing else need be tried."""
    kappas = [LEAST_KAPPA] * len(problem.agents)
    found = solve_fixed(surrogate(problem, kappas, COST), Limits(effort.time_limit_s / 2.0, effort.gap))
    if found.placements is None or found.score is None:
        if found.status == "infeasible":
            raise SharedInfeasibleError(f"{problem.name}: no plan keeps all limits, even without waiting")
        return None
    plan = SharedPlacement(found.placements, found.score.replicas)
    verdict = judge_shared(problem, plan, samples=effort.samples, seed=effort.seed)
    holds = verdict.feasible and all(surely_hold(problem, verdict))
    return SharedHomogeneous("", 0, 0, found.gap, verdict, "", plan) if holds else None


def _used(row: SharedHomogeneous, device: str) -> int:
    return 0 if row.evaluation is None else row.evaluation.devices_used[device]


def _restricted(agent: AgentLoad, kept: list[bool]) -> AgentLoad:
    operators = agent.problem.operators
    chosen = [_kept_options(row, kept) for row in operators]
    rows = (
        replace(row, options=tuple(row.options[at] for at in places))
        for row, places in zip(operators, chosen, strict=True)
    )
    services = (tuple(row[at] for at in places) for row, places in zip(agent.services, chosen, strict=True))
    return replace(agent, problem=replace(agent.problem, operators=tuple(rows)), services=tuple(services))


def _kept_options(row: Operator, kept: Sequence[bool]) -> list[int]:
    return [at for at, option in enumerate(row.options) if kept[option.pool]]


def _why(problem: SharedProblem, device: str, time_s: float) -> str:
    """Operators that the class cannot run, or the limits that its fastest plan breaks."""
    free = _free(problem)
    kappas = [LEAST_KAPPA] * len(free.agents)
    found = solve_fixed(surrogate(free, kappas, LATENCY), Limits(max(0.1, time_s), ANY))
    if found.placements is None or found.score is None:
        return "; ".join(_unable(problem, device)) or NO_TIME
    plan = SharedPlacement(found.placements, found.score.replicas)
    broken = [limit for limit in judge_shared(problem, plan, samples=SAMPLES).violations if limit.kind != "capacity"]
    late = [limit for limit in broken if limit.kind in ("sla", "first_output", "ttft") and math.isfinite(limit.value)]
    if late:
        worst = max(late, key=lambda limit: limit.used)
        taken, limit_s = format_duration(worst.value), format_duration(worst.limit)
        kind = "SLA" if worst.kind == "sla" else worst.kind.replace("_", " ")
        return f"misses the {kind} of {worst.what}: {taken} at its fastest, {limit_s} is the limit"
    kinds = dict.fromkeys(limit.kind.replace("_", " ") for limit in broken)
    return f"no plan found that keeps {', '.join(kinds) or 'all limits'}"


def _unable(problem: SharedProblem, device: str) -> Iterator[str]:
    """The operators without an option, with the reasons against the class."""
    for agent in problem.agents:
        operators = agent.problem.operators
        for at in _in_the_way(agent.problem.root, [not row.options for row in operators]):
            rejected = [text for text in operators[at].rejected if text.startswith(f"{device}/")]
            told = f" ({'; '.join(grouped_reasons(rejected))})" if rejected else ""
            yield f"cannot run {operators[at].id} of {agent.name}{told}"


def _in_the_way(block: Block, lacks: Sequence[bool]) -> Iterator[int]:
    """Operators that lack an option; of a choice those of the alternative with the fewest."""
    for node in block.nodes:
        if isinstance(node, OpNode):
            yield from (node.operator,) if lacks[node.operator] else ()
        elif isinstance(node, ChooseNode):
            yield from min((list(_in_the_way(each, lacks)) for each in node.blocks), key=len)
        else:
            for inner in inner_blocks(node):
                yield from _in_the_way(inner, lacks)


def _free(problem: SharedProblem) -> SharedProblem:
    """Without any limit but those of memory."""
    agents = (
        replace(agent, problem=replace(agent.problem, sla=None), first_output=None, calls=())
        for agent in problem.agents
    )
    capacities = tuple(replace(row, count=UNLIMITED) for row in problem.capacities)
    return replace(problem, agents=tuple(agents), capacities=capacities, budget=Budget())
