"""The times that limits are held against: each estimate times its factor, so that plans hold although it is too low.

One place applies the factor, and the judge, the samples, the surrogate and the choice of levels all read it from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from placement.shared_problem import AgentLoad, Service
from placement.shared_routing import Routed

HeldServices = Mapping[tuple[int, int], Service]
"""(operator, option) -> the visit as limits see it."""


def held_services(agents: Sequence[AgentLoad], routed: Sequence[Routed], margin: float) -> tuple[HeldServices, ...]:
    """[agent] the services that a placement uses, at the upper end of what they may take."""
    return tuple(
        {
            (operator, option): agent.services[operator][option].held(margin)
            for operator, shares in enumerate(one.shares)
            for option, _ in shares
        }
        for agent, one in zip(agents, routed, strict=True)
    )


def held_at_most(agents: Sequence[AgentLoad], margin: float) -> tuple[tuple[tuple[Service, ...], ...], ...]:
    """[agent][operator][option] what a visit takes at most, whatever else is placed where: for linear programs."""
    return tuple(
        tuple(tuple(service.held(margin) for service in services) for services in agent.services) for agent in agents
    )
