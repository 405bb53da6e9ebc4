"""The rules of a load file one by one, each with the load as it would be without it.

Rules delete options before anything is solved, so that leaving one out is a change of the load, not of the problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ir.duration import format_duration

if TYPE_CHECKING:
    from placement.load import AgentDemand, Load, StatedLimits
    from placement.shared_terms import Term


def rules_of(load: Load) -> dict[Term, Callable[[Load], Load]]:
    """Pins, classes that are included or excluded, sites of data, limits of calls, and tenants."""
    found = dict(rule for demand in load.agents for rule in _of_agent(demand))
    for tenant in dict.fromkeys(demand.tenant for demand in load.agents if demand.tenant is not None):
        found[_rule(f"tenant {tenant} apart", f"let tenant {tenant} share pools")] = _untenanted(tenant)
    return found


def with_demand(load: Load, agent: str, change: Callable[[AgentDemand], AgentDemand]) -> Load:
    """The load with another demand of one agent."""
    rows = (change(each) if each.agent == agent else each for each in load.agents)
    return replace(load, agents=tuple(rows))


def _rule(text: str, remedy: str) -> Term:
    from placement.shared_terms import Term

    return Term("rule", text, remedy=remedy)


def _of_agent(demand: AgentDemand) -> Iterator[tuple[Term, Callable[[Load], Load]]]:
    agent = demand.agent
    for name, device in demand.pins.items():
        rule = _rule(f"{name} of {agent} pinned to {device}", f"unpin {name} of {agent}")
        yield rule, _changed(agent, lambda each, name=name: _unpinned(each, name))
    if demand.include is not None:
        rule = _rule(f"{agent} only on {' or '.join(demand.include)}", f"include more classes for {agent}")
        yield rule, _changed(agent, lambda each: replace(each, include=None))
    for device in demand.exclude:
        rule = _rule(f"{agent} not on {device}", f"let {agent} use {device}")
        yield rule, _changed(agent, lambda each, device=device: _included(each, device))
    if demand.data is not None:
        site = demand.data.site
        rule = _rule(f"data of {agent} at site {site}", f"let data of {agent} leave site {site}")
        yield rule, _changed(agent, lambda each: replace(each, data=None))
    for function, limits in demand.limits.items():
        yield from _of_calls(agent, function, limits)


def _of_calls(agent: str, function: str, limits: StatedLimits) -> Iterator[tuple[Term, Callable[[Load], Load]]]:
    of = f"of {function} of {agent}"
    if limits.ttft is not None:
        rule = _rule(f"first token {of} {limits.ttft}", f"leave out the limit on the first token {of}")
        yield rule, _changed(agent, lambda each: _limited(each, function, lambda old: replace(old, ttft=None)))
    if limits.token_time_s is not None:
        token = format_duration(limits.token_time_s)
        rule = _rule(f"each token {of} <= {token}", f"leave out the limit on each token {of}")
        yield rule, _changed(agent, lambda each: _limited(each, function, lambda old: replace(old, token_time_s=None)))


def _changed(agent: str, change: Callable[[AgentDemand], AgentDemand]) -> Callable[[Load], Load]:
    return lambda load: with_demand(load, agent, change)


def _unpinned(demand: AgentDemand, name: str) -> AgentDemand:
    return replace(demand, pins={key: device for key, device in demand.pins.items() if key != name})


def _included(demand: AgentDemand, device: str) -> AgentDemand:
    return replace(demand, exclude=tuple(each for each in demand.exclude if each != device))


def _limited(demand: AgentDemand, function: str, change: Callable[[StatedLimits], StatedLimits]) -> AgentDemand:
    return replace(demand, limits={**demand.limits, function: change(demand.limits[function])})


def _untenanted(tenant: str) -> Callable[[Load], Load]:
    def change(load: Load) -> Load:
        rows = (replace(each, tenant=None) if each.tenant == tenant else each for each in load.agents)
        return replace(load, agents=tuple(rows))

    return change
