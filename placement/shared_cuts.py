"""Rows that say what whole replicas a load needs, which the relaxation would serve with parts of replicas.

Operators that may use the same levels must all be served there. With any r_l > 0 and w_i the least of share_il / r_l,
the load rows give sum n_l / r_l >= sum w_i; replicas being whole, mixed-integer rounding of that row (Nemhauser and
Wolsey 1990) gives more. Every plan keeps these rows, so that the bound stays one of the same problem.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from placement.linear import Terms
from placement.shared_surrogate import Surrogate

Cut = tuple[Mapping[int, float], float]
"""Coefficients by level, and what their sum with the replicas is at least."""

_LEAST_FRACTION = 1e-4
_ROUNDING = 1e-9

_Member = tuple[int, int]


def replica_cuts(table: Surrogate) -> Iterator[Cut]:
    """The rows for each family of operators: all of it, and each agent's part."""
    for levels, members in _families(table).items():
        parts = {tuple(members): None}
        for agent in sorted({agent for agent, _ in members}):
            parts[tuple(one for one in members if one[0] == agent)] = None
        for part in parts:
            yield from _rounded(*_served(table, sorted(levels), part))


def _families(table: Surrogate) -> dict[frozenset[int], list[_Member]]:
    """By the levels that they may use, the (agent, operator) that every plan runs."""
    found: dict[frozenset[int], list[_Member]] = {}
    for agent, prepared in enumerate(table.agents):
        for index, operator in enumerate(prepared.problem.operators):
            if not prepared.needs[index] and operator.options:
                found.setdefault(frozenset(option.pool for option in operator.options), []).append((agent, index))
    return found


def _served(table: Surrogate, levels: Sequence[int], members: Sequence[_Member]) -> Cut:
    """Sum over levels of replicas / r_l is at least the load, r_l being what all members together share there."""
    rows: list[dict[int, float]] = []
    for agent, index in members:
        least: dict[int, float] = {}
        options = table.agents[agent].problem.operators[index].options
        for option, share in zip(options, table.shares[agent][index], strict=True):
            least[option.pool] = min(share, least.get(option.pool, math.inf))
        rows.append(least)
    all_of = {level: math.fsum(row[level] for row in rows) for level in levels}
    if min(all_of.values()) <= 0.0:
        return {}, 0.0
    load = math.fsum(min(row[level] / all_of[level] for level in levels) for row in rows)
    return {level: 1.0 / all_of[level] for level in levels}, load


def _rounded(coefficients: Mapping[int, float], load: float) -> Iterator[Cut]:
    """Mixed-integer rounding of sum a_l n_l >= load, divided by each a_l in turn; equal rows once."""
    seen: set[tuple[tuple[int, float], ...]] = set()
    for unit in coefficients.values():
        least = load / unit * (1.0 - _ROUNDING)
        part = least - math.floor(least)
        if part < _LEAST_FRACTION:
            continue
        row: dict[int, float] = {}
        for level, coefficient in coefficients.items():
            whole = math.floor(coefficient / unit)
            row[level] = whole + min(1.0, (coefficient / unit - whole) / part)
        key = tuple((level, round(value, 9)) for level, value in row.items())
        if key not in seen:
            seen.add(key)
            yield row, float(math.ceil(least))


def as_terms(cut: Cut, replicas: Sequence[int | None]) -> tuple[Terms, float]:
    """The row in columns."""
    row, least = cut
    return {column: value for level, value in row.items() if (column := replicas[level]) is not None}, least
