"""Refuses a shared problem that contradicts itself, before anything is solved or judged.

Each agent's own table is checked as a metered problem is; here is what the shared levels add to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ir.sla import Sla
from placement.check import ProblemError, check_problem
from placement.problem import Problem
from placement.shared_problem import AgentLoad, Budget, CallLimit, FirstOutput, Level, SharedProblem


def check_shared(problem: SharedProblem) -> None:
    """Raises `ProblemError` for the first row of the table that breaks a rule of `placement.shared_problem`."""
    for level in problem.levels:
        _check_level(level)
    _require(1.0 <= problem.margin < math.inf, f"margin is {problem.margin}; it multiplies times, so 1 or more")
    _check_budget(problem.budget)
    names = [agent.name for agent in problem.agents]
    _require(len(set(names)) == len(names), f"two agents have one name among {names}; names must be unique")
    for agent in problem.agents:
        _check_agent(agent, problem)


def with_capacities(agent: AgentLoad, shared: SharedProblem) -> Problem:
    """The agent's own table with the shared device counts, as the metered judge needs it."""
    return replace(agent.problem, capacities=shared.capacities)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ProblemError(message)


def _is_amount(value: float) -> bool:
    return math.isfinite(value) and value >= 0.0


def _check_level(level: Level) -> None:
    name = f"level {level.pool.id}"
    _require(level.slots >= 1, f"{name} has {level.slots} slots; a replica serves at least 1 call")
    _require(0.0 < level.cap <= 1.0, f"{name} has cap {level.cap}; a share of slots over 0 and at most 1 is needed")
    for what in ("usd_per_hour", "watts", "gco2e_per_hour"):
        value: float = getattr(level, what)
        _require(_is_amount(value), f"{name} has {what} {value}; a number >= 0 is needed")


def _check_budget(budget: Budget) -> None:
    for what in ("usd_per_hour", "watts", "gco2e_per_hour"):
        value: float | None = getattr(budget, what)
        _require(value is None or _is_amount(value), f"the budget's {what} is {value}; a number >= 0 is needed")


def _check_agent(agent: AgentLoad, shared: SharedProblem) -> None:
    name, problem = f"agent {agent.name}", agent.problem
    _require(
        not problem.capacities, f"{name} has capacities of its own; devices are counted for all agents, in the problem"
    )
    _require(
        problem.pools == tuple(level.pool for level in shared.levels),
        f"{name}: its pools are not those of the levels in their order; an option's pool is its level",
    )
    check_problem(with_capacities(agent, shared))
    _require(_is_amount(agent.rate_per_s), f"{name} has rate_per_s {agent.rate_per_s}; a number >= 0 is needed")
    _require(_is_amount(agent.arrival_cv2), f"{name} has arrival_cv2 {agent.arrival_cv2}; a number >= 0 is needed")
    _check_services(agent, [level.slots for level in shared.levels])
    if agent.first_output is not None:
        _check_first_output(agent, agent.first_output)
    for call in agent.calls:
        _check_call(agent, call)


def _check_services(agent: AgentLoad, slots: Sequence[int]) -> None:
    operators = agent.problem.operators
    _require(
        [len(rows) for rows in agent.services] == [len(operator.options) for operator in operators],
        f"agent {agent.name}: services need one row for each option of each operator",
    )
    for operator, services in zip(operators, agent.services, strict=True):
        for option, service in zip(operator.options, services, strict=True):
            name = f"agent {agent.name}, operator {operator.id}, level {agent.problem.pools[option.pool].id}"
            load_s = 0.0 if service.loading is None else service.loading.seconds
            amounts = all(map(_is_amount, (service.slot_s, service.sd_s, service.outside_s, load_s)))
            _require(amounts, f"{name}: {service}; seconds are numbers >= 0")
            _require(
                service.visit_s > 0.0 or service.sd_s == 0.0, f"{name}: a visit of no time deviates by {service.sd_s} s"
            )
            _require(
                option.latency_s == service.visit_s,
                f"{name}: latency_s {option.latency_s} of the option is not slot_s + outside_s of its {service}",
            )
            _require(
                service.loading is None or slots[option.pool] == 1,
                f"{name}: models take turns on a level of {slots[option.pool]} slots; only one slot may switch",
            )


def _check_first_output(agent: AgentLoad, limit: FirstOutput) -> None:
    _check_limit(f"agent {agent.name}, first output", limit.sla)
    _require(bool(limit.sources), f"agent {agent.name} limits its first output and names no operator that gives it")
    for operator, items in limit.sources:
        _check_operator(agent, operator)
        _require(1.0 <= items < math.inf, f"agent {agent.name}: {items} items of first output; 1 or more are needed")


def _check_call(agent: AgentLoad, call: CallLimit) -> None:
    _check_operator(agent, call.prefill)
    _check_operator(agent, call.decode)
    name = f"agent {agent.name}, call of {agent.problem.operators[call.decode].id}"
    _require(1.0 <= call.tokens < math.inf, f"{name}: {call.tokens} tokens; 1 or more are needed")
    if call.ttft is not None:
        _check_limit(f"{name}, ttft", call.ttft)
    limit_s = call.token_time_s
    _require(limit_s is None or 0.0 < limit_s < math.inf, f"{name}: token_time_s is {limit_s}; a number > 0 is needed")


def _check_operator(agent: AgentLoad, operator: int) -> None:
    operators = len(agent.problem.operators)
    _require(0 <= operator < operators, f"agent {agent.name}: a limit names operator {operator} of {operators}")


def _check_limit(name: str, sla: Sla) -> None:
    _require(0.0 < sla.limit_s < math.inf, f"{name}: the limit is {sla}; it must be positive and finite")
