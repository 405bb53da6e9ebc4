"""Which pools to open where devices are scarce, in metered mode: a search over sets of pools, many at a time.

The heuristic moves operators, and no single operator's move opens a pool that only many would pay for. Here a set of
pools is the unit: for each set, at several prices of a second, every operator in turn takes the cheapest open place
next to those before it. All sets that differ by one pool are built at once, as arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placement.evaluate import place_pair
from placement.moves import Unit, candidates, neighbourhood
from placement.prepared import Prepared
from placement.presolve import Reduced
from placement.shared_paths import FORBIDDEN_S, Floats, edge_times, latencies

STEPS = 7
"""Prices of a second for each set of pools, around the best of the set before."""

ROUNDS = 12
_WIDE = np.geomspace(1e-3, 1e2, 24)
_NEAR = np.geomspace(0.4, 2.5, STEPS)


def with_open_pools(prepared: Prepared, alternative: Sequence[int]) -> Reduced | None:
    """The problem with only the options of the set of pools found; None where no set found keeps all limits.

    The set is sought for these alternatives. Every placement in it costs the same in the problem, and fits the fleet.
    """
    units = neighbourhood(prepared, alternative).units
    if not all(candidates(prepared, unit) for unit in units):
        return None
    tables = _tables(prepared, units, tuple(alternative))
    pools = {int(pool) for each in tables.pools for pool in each}
    found = _search(tables, pools)
    if found is None:
        return None
    rows = prepared.problem.operators
    kept = tuple(tuple(k for k, option in enumerate(row.options) if option.pool in found) for row in rows)
    operators = tuple(
        replace(row, options=tuple(row.options[k] for k in indices)) for row, indices in zip(rows, kept, strict=True)
    )
    return Reduced(replace(prepared.problem, operators=operators), kept)


@dataclass(frozen=True, slots=True)
class _Tables:
    """By unit: its `pools`, `usd` and `seconds` [place], members' options; edges to units before it.

    `before` [unit] are (unit before, dollars and seconds [its place, place]).
    """

    prepared: Prepared
    alternative: tuple[int, ...]
    units: tuple[Unit, ...]
    places: list[list[tuple[int, ...]]]
    pools: list[NDArray[np.intp]]
    usd: list[Floats]
    seconds: list[Floats]
    before: list[list[tuple[int, Floats, Floats]]]


def _tables(prepared: Prepared, units: tuple[Unit, ...], alternative: tuple[int, ...]) -> _Tables:
    operators = prepared.problem.operators
    places = [candidates(prepared, unit) for unit in units]
    found = _Tables(prepared, alternative, units, places, [], [], [], [[] for _ in units])
    for unit, rows in zip(units, places, strict=True):
        options = [[(operators[m], operators[m].options[k]) for m, k in zip(unit, row, strict=True)] for row in rows]
        found.pools.append(np.array([each[0][1].pool for each in options], dtype=np.intp))
        found.usd.append(np.array([sum(o.visits * k.cost_usd for o, k in each) for each in options]))
        found.seconds.append(np.array([sum(o.visits * k.latency_s for o, k in each) for each in options]))
    unit_of = {member: index for index, unit in enumerate(units) for member in unit}
    for edge in prepared.problem.edges:
        one, other = unit_of.get(edge.src), unit_of.get(edge.dst)
        if one is None or other is None or one == other:
            continue
        pairs = ((one, edge.src), (other, edge.dst))
        rows = [[options[units[end].index(op)] for options in places[end]] for end, op in pairs]
        src, dst = operators[edge.src].options, operators[edge.dst].options
        moves = [[edge.table.get(place_pair(prepared.problem, edge, src[i], dst[j])) for j in rows[1]] for i in rows[0]]
        usd = edge.visits * np.array([[np.inf if m is None else m.cost_usd for m in row] for row in moves])
        seconds = edge.visits * np.array([[0.0 if m is None else m.latency_s for m in row] for row in moves])
        if one > other:
            one, other, usd, seconds = other, one, usd.T, seconds.T
        found.before[other].append((one, usd, seconds))
    return found


def _search(tables: _Tables, pools: set[int]) -> frozenset[int] | None:
    """Steepest descent over sets of pools, from the sets that the operators would take if all were open."""
    usd = sum(float(each.max()) for each in tables.usd if each.size)
    seconds = sum(float(each.max()) for each in tables.seconds if each.size)
    typical = usd / seconds if usd > 0.0 and seconds > 0.0 else 1.0
    prices = typical * _WIDE
    chosen = _built(tables, np.ones((len(tables.prepared.problem.pools), len(prices)), dtype=bool), prices)
    starts = [_fitting(tables, pools, chosen[:, column]) for column in range(len(prices))]
    sets = [one for one in dict.fromkeys(starts) for _ in prices]
    best = _best(tables, sets, np.tile(prices, len(sets) // len(prices)))
    for _ in range(ROUNDS):
        if best is None:
            return None
        merit, now, price = best
        others = list(dict.fromkeys(_swaps(tables, pools, now)))
        sets = [one for one in (now, *others) for _ in _NEAR]
        found = _best(tables, sets, np.tile(price * _NEAR, len(others) + 1))
        if found is None or found[0] >= merit * (1.0 - 1e-6):
            return now
        best = found
    return best[1] if best else None


def _fitting(tables: _Tables, pools: set[int], chosen: NDArray[np.intp]) -> frozenset[int]:
    """The pools that most units chose, as far as they fit, then any others that still do."""
    votes = dict.fromkeys(pools, 0)
    for each, place in zip(tables.pools, chosen, strict=True):
        votes[int(each[place])] += 1
    return _filled(tables, sorted(pools, key=lambda pool: (-votes[pool], pool)))


def _filled(tables: _Tables, order: Sequence[int]) -> frozenset[int]:
    left = dict(tables.prepared.counts)
    found: set[int] = set()
    for pool in order:
        row = tables.prepared.problem.pools[pool]
        if row.tp <= left[row.device]:
            left[row.device] -= row.tp
            found.add(pool)
    return frozenset(found)


def _swaps(tables: _Tables, pools: set[int], now: frozenset[int]) -> Iterator[frozenset[int]]:
    """Each closed pool opened, with each open one of its class closed for it, or as many as it takes."""
    rows = tables.prepared.problem.pools
    for pool in sorted(pools - now):
        same = [one for one in sorted(now) if rows[one].device == rows[pool].device]
        for out in same:
            yield _filled(tables, [pool, *sorted(now - {out}), out, *sorted(pools - now)])


def _best(
    tables: _Tables, sets: Sequence[frozenset[int]], prices: Floats
) -> tuple[float, frozenset[int], float] | None:
    """The cheapest set and price of a second that keep all limits, and the cost; None where none does."""
    is_open = np.zeros((len(tables.prepared.problem.pools), len(sets)), dtype=bool)
    for column, one in enumerate(sets):
        is_open[list(one), column] = True
    chosen = _built(tables, is_open, prices)
    cost, late = _judged(tables, chosen, is_open)
    cost = np.where(late > 0.0, np.inf, cost)
    index = int(np.argmin(cost))
    return (float(cost[index]), sets[index], float(prices[index])) if np.isfinite(cost[index]) else None


def _built(tables: _Tables, is_open: NDArray[np.bool_], prices: Floats) -> NDArray[np.intp]:
    """[unit, candidate] the place that each unit takes."""
    chosen = np.zeros((len(tables.units), len(prices)), dtype=np.intp)
    for unit in range(len(tables.units)):
        cost = tables.usd[unit][:, None] + prices * tables.seconds[unit][:, None]
        for other, usd, seconds in tables.before[unit]:
            cost = cost + usd[chosen[other]].T + prices * seconds[chosen[other]].T
        cost = np.where(is_open[tables.pools[unit]], cost, np.inf)
        chosen[unit] = np.argmin(cost, axis=0)
    return chosen


def _judged(tables: _Tables, chosen: NDArray[np.intp], is_open: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """[candidate] dollars a run, and seconds over a hard SLA; infinite where a place is closed or forbidden."""
    prepared = tables.prepared
    columns = np.arange(chosen.shape[1], dtype=np.intp)
    operators = prepared.problem.operators
    cost = np.zeros(chosen.shape[1])
    operator_s = np.zeros((len(operators), chosen.shape[1]))
    options: dict[int, NDArray[np.intp]] = {}
    for unit, members in enumerate(tables.units):
        cost += tables.usd[unit][chosen[unit]]
        cost += np.where(is_open[tables.pools[unit][chosen[unit]], columns], 0.0, np.inf)
        for other, usd, _ in tables.before[unit]:
            cost += usd[chosen[other], chosen[unit]]
        for place, member in enumerate(members):
            options[member] = np.array([row[place] for row in tables.places[unit]], dtype=np.intp)[chosen[unit]]
            operator_s[member] = np.array([option.latency_s for option in operators[member].options])[options[member]]
    edge_s = {
        one.edge: one.seconds[options[one.src], options[one.dst]]
        for one in edge_times(prepared)
        if one.src in options and one.dst in options
    }
    seconds = latencies(prepared, operator_s, edge_s, tables.alternative)
    sla, penalty = prepared.problem.sla, prepared.problem.penalty_usd_per_s
    if sla is None:
        return cost, np.where(seconds >= FORBIDDEN_S, 1.0, 0.0)
    over = np.maximum(0.0, seconds - sla.limit_s)
    return (cost, over) if penalty is None else (cost + over * penalty, np.where(seconds >= FORBIDDEN_S, 1.0, 0.0))
