"""How often a call finds another model on its device, where the models of a level take turns.

Calls of independent Poisson streams come in an order in which each is of stream i with probability p_i = r_i / r,
whatever came before (Kingman 1993, "Poisson Processes", colouring and superposition theorems). First come first served,
the call before one of model i is of another model with probability 1 - p_i; over all calls that is 1 - sum p_i^2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from placement.shared_problem import AgentLoad, Service
from placement.shared_routing import Routed

Rates = Mapping[str, float]
"""Calls a second by model."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What comes to a level: calls a second of all agents, and the models of each agent."""

    calls_per_s: Rates
    by_agent: Mapping[int, frozenset[str]]

    def probability(self, agent: int, service: Service) -> float:
        """The probability that a visit of an agent finds another model loaded.

        1 where the agent itself uses several models here: its calls follow each other, so that they are no Poisson
        streams, and each may find the one before it. What only continues a call (its tokens, after its prompt) finds
        another model at most as often as the streams say, as it waits for calls that came in between.
        """
        assert service.loading is not None, "only levels whose models take turns have a mix"
        if len(self.by_agent[agent]) > 1 and not service.loading.continues:
            return 1.0
        return 1.0 - _share(service.loading.model, self.calls_per_s)


@dataclass(frozen=True, slots=True)
class Switches:
    """Of the calls that come to a level, the `share` that load a model, and the mean seconds of one that does."""

    share: float = 0.0
    seconds: float = 0.0


NO_SWITCHES = Switches()


def switches(calls: Sequence[tuple[float, Service]]) -> Switches:
    """Of (calls a second, visit as `placement.held` has it)."""
    loads = [(rate * one.probability, one.seconds) for rate, each in calls if (one := each.loading) is not None]
    total, loaded = math.fsum(rate for rate, _ in calls), math.fsum(rate for rate, _ in loads)
    if total == 0.0 or loaded == 0.0:
        return NO_SWITCHES
    return Switches(loaded / total, math.fsum(rate * seconds for rate, seconds in loads) / loaded)


def mixes(agents: Sequence[AgentLoad], routed: Sequence[Routed]) -> dict[int, Mix]:
    """[level] the mix of those whose models take turns, under a placement."""
    found: dict[int, list[tuple[int, str, float]]] = {}
    for index, (agent, one) in enumerate(zip(agents, routed, strict=True)):
        for operator, shares in enumerate(one.shares):
            row = agent.problem.operators[operator]
            for option, share in shares:
                loading = agent.services[operator][option].loading
                if loading is not None:
                    rate = 0.0 if loading.continues else agent.rate_per_s * row.visits * share
                    found.setdefault(row.options[option].pool, []).append((index, loading.model, rate))
    return {level: _mix(rows) for level, rows in found.items()}


def switched(service: Service, probability: float) -> Service:
    """The visit with the time to load its model, which it takes with this probability.

    Mean P L; the variance grows by that of a load that either comes or does not, L^2 P (1 - P).
    """
    if service.loading is None:
        return service
    load_s = service.loading.seconds
    sd_s = math.sqrt(service.sd_s**2 + load_s**2 * probability * (1.0 - probability))
    loading = replace(service.loading, probability=probability)
    return replace(service, slot_s=service.slot_s + probability * load_s, sd_s=sd_s, loading=loading)


def at_most(agents: Sequence[AgentLoad]) -> dict[tuple[int, int, int], float]:
    """(agent, operator, option) the largest probability of a switch, whatever is placed where: for linear programs.

    All other models that may come do, and of its own model nobody else's calls.
    """
    rows = [
        (index, operator, position, option.pool, agent.rate_per_s * row.visits, service)
        for index, agent in enumerate(agents)
        for operator, (row, services) in enumerate(zip(agent.problem.operators, agent.services, strict=True))
        for position, (option, service) in enumerate(zip(row.options, services, strict=True))
        if service.loading is not None
    ]
    users: dict[int, list[tuple[int, str, float]]] = {}
    for index, _, _, level, rate, service in rows:
        if service.loading is not None and not service.loading.continues:
            users.setdefault(level, []).append((index, service.loading.model, rate))
    found: dict[tuple[int, int, int], float] = {}
    for index, operator, position, level, rate, service in rows:
        assert service.loading is not None, "only such services were taken"
        model = service.loading.model
        others = [each for each in users.get(level, []) if each[1] != model]
        found[index, operator, position] = _mix([*others, (index, model, rate)]).probability(index, service)
    return found


def _mix(rows: Iterable[tuple[int, str, float]]) -> Mix:
    rates: dict[str, float] = {}
    by_agent: dict[int, set[str]] = {}
    for agent, model, rate in rows:
        rates[model] = rates.get(model, 0.0) + rate
        by_agent.setdefault(agent, set()).add(model)
    return Mix(rates, {agent: frozenset(models) for agent, models in by_agent.items()})


def _share(model: str, calls_per_s: Rates) -> float:
    """p_i; where nobody calls, a model that is not alone is never there."""
    total = math.fsum(calls_per_s.values())
    if total == 0.0:
        return 1.0 if len(calls_per_s) == 1 else 0.0
    return calls_per_s[model] / total
