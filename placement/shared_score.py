"""What placements of a surrogate cost and break, from its tables alone: what the program claims is held against it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placement.evaluate import exceeds, placed_times, score
from placement.prepared import Prepared
from placement.problem import Placement
from placement.quantile import counting
from placement.shared_latency import first_s
from placement.shared_problem import FirstOutput
from placement.shared_surrogate import Surrogate, fees_of, replicas_of


@dataclass(frozen=True, slots=True)
class SharedScore:
    """`objective` of the aim an hour; seconds over hard SLAs and first outputs, summed; how far others are exceeded."""

    objective: float
    over_s: float
    broken: float
    replicas: tuple[int, ...]

    @property
    def feasible(self) -> bool:
        """Whether every limit of the surrogate holds."""
        return self.over_s == 0.0 and self.broken == 0.0

    @property
    def rank(self) -> tuple[float, float, float]:
        """The smaller the better: limits broken, seconds over, the aim."""
        return self.broken, self.over_s, self.objective


def score_shared(table: Surrogate, placements: Sequence[Placement]) -> SharedScore:
    """The score with the fewest replicas that keep every cap."""
    replicas = replicas_of(table, placements)
    scores = [score(prepared, one) for prepared, one in zip(table.agents, placements, strict=True)]
    objective = math.fsum(price * count for price, count in zip(table.prices, replicas, strict=True))
    objective += math.fsum(one.objective_usd + table.aim.latency * one.latency_s for one in scores)
    broken = math.fsum(one.broken for one in scores) + excess(table, replicas, fees_of(table, placements))
    rows = zip(table.agents, table.problem.agents, placements, strict=True)
    late = math.fsum(_late_s(one, load.first_output, placed) for one, load, placed in rows if load.first_output)
    return SharedScore(objective, math.fsum(one.over_s for one in scores) + late, broken, replicas)


def _late_s(prepared: Prepared, first: FirstOutput, placement: Placement) -> float:
    """Seconds that the first output is over its limit."""
    stat, limit_s = first.sla.stat, first.sla.limit_s
    known = prepared.countings.get(stat)
    times = placed_times(prepared, placement, known if known is not None else counting(prepared.problem, stat))
    taken = {operator: items for operator, items in first.sources if placement.option[operator] is not None}
    found = first_s(prepared.root, taken, times)
    return found - limit_s if found is not None and exceeds(found, limit_s) else 0.0


def excess(table: Surrogate, replicas: Sequence[int], fees: float) -> float:
    """Devices over the counts, plus the shares by which budgets are exceeded."""
    levels = list(zip(table.problem.levels, replicas, strict=True))
    used: dict[str, int] = {}
    for level, count in levels:
        used[level.pool.device] = used.get(level.pool.device, 0) + level.pool.tp * count
    over = math.fsum(max(0, used.get(row.device, 0) - row.count) for row in table.problem.capacities)
    budget = table.problem.budget
    taken = (
        (budget.usd_per_hour, fees + math.fsum(level.usd_per_hour * count for level, count in levels)),
        (budget.watts, math.fsum(level.watts * count for level, count in levels)),
        (budget.gco2e_per_hour, math.fsum(level.gco2e_per_hour * count for level, count in levels)),
    )
    for limit, value in taken:
        if limit is not None and exceeds(value, limit):
            over += value / limit - 1.0 if limit else value
    return over
