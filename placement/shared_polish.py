"""Betters a plan by moves that the judge accepts: cheaper levels for some of its work, fewer pools, one replica more.

The program overestimates waiting, the same for every plan. Near one plan that was judged a formula with the real
waiting says which neighbours should hold; the cheapest of these are judged, and a refusal corrects the formula.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from placement.confidence import surely_hold, upper_s
from placement.shared_batch import Batch, Levels, batch
from placement.shared_cheapest import Asked, Judged
from placement.shared_evaluate import SharedEvaluation, judge_prepared
from placement.shared_predicted import Waits, applied, users_of, waits_for
from placement.shared_prepared import PreparedShared, prepare_shared
from placement.shared_problem import SharedPlacement
from placement.shared_surrogate import Surrogate
from placement.shared_units import Floats, placements_of, units_of

MOST_PAIRS = 400
MOST_SIDE = 80
MOST_WIDENED = 30
_LEAST_GAIN = 1e-6

Move = tuple[tuple[int, ...], int]
"""Units and the level that they go to."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """`levels` [unit], `replicas` [level], what it costs of the aim, and the judge's verdict."""

    levels: Levels
    replicas: Floats
    worth: float
    verdict: SharedEvaluation


@dataclass(frozen=True, slots=True)
class _Tried:
    """Neighbours: `levels` [unit, plan], `replicas` [level, plan], `cost` [plan], predicted `seconds` [agent, plan]."""

    levels: Levels
    replicas: Floats
    cost: Floats
    seconds: Floats


def polish(table: Surrogate, plan: SharedPlacement, verdict: SharedEvaluation, asked: Asked) -> Iterator[Judged]:
    """Plans that are sure and cost less than `asked.below`, each better than the last; `table` at the least kappa.

    From a plan without routes, which may be one that the judge refused. None where a limit is soft or latency counts.
    """
    soft = any(load.problem.penalty_usd_per_s is not None for load in table.problem.agents)
    if soft or table.aim.latency:
        return
    prepared = prepare_shared(table.problem)
    units = units_of(table, [one.alternative for one in plan.agents])
    rows = batch(table, units)
    levels: list[int] = []
    for unit in units.units:
        option = plan.agents[unit.agent].option[unit.members[0]]
        assert option is not None
        level = table.agents[unit.agent].problem.operators[unit.members[0]].options[option].pool
        if level not in unit.places:
            return
        levels.append(level)
    first, replicas = np.array(levels, dtype=np.int32), np.array(plan.replicas, dtype=float)
    worth, _ = rows.costs_of(first[:, None], replicas[:, None])
    now = _Plan(first, replicas, float(worth[0]), verdict)
    search = _Search(prepared, rows, waits_for(prepared, rows), asked, asked.below)
    while (found := search.better(now)) is not None:
        now, search.below = found, found.worth
        yield Judged(search.placement(now.levels, now.replicas), now.verdict, now.worth)


@dataclass(slots=True)
class _Search:
    prepared: PreparedShared
    rows: Batch
    waits: Waits
    asked: Asked
    below: float
    verdicts: int = 0

    @property
    def spent(self) -> bool:
        return self.verdicts >= self.asked.most or time.monotonic() > self.asked.end

    def placement(self, levels: Levels, replicas: Floats) -> SharedPlacement:
        agents = placements_of(self.rows.table, self.rows.units, [int(one) for one in levels])
        return SharedPlacement(agents, tuple(int(count) for count in replicas))

    def better(self, now: _Plan) -> _Plan | None:
        """The cheapest neighbour that the judge accepts; None where none is, or verdicts or time are spent."""
        waits = self.waits.of(now.levels, now.replicas)
        base = now.levels, now.replicas, waits
        seconds = self.rows.seconds(now.levels[:, None], waits[:, None])[:, 0]
        ratios = np.array(list(_measured(self.prepared, now.verdict))) / np.maximum(seconds, 1e-12)
        singles = self._tried(base, [(), *((move,) for move in _moves(self.rows, now.levels))])
        tried = [singles, self._tried(base, self._pairs(now, singles)), self._widened(base, singles, ratios)]
        cost = np.concatenate([one.cost for one in tried])
        where = [(one, column) for one in tried for column in range(len(one.cost))]
        for index in np.argsort(cost, kind="stable"):
            one, column = where[int(index)]
            if cost[index] >= self.below * (1.0 - _LEAST_GAIN) or self._late(one.seconds[:, column], ratios):
                continue
            if self.spent:
                return None
            self.verdicts += 1
            levels, replicas = one.levels[:, column], one.replicas[:, column]
            plan = self.placement(levels, replicas)
            verdict = judge_prepared(self.prepared, plan, samples=self.asked.samples, seed=self.asked.seed)
            if verdict.feasible and all(surely_hold(self.prepared.problem, verdict)):
                return _Plan(levels.copy(), replicas.copy(), float(cost[index]), verdict)
            measured = np.array(list(_measured(self.prepared, verdict))) / np.maximum(one.seconds[:, column], 1e-12)
            ratios = np.maximum(ratios, np.where(measured * one.seconds[:, column] > self.rows.limits, measured, 0.0))
        return None

    def _late(self, seconds: Floats, ratios: Floats) -> bool:
        return bool(np.any(seconds * ratios > self.rows.limits))

    def _tried(self, base: tuple[Levels, Floats, Floats], moves: Sequence[Sequence[Move]]) -> _Tried:
        """The neighbours that have room; what those take that cost less."""
        levels = applied(base[0], moves)
        replicas = self.rows.replicas(levels)
        cost, broken = self.rows.costs_of(levels, replicas)
        kept = np.flatnonzero(broken == 0.0)
        levels, replicas, cost = levels[:, kept], replicas[:, kept], cost[kept]
        seconds = np.full((len(self.rows.agents), len(kept)), np.inf)
        cheap = np.flatnonzero(cost < self.below)
        waits = self.waits.after(base, levels[:, cheap], replicas[:, cheap])
        seconds[:, cheap] = self.rows.seconds(levels[:, cheap], waits)
        return _Tried(levels, replicas, cost, seconds)

    def _pairs(self, now: _Plan, singles: _Tried) -> list[tuple[Move, Move]]:
        """One move that saves but is late, and one that mends it, as far as the sums of both say."""
        more = singles.cost - now.worth
        moved = (singles.levels != now.levels[:, None]).any(axis=0)
        savers = np.flatnonzero(moved & (more < 0.0))
        others = np.flatnonzero(moved & (more > 0.0))
        savers = savers[np.argsort(more[savers], kind="stable")][:MOST_SIDE]
        others = others[np.argsort(more[others], kind="stable")][:MOST_SIDE]
        total = more[savers][:, None] + more[others][None, :]
        one, other = np.nonzero(total < 0.0)
        order = np.argsort(total[one, other], kind="stable")[:MOST_PAIRS]
        return [
            (self._move(now, singles, int(savers[one[k]])), self._move(now, singles, int(others[other[k]])))
            for k in order
        ]

    def _move(self, now: _Plan, singles: _Tried, column: int) -> Move:
        moved = np.flatnonzero(singles.levels[:, column] != now.levels)
        return tuple(moved.tolist()), int(singles.levels[moved[0], column])

    def _widened(self, base: tuple[Levels, Floats, Floats], singles: _Tried, ratios: Floats) -> _Tried:
        """Cheaper neighbours that are late, with one replica more at each of their levels."""
        late = [
            column
            for column in np.argsort(singles.cost, kind="stable")
            if singles.cost[column] < self.below and self._late(singles.seconds[:, column], ratios)
        ]
        levels: list[Levels] = []
        replicas: list[Floats] = []
        for column in late[:MOST_WIDENED]:
            for level in users_of(singles.levels[:, column]):
                levels.append(singles.levels[:, column])
                more = singles.replicas[:, column].copy()
                more[level] += 1
                replicas.append(more)
        count = len(levels)
        each = np.array(levels, dtype=np.int32).reshape(count, len(base[0])).T
        counts = np.array(replicas).reshape(count, len(base[1])).T
        cost, broken = self.rows.costs_of(each, counts)
        kept = np.flatnonzero((broken == 0.0) & (cost < self.below))
        each, counts, cost = each[:, kept], counts[:, kept], cost[kept]
        seconds = self.rows.seconds(each, self.waits.after(base, each, counts))
        return _Tried(each, counts, cost, seconds)


def _moves(rows: Batch, levels: Levels) -> list[Move]:
    """All users of a level, one agent's users of it, or one unit, to any level where all of them have a place."""
    together: dict[tuple[int, ...], None] = {}
    finite = np.isfinite(rows.units.shares)
    for users in users_of(levels).values():
        together.setdefault(tuple(sorted(users)))
        for agent in {rows.units.units[unit].agent for unit in users}:
            together.setdefault(tuple(sorted(unit for unit in users if rows.units.units[unit].agent == agent)))
    for unit in range(len(levels)):
        together.setdefault((unit,))
    return [
        (units, target)
        for units in together
        for target in np.flatnonzero(finite[list(units)].all(axis=0)).tolist()
        if target != levels[units[0]]
    ]


def _measured(prepared: PreparedShared, verdict: SharedEvaluation) -> Iterator[float]:
    """[agent] the upper confidence limit of what its SLA is held against."""
    for load, one in zip(prepared.problem.agents, verdict.agents, strict=True):
        sla = load.problem.sla
        if sla is None or one.sampled is None or sla.stat == "worst":
            yield one.latency_s
        else:
            yield upper_s(one.sampled.run_s, sla.stat)
