"""The limits of a shared problem, each with how much of it a placement takes.

A limit that holds tells as much as one that does not: what is nearly used up is what a larger load will break.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from placement.evaluate import exceeds
from placement.shared_agent import AgentEvaluation
from placement.shared_latency import Served, token_time_s
from placement.shared_load import LevelLoad
from placement.shared_prepared import PreparedAgent, PreparedShared
from placement.shared_problem import Budget, SharedProblem
from placement.shared_routing import Routed

LimitKind = Literal[
    "sla",
    "first_output",
    "ttft",
    "token_time",
    "load",
    "replicas",
    "capacity",
    "usd_per_hour",
    "watts",
    "gco2e_per_hour",
    "tenant",
    "group",
    "transfer",
]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the problem and how much of it the placement takes, in the unit of the kind.

    `sla`, `first_output`, `ttft`, `token_time`: seconds, `what` names agent and call. `load`: busy slots of the level
    `what`, of cap x slots x replicas. `replicas`: levels used without a replica. `capacity`: devices of the class.
    `tenant`: operators at another tenant's level. `group`: levels of a group without a common route. `transfer`: pairs
    that cannot exchange data. A soft SLA is no limit.
    """

    kind: LimitKind
    what: str
    value: float
    limit: float

    @property
    def exceeded(self) -> bool:
        """Whether the value is over the limit by more than rounding."""
        return exceeds(self.value, self.limit)

    @property
    def used(self) -> float:
        """The share of the limit that is taken; 1 where it binds, infinite over a limit of 0."""
        if self.limit == 0.0:
            return math.inf if self.value > 0.0 else 0.0
        return self.value / self.limit


def agent_limits(served: Served, found: AgentEvaluation) -> Iterator[Limit]:
    """An agent's limits on time."""
    load = served.agent.load
    problem = load.problem
    if problem.sla is not None and problem.penalty_usd_per_s is None:
        yield Limit("sla", f"{load.name} {problem.sla.stat}", found.latency_s, problem.sla.limit_s)
    if load.first_output is not None and found.first_output_s is not None:
        sla = load.first_output.sla
        yield Limit("first_output", f"{load.name} {sla.stat}", found.first_output_s, sla.limit_s)
    for call, ttft in zip(load.calls, found.ttft_s, strict=True):
        name = f"{load.name} {problem.operators[call.decode].id}"
        if call.ttft is not None and ttft is not None:
            yield Limit("ttft", f"{name} {call.ttft.stat}", ttft, call.ttft.limit_s)
        token_s = token_time_s(served, call)
        if call.token_time_s is not None and token_s is not None:
            yield Limit("token_time", name, token_s, call.token_time_s)


def routing_limits(prepared: PreparedShared, routed: Sequence[Routed]) -> Iterator[Limit]:
    """Groups that are apart, data that cannot go where it must, and levels of other tenants. A row a breach."""
    for agent, one in zip(prepared.agents, routed, strict=True):
        for pair in one.forbidden:
            yield Limit("transfer", pair, 1.0, 0.0)
        yield from _group_limits(agent, one)
        yield from _tenant_limits(agent, one, prepared.problem)


def level_limits(problem: SharedProblem, loads: Sequence[LevelLoad]) -> Iterator[Limit]:
    """What is busy at each level of what may be, and levels that are used without a replica."""
    for level, load in zip(problem.levels, loads, strict=True):
        if not load.used:
            continue
        yield Limit("load", level.pool.id, load.busy_slots, level.cap * level.slots * load.replicas)
        if not load.replicas:
            yield Limit("replicas", level.pool.id, 1.0, 0.0)


def budget_limits(budget: Budget, spent: Budget) -> Iterator[Limit]:
    """The limits that the budget states; `spent` has all three."""
    if budget.usd_per_hour is not None:
        yield Limit("usd_per_hour", "all replicas", spent.usd_per_hour or 0.0, budget.usd_per_hour)
    if budget.watts is not None:
        yield Limit("watts", "all replicas", spent.watts or 0.0, budget.watts)
    if budget.gco2e_per_hour is not None:
        yield Limit("gco2e_per_hour", "all replicas", spent.gco2e_per_hour or 0.0, budget.gco2e_per_hour)


def _group_limits(agent: PreparedAgent, routed: Routed) -> Iterator[Limit]:
    problem = agent.load.problem
    for group in problem.groups:
        by_level = [_shares_by_level(agent, routed, member) for member in group if routed.shares[member]]
        if any(not _alike(one, by_level[0]) for one in by_level[1:]):
            names = ", ".join(problem.operators[member].id for member in group)
            pools = {level for one in by_level for level in one}
            yield Limit("group", f"{agent.load.name}: {names}", float(len(pools)), 1.0)


def _shares_by_level(agent: PreparedAgent, routed: Routed, operator: int) -> dict[int, float]:
    options = agent.load.problem.operators[operator].options
    found: dict[int, float] = {}
    for option, share in routed.shares[operator]:
        found[options[option].pool] = found.get(options[option].pool, 0.0) + share
    return found


def _alike(one: dict[int, float], other: dict[int, float]) -> bool:
    return one.keys() == other.keys() and all(math.isclose(share, other[level]) for level, share in one.items())


def _tenant_limits(agent: PreparedAgent, routed: Routed, problem: SharedProblem) -> Iterator[Limit]:
    for operator, shares in zip(agent.load.problem.operators, routed.shares, strict=True):
        for option, _ in shares:
            level = problem.levels[operator.options[option].pool]
            if level.tenant not in (None, agent.load.tenant):
                what = f"{agent.load.name} ({agent.load.tenant}): {operator.id} at {level.pool.id} ({level.tenant})"
                yield Limit("tenant", what, 1.0, 0.0)
