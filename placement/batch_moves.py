"""Betters a placement by single moves and by pairs of them, judged many at a time as arrays.

A move that saves seconds at the least price is what mends a placement over its SLA; one that saves dollars within the
seconds that are left is what betters it; and where none is left, one of each is tried together.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from placement.decision_tables import Labels, Tables
from placement.elimination import Floats
from placement.lagrangian import limit_of

MOST_SIDE = 60
"""Moves on either side of the pairs that are tried."""

MOST_SINGLES = 500
"""Single moves that are judged at once."""

PREFIX = 48
"""So many of the best moves, or one for every eight operators, are tried together: the first, the first two, ..."""

Answer = tuple[float, list[int]]
"""Dollars with the penalty of a soft SLA, and the choice of each operator."""


def better(
    tables: Tables, chosen: Sequence[int], end: float, charged: tuple[list[Floats], list[Floats]] | None = None
) -> Answer | None:
    """The placement after all moves that help, before `time.monotonic()` is `end`; None where the SLA is not kept.

    Also None where a transfer is forbidden. With `charged`, dollars of operators and pairs with seconds priced, the
    moves that add least to these go first, and of many only those are tried.
    """
    now = np.array(chosen, dtype=np.intp)
    usd, over_s = (float(one[0]) for one in _judged(tables, now[:, None]))
    if not np.isfinite(usd):
        return None
    while time.monotonic() < end:
        moves = _singles(tables, now, charged)
        if not moves:
            break
        after, after_over_s = _judged(tables, _moved(now, moves))
        found = _best(tables, now, moves, (after - usd, after_over_s - over_s), (usd, over_s))
        if found is None:
            break
        now, usd, over_s = found
    return None if over_s > 0.0 else (usd, now.tolist())


def _judged(tables: Tables, chosen: Labels) -> tuple[Floats, Floats]:
    """Dollars and penalty, and seconds over a hard SLA less those to spare (below 0 where it is kept)."""
    usd, seconds = tables.judge(chosen)
    limit_s = limit_of(tables)
    penalty = tables.prepared.problem.penalty_usd_per_s
    if penalty is None:
        return usd, seconds - limit_s if np.isfinite(limit_s) else np.full_like(seconds, -1.0)
    return usd + penalty * np.maximum(0.0, seconds - limit_s), np.full_like(seconds, -1.0)


def _singles(
    tables: Tables, now: Labels, charged: tuple[list[Floats], list[Floats]] | None
) -> list[list[tuple[int, int]]]:
    """Every operator to every other option, those that add least first."""
    single, pairs = charged or (tables.usd, tables.pair_usd)
    more = [row - row[one] for row, one in zip(single, now, strict=True)]
    for (src, dst), table in zip(tables.pairs, pairs, strict=True):
        row, column = now[src], now[dst]
        more[src] = more[src] + (table[:, column] - table[row, column])
        more[dst] = more[dst] + (table[row, :] - table[row, column])
    found = [
        (float(added), operator, choice)
        for operator, row in enumerate(more)
        for choice, added in enumerate(row)
        if choice != now[operator] and np.isfinite(added)
    ]
    return [[(operator, choice)] for _, operator, choice in sorted(found)[:MOST_SINGLES]]


def _moved(now: Labels, moves: Sequence[Sequence[tuple[int, int]]]) -> Labels:
    found = np.repeat(now[:, None], len(moves), axis=1)
    for column, each in enumerate(moves):
        for operator, choice in each:
            found[operator, column] = choice
    return found


def _best(
    tables: Tables,
    now: Labels,
    moves: list[list[tuple[int, int]]],
    change: tuple[Floats, Floats],
    before: tuple[float, float],
) -> tuple[Labels, float, float] | None:
    """The best of many moves together: the cheapest that keeps the SLA, or the one nearest to keeping it."""
    more, more_s = change
    usd, over_s = before
    if over_s > 0.0:
        good = np.flatnonzero((more_s < 0.0) & np.isfinite(more))
        order = good[np.argsort(more[good] / -more_s[good], kind="stable")]
    else:
        good = np.flatnonzero((more < -1e-9 * abs(usd)) & (over_s + more_s <= 0.0))
        order = good[np.argsort(more[good], kind="stable")]
    together = _prefixes([moves[int(index)] for index in order], max(PREFIX, len(now) // 8))
    if not together and over_s <= 0.0:
        together = _pairs(moves, change, before)
    if not together:
        return None
    columns = _moved(now, together)
    after, after_s = _judged(tables, columns)
    kept = np.flatnonzero((after_s <= 0.0) & np.isfinite(after))
    if len(kept):
        index = int(kept[np.argmin(after[kept])])
        if over_s > 0.0 or after[index] < usd - 1e-9 * abs(usd):
            return columns[:, index], float(after[index]), float(after_s[index])
        return None
    index = int(np.argmin(np.where(np.isfinite(after), after_s, np.inf)))
    return (columns[:, index], float(after[index]), float(after_s[index])) if after_s[index] < over_s else None


def _prefixes(moves: Sequence[Sequence[tuple[int, int]]], most: int) -> list[list[tuple[int, int]]]:
    """The first move, the first two and so on, of different operators; and each of the first alone."""
    taken: dict[int, int] = {}
    for each in moves:
        for operator, choice in each:
            taken.setdefault(operator, choice)
        if len(taken) >= most:
            break
    rows = list(taken.items())
    return [rows[:count] for count in range(1, len(rows) + 1)] + [[row] for row in rows[1:PREFIX]]


def _pairs(
    moves: list[list[tuple[int, int]]], change: tuple[Floats, Floats], before: tuple[float, float]
) -> list[list[tuple[int, int]]]:
    """One that saves dollars with one that saves seconds, where their sums promise a better placement."""
    more, more_s = change
    savers = np.flatnonzero(more < 0.0)
    savers = savers[np.argsort(more[savers], kind="stable")][:MOST_SIDE]
    faster = np.flatnonzero((more_s < 0.0) & (more > 0.0) & np.isfinite(more))
    faster = faster[np.argsort(more[faster] / -more_s[faster], kind="stable")][:MOST_SIDE]
    total = more[savers][:, None] + more[faster][None, :]
    late = before[1] + more_s[savers][:, None] + more_s[faster][None, :]
    one, other = np.nonzero((total < -1e-9 * abs(before[0])) & (late <= 0.0))
    order = np.argsort(total[one, other], kind="stable")[:1000]
    pairs = [moves[savers[one[k]]] + moves[faster[other[k]]] for k in order]
    return [pair for pair in pairs if pair[0][0] != pair[1][0]]
