"""Finds the decision of plan documents again in the tables that they were made from.

A document names pools and alternatives; a table has options. Where one is not found, the table is not that of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from placement.from_ir import Lowered
    from placement.plan import Plan, PlanOperator, Route
    from placement.problem import Placement, Problem
    from placement.shared_from_ir import SharedLowered
    from placement.shared_problem import SharedPlacement

REMEDY = "give the fleet, the load and the options that the plan was made with; what has changed since goes into events"


class RunningPlanError(OrchestratorError):
    """A plan document whose pools, operators or choices are not those of the agent on this fleet."""


def running(lowered: Lowered, plan: Plan) -> Placement:
    """The placement that a plan document writes down, each operator on one pool.

    Raises `RunningPlanError` where the table has no such options, or the plan splits traffic.
    """
    for operator in plan.operators:
        if len(operator.routes) != 1:
            raise RunningPlanError(
                f"{operator.id} is spread over {len(operator.routes)} pools, which are those of a load",
                "give --load, the load that the plans were made for, and the folder of all its plans",
            )
    return _first(lowered, plan)


def _first(lowered: Lowered, plan: Plan) -> Placement:
    """The placement with each operator at the first of its routes."""
    from placement.prepared import prepare
    from placement.problem import Placement

    operators = {each.id: each for each in plan.operators}
    alternatives = tuple(_alternatives(lowered, plan))
    needs = prepare(_complete(lowered.problem)).needs
    runs = [all(alternatives[choice] == taken for choice, taken in needs[at]) for at in range(len(lowered.specs))]
    known = {spec.id for spec, does in zip(lowered.specs, runs, strict=True) if does}
    if set(operators) != known:
        strangers = ", ".join(sorted(set(operators) ^ known))
        raise RunningPlanError(f"the plan of {plan.agent!r} and the agent differ in {strangers}", REMEDY)
    option = tuple(
        _option(lowered, position, operators[spec.id], operators[spec.id].routes[0]) if does else None
        for position, (spec, does) in enumerate(zip(lowered.specs, runs, strict=True))
    )
    return Placement(option, alternatives)


def running_together(shared: SharedLowered, plans: Sequence[Plan]) -> SharedPlacement:
    """The placement that the documents of all agents of a load write down, in the load's order."""
    from placement.shared_problem import SharedPlacement

    placements = tuple(_first(lowered, plan) for lowered, plan in zip(shared.agents, plans, strict=True))
    replicas: dict[str, int] = {}
    for pool in (pool for plan in plans for pool in plan.pools):
        if replicas.setdefault(pool.id, pool.replicas) != pool.replicas:
            raise RunningPlanError(
                f"the plans differ in the replicas of {pool.id}", "give plans that were made at once"
            )
    levels = [level.pool.id for level in shared.problem.levels]
    gone = [name for name in replicas if name not in levels]
    if gone:
        raise RunningPlanError(f"no such pool can be planned: {', '.join(gone)}", REMEDY)
    split = zip(shared.agents, plans, placements, strict=True)
    routes = {(agent, at): shares for agent, one in enumerate(split) for at, shares in _routes(*one)}
    return SharedPlacement(placements, tuple(replicas.get(name, 0) for name in levels), routes)


def _routes(lowered: Lowered, plan: Plan, placement: Placement) -> Iterator[tuple[int, dict[int, float]]]:
    """By operator the share of runs of each option, where the traffic is split."""
    operators = {each.id: each for each in plan.operators}
    for position, (spec, option) in enumerate(zip(lowered.specs, placement.option, strict=True)):
        if option is not None and len(operators[spec.id].routes) > 1:
            operator = operators[spec.id]
            yield position, {_option(lowered, position, operator, each): each.share for each in operator.routes}


def _complete(problem: Problem) -> Problem:
    """The table with a row for each class: those of a load keep their devices beside the agents."""
    from placement.problem import DeviceCapacity

    devices = dict.fromkeys(pool.device for pool in problem.pools)
    return replace(problem, capacities=problem.capacities or tuple(DeviceCapacity(name, 0) for name in devices))


def _option(lowered: Lowered, position: int, operator: PlanOperator, route: Route) -> int:
    """The option of the route's pool; of several, the one whose time is nearest to what was promised."""
    pools, row = lowered.problem.pools, lowered.problem.operators[position]
    mean_s = operator.promised.mean_s if route.mean_s is None else route.mean_s
    found = [index for index, option in enumerate(row.options) if pools[option.pool].id == route.pool]
    if not found:
        raise RunningPlanError(f"{operator.id} runs on {route.pool}, which is not among its options here", REMEDY)
    return min(found, key=lambda index: abs(row.options[index].latency_s - mean_s))


def _alternatives(lowered: Lowered, plan: Plan) -> list[int]:
    found: list[int] = []
    for choice in lowered.structure.choices:
        names = [name.data for name in choice.names.data]
        taken: Mapping[str, str] = plan.choices
        if taken.get(choice.id.data) not in names:
            raise RunningPlanError(f"the plan decides {choice.id.data} as {taken.get(choice.id.data)!r}", REMEDY)
        found.append(names.index(taken[choice.id.data]))
    return found
