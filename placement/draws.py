"""The random numbers of sampled runs: the same for every placement of a problem, operator by operator and draw by draw.

Each operator, group and control node has a generator of its own, fixed by the seed and its place in the problem, so
that its draws do not depend on what else is placed where. To draw is most of the work of a verdict, so that a prepared
problem keeps what it drew for the placements to come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_KEPT = 2_000_000
"""So many visits are kept, of 16 bytes each; what is drawn beyond them is drawn again."""

_KINDS = {"visit": 0, "route": 1, "node": 2}


@dataclass(frozen=True, slots=True)
class Seed:
    """What fixes the draws of an agent."""

    seed: int
    agent: int

    def generator(self, kind: Literal["visit", "route", "node"], index: int) -> np.random.Generator:
        """The generator of one operator, group or control node."""
        return np.random.Generator(np.random.SFC64([self.seed, self.agent, _KINDS[kind], index]))


@dataclass(slots=True)
class Draws:
    """What was drawn, by seed, agent and operator; `visits` are kept in all. It changes no result."""

    by_operator: dict[tuple[int, int, int], list[tuple[Floats, Floats]]] = field(
        default_factory=dict[tuple[int, int, int], list[tuple[Floats, Floats]]]
    )
    visits: int = 0

    def of(self, seed: Seed, operator: int) -> Numbers:
        """The numbers of an operator's visits, from the first on."""
        return Numbers(self, seed, operator, self.by_operator.setdefault((seed.seed, seed.agent, operator), []))


@dataclass(slots=True)
class Numbers:
    """The numbers of one operator's visits: those `kept` as long as equally many are asked for, then new ones."""

    draws: Draws
    seed: Seed
    operator: int
    kept: list[tuple[Floats, Floats]]
    position: int = 0
    generator: np.random.Generator | None = None

    def draw(self, count: int) -> tuple[Floats, Floats]:
        """[visit] a standard normal variable, and a number in (0, 1]; not to be written to."""
        if self.generator is None and self.position < len(self.kept) and len(self.kept[self.position][0]) == count:
            self.position += 1
            return self.kept[self.position - 1]
        if self.generator is None:
            self.generator = self._behind()
        found = _drawn(self.generator, count)
        if self.position == len(self.kept) and self.draws.visits + count <= MOST_KEPT:
            self.kept.append(found)
            self.draws.visits += count
            self.position += 1
        else:
            self.position = len(self.kept) + 1  # what comes after it is not kept either
        return found

    def _behind(self) -> np.random.Generator:
        """The generator, once it has drawn what was asked for so far; of another size than now, the rest is dropped."""
        self.draws.visits -= sum(len(normal) for normal, _ in self.kept[self.position :])
        del self.kept[self.position :]
        generator = self.seed.generator("visit", self.operator)
        for normal, _ in self.kept:
            _drawn(generator, len(normal))
        return generator


def _drawn(generator: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    normal = generator.standard_normal(count)
    return normal, 1.0 - generator.random(count)  # never 0, so that an endless wait is endless
