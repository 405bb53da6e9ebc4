"""How far all rates can grow at most: replicas, caps, devices and budgets alone, whatever limits on time allow.

With the rates' factor as a column, the load on each level is linear in the share of calls that it serves, so that the
program is small and its bound holds for every plan on the same levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from placement.highs import Limits, minimise
from placement.linear import LinearModel, Terms, combine, scale
from placement.prepared import Needs
from placement.shared_milp import add_budgets, add_capacities
from placement.shared_problem import SharedProblem
from placement.shared_surrogate import Aim, Surrogate, allowed, surrogate

GAP = 1e-4
SLIP = 1e-7
"""What the tolerances of solver and judge may add."""


@dataclass(frozen=True, slots=True)
class _Growth:
    """The program under construction: the factor's column, the largest that it may be, and of the agent at hand the
    column of what is left of it in each alternative."""

    table: Surrogate
    model: LinearModel
    factor: int
    largest: float
    split: bool
    active: dict[Needs, Terms] = field(default_factory=dict["Needs", "Terms"])


def most_rate(problem: SharedProblem, time_s: float, *, split: bool = False) -> float:
    """No plan on the problem's levels carries more than so many times all rates; infinite where nothing limits it.

    `split`: nor any that spreads an operator over several levels. Agents keep one alternative of each choice. Time to
    load models that take turns, waiting, and limits on latency are left out, so that the bound may be out of reach.
    """
    table = surrogate(problem, [0.0] * len(problem.agents), Aim())
    shares = _least_shares(table)
    largest = _largest(table, shares)
    if math.isinf(largest):
        return math.inf
    model = LinearModel()
    factor = model.column(-1.0, largest)
    users: list[dict[int, float]] = [{} for _ in problem.levels]
    fees: dict[int, float] = {}
    for agent, rows in enumerate(shares):
        growth = _Growth(table, model, factor, largest, split, {(): {factor: 1.0}})
        _add_choices(growth, agent)
        for operator, row in enumerate(rows):
            columns = _add_operator(growth, agent, operator, row)
            for option, column in columns.items():
                users[table.agents[agent].problem.operators[operator].options[option].pool][column] = row[option]
                if table.fees[agent][operator][option]:
                    fees[column] = table.fees[agent][operator][option]
    replicas: list[int | None] = []
    for level, load in enumerate(users):
        column = model.column(0.0, float(table.most[level]), integer=True) if load else None
        if column is not None:
            model.row(-math.inf, {**{each: share for each, share in load.items() if share}, column: -1.0}, 0.0)
        replicas.append(column)
    add_capacities(table, model, replicas)
    add_budgets(table, model, fees, replicas)
    return min(largest, -minimise(model, Limits(time_s, GAP)).bound * (1.0 + SLIP))


def _least_shares(table: Surrogate) -> list[list[list[float]]]:
    """[agent][operator][option] replicas that are busy at the cap, without loads of models by turns."""
    problem = table.problem
    found: list[list[list[float]]] = []
    for agent in problem.agents:
        rows: list[list[float]] = []
        for operator, services in zip(agent.problem.operators, agent.services, strict=True):
            per_s = agent.rate_per_s * operator.visits
            pairs = zip(operator.options, services, strict=True)
            rows.append(
                [_share(problem, option.pool, per_s * service.held(problem.margin).slot_s) for option, service in pairs]
            )
        found.append(rows)
    return found


def _share(problem: SharedProblem, level: int, busy: float) -> float:
    row = problem.levels[level]
    return busy / (row.cap * row.slots)


def _largest(table: Surrogate, shares: Sequence[Sequence[Sequence[float]]]) -> float:
    """What the operators that always run, each with all devices to itself, carry."""
    found = math.inf
    for prepared, rows in zip(table.agents, shares, strict=True):
        for operator, needs, row in zip(prepared.problem.operators, prepared.needs, rows, strict=True):
            pairs = zip(operator.options, row, strict=True)
            each = [table.most[option.pool] / share if share else math.inf for option, share in pairs]
            if not needs:
                found = min(found, math.fsum(each))
    return found


def _add_choices(growth: _Growth, agent: int) -> None:
    """One alternative of each choice: the factor goes to it, and none to the others."""
    prepared = growth.table.agents[agent]
    model = growth.model
    chosen: list[list[int]] = []
    for names in prepared.problem.choices:
        columns = [model.binary() for _ in names]
        model.row(1.0, dict.fromkeys(columns, 1.0), 1.0)
        chosen.append(columns)
    for needs in sorted({each[: depth + 1] for each in prepared.needs for depth in range(len(each))}, key=len):
        *outer, (choice, _) = needs
        if needs in growth.active:
            continue
        columns = [model.column(upper=growth.largest) for _ in chosen[choice]]
        around = growth.active[tuple(outer)]
        model.row(0.0, combine(dict.fromkeys(columns, 1.0), scale(-1.0, around)), 0.0)
        for alternative, (column, taken) in enumerate(zip(columns, chosen[choice], strict=True)):
            model.row(-math.inf, {column: 1.0, taken: -growth.largest}, 0.0)
            growth.active[*outer, (choice, alternative)] = {column: 1.0}


def _add_operator(growth: _Growth, agent: int, operator: int, shares: Sequence[float]) -> Mapping[int, int]:
    """[option] the column of how much of the factor it carries; without a split all from one option."""
    table, model = growth.table, growth.model
    prepared = table.agents[agent]
    found: dict[int, int] = {}
    for option, (row, share) in enumerate(zip(prepared.problem.operators[operator].options, shares, strict=True)):
        if allowed(table.problem, agent, row.pool):
            most = min(growth.largest, table.most[row.pool] / share if share else math.inf)
            found[option] = model.column(upper=most)
    model.row(
        0.0, combine(dict.fromkeys(found.values(), 1.0), scale(-1.0, growth.active[prepared.needs[operator]])), 0.0
    )
    if not growth.split and len(found) > 1:
        taken = {column: model.binary() for column in found.values()}
        model.row(-math.inf, dict.fromkeys(taken.values(), 1.0), 1.0)
        for column, one in taken.items():
            model.row(-math.inf, {column: 1.0, one: -model.upper[column]}, 0.0)
    return found
