"""The times that limits are held against: each estimate times its factor, and the time to load models that take turns.

One place applies both, and the judge, the samples, the surrogate and the choice of levels all read it from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from placement.shared_problem import AgentLoad, Service
from placement.shared_routing import Routed
from placement.switching import at_most, mixes, switched

HeldServices = Mapping[tuple[int, int], Service]
"""(operator, option) -> the visit as limits see it."""


def held_services(agents: Sequence[AgentLoad], routed: Sequence[Routed], margin: float) -> tuple[HeldServices, ...]:
    """[agent] the services that a placement uses, at the upper end of what they may take, loads of models included."""
    mix = mixes(agents, routed)
    found: list[dict[tuple[int, int], Service]] = []
    for index, (agent, one) in enumerate(zip(agents, routed, strict=True)):
        held: dict[tuple[int, int], Service] = {}
        for operator, shares in enumerate(one.shares):
            for option, _ in shares:
                service = agent.services[operator][option].held(margin)
                if service.loading is not None:
                    level = agent.problem.operators[operator].options[option].pool
                    service = switched(service, mix[level].probability(index, service))
                held[operator, option] = service
        found.append(held)
    return tuple(found)


def held_at_most(agents: Sequence[AgentLoad], margin: float) -> tuple[tuple[tuple[Service, ...], ...], ...]:
    """[agent][operator][option] what a visit takes at most, whatever else is placed where: for linear programs."""
    often = at_most(agents)
    return tuple(
        tuple(
            tuple(
                switched(service.held(margin), often.get((index, operator, option), 0.0))
                for option, service in enumerate(services)
            )
            for operator, services in enumerate(agent.services)
        )
        for index, agent in enumerate(agents)
    )
