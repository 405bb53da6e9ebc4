"""What an event changes for plans of shared pools: which options are kept, and which operators it concerns.

As `replan_change` for one agent; here levels have prices and the load of all agents, which count in each agent's table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from placement.check import ProblemError
from placement.problem import Operator, Option, Problem
from placement.replan_change import Change, change
from placement.replan_steps import PoolUse, Step, steps
from placement.shared_problem import AgentLoad, Level, Service, SharedPlacement, SharedProblem

HOUR_S = 3600.0

Place = tuple[int, int]
"""An agent and its operator."""


def label(level: Level) -> str:
    """What tells a level again in another problem."""
    tenant = f", {level.tenant}" if level.tenant else ""
    return f"{level.pool.id} ({level.slots} slots at {level.cap:g}{tenant})"


def changes(before: SharedProblem, running: SharedPlacement, after: SharedProblem) -> list[Change]:
    """[agent] what an event changes for it. Raises `ProblemError` for problems of different agents."""
    if [one.name for one in before.agents] != [one.name for one in after.agents]:
        raise ProblemError(f"{before.name} and {after.name} have different agents; plan a new agent with the others")
    return [
        change(_table(one, before), placement, _table(other, after))
        for one, placement, other in zip(before.agents, running.agents, after.agents, strict=True)
    ]


def _table(agent: AgentLoad, problem: SharedProblem) -> Problem:
    """The agent's table in which a level's price counts in each row, so that a change of it is seen."""
    pools = tuple(replace(level.pool, id=label(level)) for level in problem.levels)
    operators: list[Operator] = []
    for row, services in zip(agent.problem.operators, agent.services, strict=True):
        pairs = zip(row.options, services, strict=True)
        options = tuple(_row(option, service, problem.levels[option.pool]) for option, service in pairs)
        operators.append(replace(row, options=options))
    return replace(agent.problem, pools=pools, operators=tuple(operators), capacities=problem.capacities)


def _row(option: Option, service: Service, level: Level) -> Option:
    usd = option.cost_usd + service.slot_s * level.usd_per_hour / HOUR_S / level.slots
    return replace(option, latency_s=service.slot_s + service.outside_s, cost_usd=usd)


def concerned(
    before: SharedProblem, running: SharedPlacement, after: SharedProblem, found: Sequence[Change]
) -> set[Place]:
    """As `Change.concerned`; all of an agent with another load, and all on classes short of devices for what runs."""
    taken = dict.fromkeys((row.device for row in after.capacities), 0)
    for level, count in zip(before.levels, running.replicas, strict=True):
        taken[level.pool.device] = taken.get(level.pool.device, 0) + level.pool.tp * count
    counts = {row.device: row.count for row in after.capacities}
    short = {device for device, devices in taken.items() if devices > counts.get(device, 0)}
    places: set[Place] = set()
    for agent, (one, other, each) in enumerate(zip(before.agents, after.agents, found, strict=True)):
        load = one.rate_per_s != other.rate_per_s or one.arrival_cv2 != other.arrival_cv2
        rows = zip(one.problem.operators, each.running.option, strict=True)
        places |= {
            (agent, index)
            for index, (row, option) in enumerate(rows)
            if load
            or index in each.concerned
            or (option is not None and before.levels[row.options[option].pool].pool.device in short)
        }
    return places


Situation = tuple[SharedProblem, SharedPlacement]
"""A problem and the plan that runs in it."""


def steps_between(
    before: Situation, after: Situation, routes: Sequence[tuple[str, str] | tuple[str, str, float]]
) -> tuple[Step, ...]:
    """The steps from one plan to another; `routes` are (operator, level) of what moves, or the share too."""
    counts = [
        {label(level): count for level, count in zip(problem.levels, plan.replicas, strict=True)}
        for problem, plan in (before, after)
    ]
    levels = {label(level): level.pool for level in (*before[0].levels, *after[0].levels)}
    uses = {
        name: PoolUse(pool.device, pool.tp, counts[0].get(name, 0), counts[1].get(name, 0))
        for name, pool in levels.items()
        if counts[0].get(name) or counts[1].get(name)
    }
    return steps(uses, routes, {row.device: row.count for row in after[0].capacities})
