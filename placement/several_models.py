"""Pools of several models on a device: packs that hold all weights at once, and turns that load them on demand.

Between the ways of single operators and the levels that are offered together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from placement.load import AgentDemand
from placement.packs import Pack, in_pack, packs
from placement.pricing import Pricing
from placement.problem import Pool
from placement.turns import Turns, in_turns, turns
from placement.ways import RUN, SERVE, Asked, Way

PACKED = frozenset({SERVE, RUN})
"""Phases whose pools may hold several models."""


@dataclass(frozen=True, slots=True)
class Several:
    """The pools of several models that the agents may be offered."""

    packs: tuple[Pack, ...]
    turns: tuple[Turns, ...]

    def ways(self, asked: Asked, alone: Sequence[Way]) -> Iterator[Way]:
        """An operator's ways in them; `alone` are its ways in pools of one model."""
        if asked.phase in PACKED:
            found = (*(in_pack(one, alone) for one in self.packs), *(in_turns(one, asked, alone) for one in self.turns))
            yield from (way for way in found if way is not None)

    def notes(self, pricing: Pricing) -> Mapping[Pool, str]:
        """What each pool rests on."""
        return {one.pool: one.note(pricing) for one in self.packs} | {one.pool: one.note() for one in self.turns}


def several_models(agents: Sequence[tuple[AgentDemand, tuple[Asked, ...]]], pricing: Pricing) -> Several:
    """The pools for the operators that agents ask for at their rates."""
    asked = [of_agent for _, of_agent in agents]
    calls: dict[str, float] = {}
    for demand, of_agent in agents:
        for each in of_agent:
            if each.phase in PACKED and each.spec.phase != "decode":
                for model in each.spec.models:
                    calls[model] = calls.get(model, 0.0) + demand.rate_per_s * each.spec.visits
    return Several(tuple(packs(asked, pricing)), tuple(turns(asked, calls, pricing)))
