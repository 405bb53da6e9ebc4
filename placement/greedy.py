"""A fast answer without proof: place operator by operator at several prices of a second, then improve by local moves.

It starts the MILP, bounds its costs from above, and stands in where the MILP runs out of time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from placement.evaluate import Score, score
from placement.local_search import improve, rank
from placement.moves import Neighbourhood, Unit, candidates, neighbourhood, price
from placement.prepared import Prepared
from placement.problem import Placement

MOST_ALTERNATIVES = 16
PRICES = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
"""Prices of a second to try, in units of the problem's typical dollars per second."""

BISECTIONS = 8
BISECTED = 2
"""How many of the alternatives, the best at those prices, are built at prices between too."""

STARTS = 2
"""How many of the best constructions are improved."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A placement and its score, which may break limits."""

    placement: Placement
    score: Score


def greedy(prepared: Prepared) -> Answer | None:
    """The best placement found; None where some operator has no option under any alternatives tried."""
    prices = _prices(prepared)
    built: dict[Placement, Score] = {}
    tried: list[_Tried] = []
    for alternative in _alternatives(prepared):
        around = neighbourhood(prepared, alternative)
        ways = {unit: candidates(prepared, unit) for unit in around.units}
        if all(ways.values()):
            builder = _Builder(around, ways, alternative, built)
            tried.append(_Tried(builder, [builder.build(usd_per_s) for usd_per_s in prices]))
    for one in sorted(tried, key=_Tried.best)[:BISECTED]:
        _bisect(one, prices)
    starts = sorted(built.items(), key=lambda one: rank(one[1]))[:STARTS]
    improved = [Answer(*improve(prepared, placement)) for placement, _ in starts]
    return min(improved, key=lambda one: rank(one.score), default=None)


def _alternatives(prepared: Prepared) -> Iterator[tuple[int, ...]]:
    """All combinations where there are few; otherwise at most one choice differs from its first alternative."""
    sizes = [len(names) for names in prepared.problem.choices]
    if math.prod(sizes) <= MOST_ALTERNATIVES:
        yield from product(*map(range, sizes))
        return
    yield (0,) * len(sizes)
    for choice, size in enumerate(sizes):
        for index in range(1, size):
            yield tuple(index if one == choice else 0 for one in range(len(sizes)))


def _bisect(tried: _Tried, prices: Sequence[float]) -> None:
    """Builds at prices between, where one keeps the SLA and a cheaper second does not."""
    high = next((index for index, found in enumerate(tried.scores) if found.over_s == 0.0), 0)
    low_usd_per_s, high_usd_per_s = prices[max(0, high - 1)], prices[high]
    for _ in range(BISECTIONS if high > 0 else 0):
        usd_per_s = (low_usd_per_s + high_usd_per_s) / 2.0
        if tried.builder.build(usd_per_s).over_s > 0.0:
            low_usd_per_s = usd_per_s
        else:
            high_usd_per_s = usd_per_s


def _prices(prepared: Prepared) -> list[float]:
    operators = prepared.problem.operators
    usd = math.fsum(o.visits * max((row.cost_usd for row in o.options), default=0.0) for o in operators)
    seconds = math.fsum(o.visits * max((row.latency_s for row in o.options), default=0.0) for o in operators)
    typical = usd / seconds if usd > 0.0 and seconds > 0.0 else 1.0
    return [typical * factor for factor in PRICES]


@dataclass(frozen=True, slots=True)
class _Builder:
    """Places operators under the alternatives taken; `built` keeps all that came of it.

    `ways` has at least one way to place each unit.
    """

    around: Neighbourhood
    ways: Mapping[Unit, Sequence[tuple[int, ...]]]
    alternative: tuple[int, ...]
    built: dict[Placement, Score]

    def build(self, usd_per_s: float) -> Score:
        """The verdict on what is built with seconds at a price."""
        placement = Placement(_construct(self.around, self.ways, usd_per_s), self.alternative)
        if placement not in self.built:
            self.built[placement] = score(self.around.prepared, placement)
        return self.built[placement]


@dataclass(frozen=True, slots=True)
class _Tried:
    """What alternatives came to at each of the prices."""

    builder: _Builder
    scores: Sequence[Score]

    def best(self) -> tuple[float, float, float]:
        return min(map(rank, self.scores))


def _construct(
    around: Neighbourhood, ways: Mapping[Unit, Sequence[tuple[int, ...]]], usd_per_s: float
) -> tuple[int | None, ...]:
    """Gives each unit in turn the cheapest place that fits and is allowed beside those placed, or else the cheapest."""
    prepared = around.prepared
    option: list[int | None] = [None] * len(prepared.problem.operators)
    left = dict(prepared.counts)
    opened: set[int] = set()
    for unit in around.units:
        best: tuple[tuple[bool, float, float], tuple[int, ...]] | None = None
        for options in ways[unit]:
            _place(option, unit, options)
            pool = prepared.problem.operators[unit[0]].options[options[0]].pool
            row = prepared.problem.pools[pool]
            fits = pool in opened or row.tp <= left[row.device]
            cost = price(around, option, unit, usd_per_s)
            key = (not fits or math.isinf(cost), cost, 0.0 if pool in opened else float(row.tp))
            if best is None or key < best[0]:
                best = key, options
        assert best is not None, "every unit has a place"
        _place(option, unit, best[1])
        pool = prepared.problem.operators[unit[0]].options[best[1][0]].pool
        if pool not in opened:
            opened.add(pool)
            left[prepared.problem.pools[pool].device] -= prepared.problem.pools[pool].tp
    return tuple(option)


def _place(option: list[int | None], unit: Unit, options: tuple[int, ...]) -> None:
    for member, index in zip(unit, options, strict=True):
        option[member] = index
