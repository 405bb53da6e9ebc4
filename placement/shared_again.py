"""Solves a shared problem again with a limit loosened, an option fixed or an alternative closed, to answer a question.

Every answer passes the judge like the plan itself, sampled percentiles included; questions differ only in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from placement.problem import DeviceCapacity, Operator, Placement
from placement.shared_prepared import prepare_shared
from placement.shared_problem import AgentLoad, Service, SharedPlacement, SharedProblem
from placement.shared_routes import solve_routed
from placement.shared_solve import Effort, SharedInfeasibleError, SharedSolution, SharedUndecidedError, solve_shared

GAP = 1e-3
"""Answers to questions are proven this well where time allows."""

ANY = 0.05
"""How well the first plan that will do is proven."""

PLENTY = 10**6
"""Devices of a class where its count is no limit."""

HARD = 100.0
"""A miss of the whole SLA costs so many times all replicas: far more than any choice of pools could save."""

Keeps = Callable[[int, int], bool]
"""Whether an operator keeps an option, both by index."""


@dataclass(frozen=True, slots=True)
class Held:
    """The plan that answers are held against: dollars an hour, its gap, the kappas that it was solved at (none: no
    relaxation is solved), and whether it splits traffic: then the answers may too. `start` is the
    plan itself, from which answers begin (None: they begin from nothing)."""

    usd_per_hour: float
    gap: float
    kappas: Sequence[float]
    splits: bool = False
    start: SharedPlacement | None = None


def again(
    problem: SharedProblem, time_s: float, *, splits: bool = False, start: Sequence[Placement] = ()
) -> SharedSolution | str:
    """The best plan; or `infeasible`, or `undecided` where time or solves were too few. Raises `ProblemError`."""
    return _solved(problem, Effort(time_limit_s=time_s, gap=GAP), splits=splits, start=start)


def any_plan(problem: SharedProblem, time_s: float, *, splits: bool = False) -> SharedSolution | str:
    """As `again`, but the first plan that the judge accepts will do."""
    return _solved(problem, Effort(time_limit_s=time_s, gap=ANY, enough_s=0.0), splits=splits)


def _solved(
    problem: SharedProblem, effort: Effort, *, splits: bool = False, start: Sequence[Placement] = ()
) -> SharedSolution | str:
    if effort.time_limit_s <= 0.0:
        return "undecided"
    solve = solve_routed if splits else solve_shared
    try:
        return solve(problem, effort=effort, start=start or None)
    except SharedInfeasibleError:
        return "infeasible"
    except SharedUndecidedError:
        return "undecided"


def with_counts(problem: SharedProblem, counts: Mapping[str, int]) -> SharedProblem:
    """The problem with other numbers of devices of the classes named."""
    rows = tuple(DeviceCapacity(row.device, counts.get(row.device, row.count)) for row in problem.capacities)
    return replace(problem, capacities=rows)


def with_agent(problem: SharedProblem, agent: int, changed: AgentLoad) -> SharedProblem:
    """The problem with one agent replaced."""
    agents = (changed if index == agent else each for index, each in enumerate(problem.agents))
    return replace(problem, agents=tuple(agents))


def without_calls(problem: SharedProblem) -> SharedProblem:
    """The problem without limits on first outputs and on calls."""
    return replace(problem, agents=tuple(replace(each, calls=(), first_output=None) for each in problem.agents))


def softened(problem: SharedProblem, usd_per_hour: float) -> SharedProblem:
    """The problem with every SLA soft, at a price that makes a miss of all of it cost `HARD` times so much."""

    def soft(load: AgentLoad) -> AgentLoad:
        sla = load.problem.sla
        if sla is None:
            return load
        runs_per_hour = 3600.0 * max(load.rate_per_s, 1e-9)
        penalty = HARD * (usd_per_hour or 1.0) / (sla.limit_s * runs_per_hour)
        return replace(load, problem=replace(load.problem, penalty_usd_per_s=penalty))

    return replace(problem, agents=tuple(soft(each) for each in problem.agents))


def over_s(problem: SharedProblem, found: SharedSolution) -> float:
    """By how many seconds the agent that misses its SLA most does so; 0 where none does."""
    pairs = zip(problem.agents, found.evaluation.agents, strict=True)
    over = (each.latency_s - load.problem.sla.limit_s for load, each in pairs if load.problem.sla is not None)
    return max(0.0, max(over, default=0.0))


def fixed(problem: SharedProblem, agent: int, operator: int, option: int) -> SharedProblem:
    """The problem in which an operator has one option, and the alternatives that it needs are taken.

    Other options keep their order; that of the operator becomes its only one, 0.
    """
    load = problem.agents[agent]
    needs = prepare_shared(problem).agents[agent].prepared.needs
    wanted = dict(needs[operator])

    def keeps(other: int, index: int) -> bool:
        if other == operator:
            return index == option
        return all(wanted.get(choice, taken) == taken for choice, taken in needs[other])

    return with_agent(problem, agent, narrowed(load, keeps))


def kept_options(load: AgentLoad, keeps: Keeps) -> tuple[tuple[int, ...], ...]:
    """[operator] its options that are kept."""
    rows = enumerate(load.problem.operators)
    return tuple(tuple(at for at in range(len(row.options)) if keeps(index, at)) for index, row in rows)


def narrowed(load: AgentLoad, keeps: Keeps) -> AgentLoad:
    """An agent with the options that are kept."""
    operators: list[Operator] = []
    services: list[tuple[Service, ...]] = []
    for row, times, kept in zip(load.problem.operators, load.services, kept_options(load, keeps), strict=True):
        operators.append(replace(row, options=tuple(row.options[at] for at in kept)))
        services.append(tuple(times[at] for at in kept))
    return replace(load, problem=replace(load.problem, operators=tuple(operators)), services=tuple(services))
