"""A bound and placements for large metered problems, by putting a price on the seconds of a mixture of paths.

With the SLA's seconds priced, what is left is a sum over operators and transfers, and its least value is found exactly
by elimination: no placement that keeps the SLA costs less. Prices and mixtures move towards the largest such bound, and
the placements on the way, nearly at the limit, are where a search by single moves starts (Geoffrion 1974).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from placement.decision_tables import Tables
from placement.elimination import Floats, least
from placement.evaluate import LIMIT_TOLERANCE
from placement.path_weights import Weights, path_weights

SOFTNESS = 0.5
"""How soft paths are mixed at first, in mean times of an operator; it falls with the square root of the rounds."""

STEP = 2.0
_ROUNDING = 1e-9


@dataclass(slots=True)
class Prices:
    """Where an ascent stands: dollars for a second, mean times of the placements so far, and the rounds done.

    `length`: operators on a path, on average. `most_usd`: no placement costs more, a penalty aside.
    """

    usd_per_s: float
    operator_s: Floats
    edge_s: Floats
    rounds: int = 0
    length: float = 1.0
    most_usd: float = math.inf

    def copy(self) -> Prices:
        """An ascent from here on, apart from this one."""
        return Prices(
            self.usd_per_s, self.operator_s.copy(), self.edge_s.copy(), self.rounds, self.length, self.most_usd
        )


@dataclass(slots=True)
class Ascent:
    """The largest bound so far, and the last placement's choices.

    `charged` are the tables of the last round, of operators and of pairs, with seconds priced.
    """

    tables: Tables
    prices: Prices
    bound_usd: float = 0.0
    chosen: list[int] = field(default_factory=list[int])
    charged: tuple[list[Floats], list[Floats]] | None = None

    def round(self) -> None:
        """One step: weigh paths at the mean times, find the cheapest placement at the price, and correct both."""
        tables, prices = self.tables, self.prices
        prepared = tables.prepared
        prices.rounds += 1
        root = math.sqrt(prices.rounds)
        limit_s = limit_of(tables)
        if math.isinf(limit_s):
            value, self.chosen = least(tables.plan, tables.usd, tables.pair_usd)
            self.bound_usd = max(self.bound_usd, value * (1.0 - _ROUNDING))
            return
        soft_s = max(SOFTNESS * limit_s / prices.length / root, 1e-300)
        weights = path_weights(prepared, prices.operator_s.tolist(), prices.edge_s.tolist(), soft_s)
        prices.length = max(1.0, math.fsum(weights.operators))
        price = prices.usd_per_s
        self.charged = charged(tables, weights, price)
        value, self.chosen = least(tables.plan, *self.charged)
        self.bound_usd = max(self.bound_usd, (value - price * limit_s) * (1.0 - _ROUNDING))
        if self.bound_usd > prices.most_usd and prepared.problem.penalty_usd_per_s is None:
            self.bound_usd = math.inf  # nothing costs so much, so that nothing keeps the limit
        operator_s, edge_s = times_of(tables, self.chosen)
        weighed_s = math.fsum(weights.operators * operator_s) + math.fsum(weights.edges * edge_s)
        share = 2.0 / (prices.rounds + 2.0)
        prices.operator_s += share * (operator_s - prices.operator_s)
        prices.edge_s += share * (edge_s - prices.edge_s)
        step = max(-1.0, min(1.0, STEP * (weighed_s / limit_s - 1.0))) / root
        prices.usd_per_s = min(price * math.exp(step), _dearest(tables))


def charged(tables: Tables, weights: Weights, price: float) -> tuple[list[Floats], list[Floats]]:
    """Dollars of operators and of pairs, with a price on each of the seconds that weigh."""
    rows = zip(tables.usd, tables.seconds, weights.operators, strict=True)
    single = [usd + price * weight * seconds for usd, seconds, weight in rows]
    ends = zip(tables.pair_usd, tables.pair_seconds, tables.edges, strict=True)
    pairs = [usd if edge is None else usd + price * weights.edges[edge] * seconds for usd, seconds, edge in ends]
    return single, pairs


def start(tables: Tables) -> Ascent:
    """An ascent whose bound is that without any limit on time; that is the answer where it keeps the limit."""
    value, chosen = least(tables.plan, tables.usd, tables.pair_usd)
    operator_s, edge_s = times_of(tables, chosen)
    dearest = math.fsum(float(usd.max()) for usd in tables.usd)
    moves = math.fsum(float(usd.max(initial=0.0, where=np.isfinite(usd))) for usd in tables.pair_usd)
    price = min(max(value, 1e-3 * dearest) / limit_of(tables), _dearest(tables)) if math.isfinite(value) else 0.0
    most_usd = (dearest + moves) * (1.0 + _ROUNDING)
    return Ascent(tables, Prices(price, operator_s, edge_s, most_usd=most_usd), value * (1.0 - _ROUNDING), chosen)


def times_of(tables: Tables, chosen: list[int]) -> tuple[Floats, Floats]:
    """[operator], [edge] seconds of a placement."""
    operator_s = np.array([seconds[one] for seconds, one in zip(tables.seconds, chosen, strict=True)])
    edge_s = np.zeros(len(tables.prepared.problem.edges))
    for (src, dst), edge, seconds in zip(tables.pairs, tables.edges, tables.pair_seconds, strict=True):
        if edge is not None:
            edge_s[edge] = seconds[chosen[src], chosen[dst]]
    return operator_s, edge_s


def limit_of(tables: Tables) -> float:
    """Seconds that the judge lets pass; infinite without an SLA."""
    sla = tables.prepared.problem.sla
    return math.inf if sla is None else sla.limit_s * (1.0 + LIMIT_TOLERANCE)


def _dearest(tables: Tables) -> float:
    """A second over a soft SLA costs no more than its penalty."""
    penalty = tables.prepared.problem.penalty_usd_per_s
    return math.inf if penalty is None else penalty
