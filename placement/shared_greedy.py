"""A fast answer to the provisioned problem without proof: construct at prices of a second, then move, merge and trade.

Operators that may use the same levels share one; at several prices of a second each such family takes the level that is
cheapest with its replicas rounded up. From the best, whole levels, an agent's part of a level, and single units move;
and of two moves, one that saves dollars is paired with one that saves seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from placement.greedy import greedy
from placement.problem import Placement
from placement.shared_batch import Batch, Levels, batch
from placement.shared_score import SharedScore, score_shared
from placement.shared_surrogate import Surrogate
from placement.shared_units import Floats, Units, placements_of, units_of

PRICES = (1e-9, 1e-3, 3e-3, 1e-2, 2e-2, 4e-2, 8e-2, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0, 30.0, 100.0, 1e3)
"""Prices of a second to try, in units of typical dollars over seconds."""

STARTS = 3
MORE_STARTS = 5
SMALL = 40
"""Problems of at most so many units have time for more starts and for three levels at once."""

MOST_SINGLES = 3000
MOST_SIDE = 400
MOST_PAIRS = 3000
MOST_WHOLE = 110
MOST_TRIPLES = 600


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """Placements and their score, which may break limits."""

    placements: tuple[Placement, ...]
    score: SharedScore


def shared_greedy(
    table: Surrogate,
    time_limit_s: float = math.inf,
    on_better: Callable[[SharedAnswer], None] | None = None,
) -> SharedAnswer | None:
    """The best found; None where some operator has no level. `on_better` is called with each better answer."""
    end = time.monotonic() + time_limit_s
    alternatives = _alternatives(table)
    if alternatives is None:
        return None
    units = units_of(table, alternatives)
    if not units.units or any(not unit.places for unit in units.units):
        return None if units.units else _answer(table, units, ())
    rows = batch(table, units)
    built = _constructions(rows)
    merits = _merits(rows, built)
    best: SharedAnswer | None = None
    seen: set[bytes] = set()
    for index in np.argsort(merits, kind="stable")[: _starts(rows)]:
        levels = _improve(rows, built[:, index].copy(), float(merits[index]), (end, seen))
        if levels is None:
            continue
        answer = _answer(table, units, [int(level) for level in levels])
        if best is None or answer.score.rank < best.score.rank:
            best = answer
            if on_better and answer.score.feasible:
                on_better(answer)
        if time.monotonic() > end:
            break
    return best


def _starts(rows: Batch) -> int:
    return MORE_STARTS if len(rows.units.units) <= SMALL else STARTS


def _alternatives(table: Surrogate) -> list[tuple[int, ...]] | None:
    """Those of each agent's own heuristic, which pays for each level by the share that it uses."""
    found: list[tuple[int, ...]] = []
    for prepared in table.agents:
        if not prepared.problem.choices:
            found.append(())
            continue
        answer = greedy(prepared)
        if answer is None:
            return None
        found.append(answer.placement.alternative)
    return found


def _answer(table: Surrogate, units: Units, levels: Sequence[int]) -> SharedAnswer:
    placements = placements_of(table, units, levels)
    return SharedAnswer(placements, score_shared(table, placements))


def _constructions(rows: Batch) -> Levels:
    """[unit, start]: for each price of a second one with families together, and one with every unit by itself."""
    units, prices = rows.units, np.array(rows.table.prices)
    families: dict[frozenset[int], list[int]] = {}
    for index, unit in enumerate(units.units):
        families.setdefault(frozenset(unit.places), []).append(index)
    fluid = prices * np.where(np.isfinite(units.shares), units.shares, 0.0) + units.fees
    usd = float(np.where(np.isfinite(fluid), fluid, 0.0).max(axis=1).sum())
    seconds = float(np.where(np.isfinite(units.seconds), units.seconds, 0.0).max(axis=1).sum())
    typical = usd / seconds if usd > 0.0 and seconds > 0.0 else 1.0
    columns: list[Levels] = []
    for factor in PRICES:
        together = np.zeros(len(units.units), dtype=np.int32)
        for members in families.values():
            share = units.shares[members].sum(axis=0)
            with np.errstate(invalid="ignore"):
                cost = prices * np.ceil(np.maximum(share, 1e-9) * (1.0 - 1e-9)) + units.fees[members].sum(axis=0)
                cost = cost + factor * 20.0 * typical * units.seconds[members].sum(axis=0)
            together[members] = int(np.nanargmin(np.where(np.isfinite(cost), cost, np.inf)))
        columns += [together, np.argmin(fluid + factor * typical * units.seconds, axis=1).astype(np.int32)]
    return np.array(columns).T


def _merits(rows: Batch, levels: Levels) -> Floats:
    cost, broken = rows.costs(levels)
    return rows.merits(cost, broken, rows.seconds(levels))


@dataclass(frozen=True, slots=True)
class _Moves:
    """Simple moves: `members` [move] are units that go to level `target` [move]."""

    members: list[list[int]]
    target: list[int]


def _simple(rows: Batch, levels: Levels) -> _Moves:
    """All users of a level, one agent's users of it, or one unit, to any level where all of them have a place."""
    together: dict[tuple[int, ...], None] = {}
    by_level: dict[int, list[int]] = {}
    by_agent: dict[tuple[int, int], list[int]] = {}
    for unit, level in enumerate(levels):
        by_level.setdefault(int(level), []).append(unit)
        by_agent.setdefault((rows.units.units[unit].agent, int(level)), []).append(unit)
    for members in (*by_level.values(), *by_agent.values(), *([unit] for unit in range(len(levels)))):
        together.setdefault(tuple(members))
    found = _Moves([], [])
    finite = np.isfinite(rows.units.shares)
    for members in together:
        targets = np.flatnonzero(finite[list(members)].all(axis=0))
        for target in targets:
            if target != levels[members[0]]:
                found.members.append(list(members))
                found.target.append(int(target))
    return found


def _apply(levels: Levels, moves: _Moves, chosen: Sequence[Sequence[int]]) -> Levels:
    """[unit, candidate] the levels after each candidate's simple moves."""
    found = np.repeat(levels[:, None], len(chosen), axis=1)
    for column, each in enumerate(chosen):
        for move in each:
            found[moves.members[move], column] = moves.target[move]
    return found


def _improve(rows: Batch, levels: Levels, merit: float, until: tuple[float, set[bytes]]) -> Levels | None:
    """Takes the best move, or pair, until none helps or time runs out; None where an earlier start came by."""
    end, seen = until
    while time.monotonic() < end:
        if levels.tobytes() in seen:
            return None
        seen.add(levels.tobytes())
        moves = _simple(rows, levels)
        singles = _apply(levels, moves, [[move] for move in range(len(moves.target))])
        cost, broken = rows.costs(singles)
        seconds = rows.seconds(singles)
        merits = rows.merits(cost, broken, seconds)
        best = int(np.argmin(merits)) if len(merits) else -1
        if best >= 0 and merits[best] < merit * (1.0 - 1e-9):
            levels, merit = singles[:, best], float(merits[best])
            continue
        found = None
        for together in (_pairs, _triples):
            found = found or _best(rows, levels, moves, together(rows, levels, moves, (cost, broken, seconds)), merit)
        if found is None:
            break
        levels, merit = found
    return levels


def _best(
    rows: Batch, levels: Levels, moves: _Moves, chosen: Sequence[Sequence[int]], merit: float
) -> tuple[Levels, float] | None:
    """The levels after the best of these moves together; None where none is better than `merit`."""
    if not chosen:
        return None
    candidates = _apply(levels, moves, chosen)
    merits = _merits(rows, candidates)
    best = int(np.argmin(merits))
    return (candidates[:, best], float(merits[best])) if merits[best] < merit * (1.0 - 1e-9) else None


def _triples(
    rows: Batch, levels: Levels, moves: _Moves, singles: tuple[Floats, Floats, Floats]
) -> list[tuple[int, ...]]:
    """Three levels whose users all go elsewhere, judged like `_pairs`; of a small problem with few such moves."""
    if len(levels) > SMALL:
        return []
    cost, broken, seconds = singles
    users = {int(level): int((levels == level).sum()) for level in set(levels.tolist())}
    leaving = np.array([int(levels[members[0]]) for members in moves.members])
    whole = [users[int(level)] == len(members) for level, members in zip(leaving, moves.members, strict=True)]
    kept = np.flatnonzero(np.array(whole, dtype=bool) & (broken == 0.0))
    if not len(kept) or len(kept) > MOST_WHOLE:
        return []
    now_cost, _ = rows.costs(levels[:, None])
    now_s = rows.seconds(levels[:, None])
    more, more_s, group = cost[kept] - now_cost[0], seconds[:, kept] - now_s, leaving[kept]
    one, other = np.nonzero(group[:, None] < group[None, :])
    total = (more[one] + more[other])[:, None] + more[None, :]
    good = (total < 0.0) & (group[other][:, None] < group[None, :])
    for agent, limit_s in enumerate(rows.limits):
        late = now_s[agent, 0] + (more_s[agent, one] + more_s[agent, other])[:, None] + more_s[agent][None, :]
        good &= late <= limit_s * 1.01
    pair, third = np.nonzero(good)
    order = np.argsort(total[pair, third], kind="stable")[:MOST_TRIPLES]
    return [(int(kept[one[pair[k]]]), int(kept[other[pair[k]]]), int(kept[third[k]])) for k in order]


def _pairs(rows: Batch, levels: Levels, moves: _Moves, singles: tuple[Floats, Floats, Floats]) -> list[tuple[int, int]]:
    """Pairs that should save and keep all limits, judged by the sums of what each does alone, the cheapest first."""
    cost, broken, seconds = singles
    now_cost, _ = rows.costs(levels[:, None])
    now_s = rows.seconds(levels[:, None])
    more, more_s = cost - now_cost[0], seconds - now_s
    fine = broken == 0.0
    savers = np.flatnonzero(fine & (more < 0.0))
    faster = np.flatnonzero(fine & (more_s.min(axis=0) < 0.0) & (more < -more.min(initial=0.0)))
    savers = savers[np.argsort(more[savers], kind="stable")][:MOST_SIDE]
    gain = more[faster] / np.maximum(1e-12, -more_s[:, faster].min(axis=0))
    faster = faster[np.argsort(gain, kind="stable")][:MOST_SIDE]
    if not len(savers) or not len(faster):
        return []
    total = more[savers][:, None] + more[faster][None, :]
    good = total < 0.0
    for agent, limit_s in enumerate(rows.limits):
        estimate = now_s[agent, 0] + more_s[agent, savers][:, None] + more_s[agent, faster][None, :]
        good &= estimate <= limit_s * 1.01
    one, other = np.nonzero(good)
    order = np.argsort(total[one, other], kind="stable")[:MOST_PAIRS]
    return [(int(savers[one[k]]), int(faster[other[k]])) for k in order]
