"""The program that counts operators that are alike in place of telling them apart, where only loads tie them together.

Where no agent limits its time and nothing is sent, as in Melange's problem, an operator's place is told by its level
alone. A binary for each of several equal operators makes a search prove the same thing once for each order of them;
whole numbers, how many of a kind go where, have no such orders and the same optimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from placement.linear import LinearModel
from placement.problem import Placement
from placement.shared_cuts import as_terms, replica_cuts
from placement.shared_milp import add_budgets, add_capacities
from placement.shared_surrogate import Surrogate, allowed, replicas_of

FEWER = 2
"""Counting pays where it leaves so many times fewer columns."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Operators alike: each (agent, operator), and by option its level, share of a replica, fee, and part of the aim.

    An option is None where the operators may not use its level.
    """

    members: tuple[tuple[int, int], ...]
    options: tuple[tuple[int, float, float, float] | None, ...]


@dataclass(frozen=True, slots=True)
class CountedProgram:
    """The linear model, the columns [kind][option] of how many members take it, and `replicas` [level]."""

    model: LinearModel
    kinds: tuple[Kind, ...]
    counts: tuple[tuple[int, ...], ...]
    replicas: tuple[int | None, ...]
    usd: float


def kinds_of(table: Surrogate) -> tuple[Kind, ...] | None:
    """The kinds of operators; None where something else ties operators together, or few are alike."""
    if table.aim.latency or any(load.first_output for load in table.problem.agents):
        return None
    found: dict[tuple[tuple[int, float, float, float] | None, ...], list[tuple[int, int]]] = {}
    for agent, prepared in enumerate(table.agents):
        problem = prepared.problem
        if problem.sla or problem.edges or problem.choices or problem.groups:
            return None
        rows = zip(problem.operators, table.shares[agent], table.fees[agent], strict=True)
        for index, (operator, shares, fees) in enumerate(rows):
            key = tuple(
                (one.pool, share, fee, operator.visits * one.cost_usd)
                if allowed(table.problem, agent, one.pool)
                else None
                for one, share, fee in zip(operator.options, shares, fees, strict=True)
            )
            found.setdefault(key, []).append((agent, index))
    columns = sum(len(key) for key in found)
    if FEWER * columns > sum(len(key) * len(members) for key, members in found.items()):
        return None
    return tuple(Kind(tuple(members), key) for key, members in found.items())


def formulate_counted(table: Surrogate, kinds: Sequence[Kind], usd: float) -> CountedProgram:
    """Builds the program, with `usd` of the aim as the unit of its objective."""
    model = LinearModel()
    counts: list[tuple[int, ...]] = []
    loads: list[dict[int, float]] = [{} for _ in table.prices]
    strong: list[list[dict[int, float]]] = [[] for _ in table.prices]
    fees: dict[int, float] = {}
    for kind in kinds:
        size = float(len(kind.members))
        columns: list[int] = []
        for option in kind.options:
            level, share, fee, cost = option or (0, 0.0, 0.0, 0.0)
            column = model.column(cost / usd, size if option else 0.0, integer=True)
            columns.append(column)
            if option:
                fees |= {column: fee} if fee else {}
                loads[level][column] = share
                strong[level].append({column: max(1.0, math.ceil(share * (1.0 - 1e-9))) / size})
        model.row(size, dict.fromkeys(columns, 1.0), size)
        counts.append(tuple(columns))
    replicas = [_add_level(table, level, model, (loads[level], strong[level]), usd) for level in range(len(loads))]
    add_capacities(table, model, replicas)
    add_budgets(table, model, fees, replicas)
    for cut in replica_cuts(table):
        terms, least = as_terms(cut, replicas)
        model.row(least, terms, math.inf)
    return CountedProgram(model, tuple(kinds), tuple(counts), tuple(replicas), usd)


def _add_level(
    table: Surrogate,
    level: int,
    model: LinearModel,
    users: tuple[dict[int, float], Sequence[dict[int, float]]],
    usd: float,
) -> int | None:
    """Replicas carry the load; where any of a kind are, no fewer than one needs, times their part of it."""
    load, strong = users
    if not load:
        return None
    needed = math.ceil(math.fsum(share * model.upper[column] for column, share in load.items())) + 1
    replicas = model.column(table.prices[level] / usd, float(min(table.most[level], needed)), integer=True)
    model.row(-math.inf, {column: share for column, share in load.items() if share > 0.0} | {replicas: -1.0}, 0.0)
    for terms in strong:
        model.row(-math.inf, terms | {replicas: -1.0}, 0.0)
    return replicas


def start_counted(table: Surrogate, program: CountedProgram, placements: Sequence[Placement]) -> dict[int, float]:
    """The columns of known placements."""
    start: dict[int, float] = {}
    for kind, columns in zip(program.kinds, program.counts, strict=True):
        taken = [placements[agent].option[operator] for agent, operator in kind.members]
        start |= {column: float(taken.count(option)) for option, column in enumerate(columns)}
    for column, count in zip(program.replicas, replicas_of(table, placements), strict=True):
        if column is not None:
            start[column] = float(count)
    return start


def read_counted(table: Surrogate, program: CountedProgram, values: Sequence[float]) -> tuple[Placement, ...]:
    """[agent] a placement with these counts: the first members of a kind take its first options."""
    option: list[list[int | None]] = [[None] * len(prepared.problem.operators) for prepared in table.agents]
    for kind, columns in zip(program.kinds, program.counts, strict=True):
        taken = [index for index, column in enumerate(columns) for _ in range(round(values[column]))]
        for (agent, operator), index in zip(kind.members, taken, strict=True):
            option[agent][operator] = index
    return tuple(Placement(tuple(each), ()) for each in option)
