"""Searches, for each agent, the smallest `kappa` at which the judge accepts: a bisection over several at once.

The judge can accept or refuse one agent's times for what another's placement does, so that the brackets are a guide and
no proof; the cheapest plan that was accepted as a whole is the answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_KAPPA = -1.0
"""Below 0 that share of the waiting is left off; at -1 the surrogate waits nowhere."""

FIRST_KAPPA = -0.5
MOST_KAPPA = 3.0
STEP = 0.5
NEAR = 0.06
"""Brackets narrower than this are closed."""


@dataclass(frozen=True, slots=True)
class Brackets:
    """[agent] the largest `kappa` known to be refused (under -1: none), and the smallest accepted or out of reach."""

    low: tuple[float, ...]
    high: tuple[float, ...]


def brackets(agents: int) -> Brackets:
    """Nothing is known."""
    return Brackets((-math.inf,) * agents, (math.inf,) * agents)


def learn(known: Brackets, kappas: Sequence[float], holds: Sequence[bool]) -> Brackets:
    """After a solve that the judge has seen, agent by agent."""
    rows = list(zip(known.low, known.high, kappas, holds, strict=True))
    return Brackets(
        tuple(low if held else max(low, kappa) for low, _, kappa, held in rows),
        tuple(min(high, kappa) if held else (high if high > kappa else math.inf) for _, high, kappa, held in rows),
    )


def following(known: Brackets, kappas: Sequence[float], holds: Sequence[bool], *, accepted: bool) -> list[float] | None:
    """The next `kappa` of each agent to try; None where nothing is left.

    An agent that failed goes up. One that held stays until some plan was accepted as a whole, and then goes down.
    """
    found: list[float] = []
    for low, high, kappa, held in zip(known.low, known.high, kappas, holds, strict=True):
        if not held:
            further = kappa + STEP if kappa < STEP else 2.0 * kappa
            found.append(min(MOST_KAPPA, further) if math.isinf(high) else (kappa + high) / 2.0)
        elif not accepted or kappa - max(low, LEAST_KAPPA) <= NEAR:
            found.append(kappa)
        else:
            found.append(max(LEAST_KAPPA, kappa - STEP) if math.isinf(low) else (low + kappa) / 2.0)
    return None if found == list(kappas) else found


def lowered(known: Brackets, kappas: Sequence[float]) -> list[float] | None:
    """After `kappas` that left the surrogate without a plan: between those refused and these; None at the least."""
    if max(kappas, default=LEAST_KAPPA) - LEAST_KAPPA <= NEAR:
        return None
    between = [(max(low, LEAST_KAPPA) + kappa) / 2.0 for low, kappa in zip(known.low, kappas, strict=True)]
    return [LEAST_KAPPA if kappa - LEAST_KAPPA <= 0.25 else kappa for kappa in between]
