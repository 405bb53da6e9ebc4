"""The provisioned problem at one `kappa` as one linear program: every agent's decisions and path, and the replicas.

The agents' programs are those of the metered mode, in the same columns; what ties them together is the load on levels,
the devices that replicas take, and the budgets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from placement.linear import LinearModel, Terms
from placement.milp import Program, formulate_decided, read_placement, start_columns
from placement.milp_columns import Decisions, Form, decide, seconds_unit
from placement.problem import Placement
from placement.shared_cuts import as_terms, replica_cuts
from placement.shared_surrogate import Surrogate, allowed, replicas_of

BUDGETS = ("usd_per_hour", "watts", "gco2e_per_hour")


@dataclass(frozen=True, slots=True)
class SharedProgram:
    """The linear model, the columns of each agent's decisions, and `replicas` [level]; None: nobody may use it.

    `rows` are those of limits: a capacity's by its device class, a budget's by its unit, as a share of the budget.
    """

    model: LinearModel
    agents: tuple[Program, ...]
    replicas: tuple[int | None, ...]
    usd: float
    rows: Mapping[str, int] = field(default_factory=dict[str, int])


def formulate_shared(table: Surrogate, usd: float) -> SharedProgram:
    """Builds the program, with `usd` of the aim as the unit of its objective."""
    model = LinearModel()
    decisions: list[Decisions] = []
    agents: list[Program] = []
    for prepared, load in zip(table.agents, table.problem.agents, strict=True):
        seconds = seconds_unit(prepared)
        form = Form("cost", keep_capacity=False, usd=usd, seconds=seconds, usd_per_s=table.aim.latency)
        decided = decide(prepared, form, model)
        decisions.append(decided)
        agents.append(formulate_decided(decided, load.first_output))
    replicas = _add_levels(table, decisions, usd)
    fees = {
        column: fee
        for decided, of_agent in zip(decisions, table.fees, strict=True)
        for columns, row in zip(decided.options, of_agent, strict=True)
        for column, fee in zip(columns, row, strict=True)
        if fee
    }
    rows = add_capacities(table, model, replicas) | add_budgets(table, model, fees, replicas)
    for cut in replica_cuts(table):
        terms, least = as_terms(cut, replicas)
        model.row(least, terms, math.inf)
    return SharedProgram(model, tuple(agents), tuple(replicas), usd, rows)


def _add_levels(table: Surrogate, decisions: Sequence[Decisions], usd: float) -> list[int | None]:
    """Load: the shares of a level's users add up to its replicas; strong form: none runs where there is no replica."""
    users: list[list[tuple[dict[int, float], list[tuple[int, float]]]]] = [[] for _ in table.prices]
    for agent, (decided, shares) in enumerate(zip(decisions, table.shares, strict=True)):
        for operator, row in zip(range(len(shares)), shares, strict=True):
            taken: dict[int, list[tuple[int, float]]] = {}
            rows = zip(decided.problem.operators[operator].options, decided.options[operator], row, strict=True)
            for option, column, share in rows:
                if not allowed(table.problem, agent, option.pool):
                    decided.model.upper[column] = 0.0
                taken.setdefault(option.pool, []).append((column, share))
            for level, columns in taken.items():
                users[level].append((dict(columns), columns))
    found: list[int | None] = []
    for level, rows in enumerate(users):
        found.append(_add_level(table, level, [columns for _, columns in rows], usd, decisions) if rows else None)
    return found


def _add_level(
    table: Surrogate,
    level: int,
    users: Sequence[Sequence[tuple[int, float]]],
    usd: float,
    decisions: Sequence[Decisions],
) -> int:
    model = decisions[0].model
    needed = math.ceil(math.fsum(max(share for _, share in columns) for columns in users)) + 1
    replicas = model.column(table.prices[level] / usd, float(min(table.most[level], needed)), integer=True)
    load = {column: share for columns in users for column, share in columns if share > 0.0}
    model.row(-math.inf, load | {replicas: -1.0}, 0.0)
    for columns in users:
        strong = {column: float(max(1, math.ceil(share * (1.0 - 1e-9)))) for column, share in columns}
        model.row(-math.inf, strong | {replicas: -1.0}, 0.0)
    return replicas


def add_capacities(table: Surrogate, model: LinearModel, replicas: Sequence[int | None]) -> dict[str, int]:
    """Devices of each class, and the budgets; a class of which all replicas fit needs no row."""
    levels = table.problem.levels
    used = [(column, level) for column, level in zip(replicas, levels, strict=True) if column is not None]
    rows: dict[str, int] = {}
    for capacity in table.problem.capacities:
        terms = {column: float(level.pool.tp) for column, level in used if level.pool.device == capacity.device}
        if math.fsum(tp * model.upper[column] for column, tp in terms.items()) > capacity.count:
            rows[capacity.device] = len(model.row_upper)
            model.row(-math.inf, terms, float(capacity.count))
    return rows


def add_budgets(table: Surrogate, model: LinearModel, fees: Terms, replicas: Sequence[int | None]) -> dict[str, int]:
    """Upper limits of all replicas together; dollars with the operators' `fees`, without those of transfers."""
    used = [(column, level) for column, level in zip(replicas, table.problem.levels, strict=True) if column is not None]
    budget = table.problem.budget
    rows: dict[str, int] = {}
    limits = (
        (budget.usd_per_hour, [level.usd_per_hour for _, level in used]),
        (budget.watts, [level.watts for _, level in used]),
        (budget.gco2e_per_hour, [level.gco2e_per_hour for _, level in used]),
    )
    for kind, (limit, amounts) in enumerate(limits):
        if limit is not None:
            unit = max(limit, 1e-12)
            terms = {column: amount / unit for (column, _), amount in zip(used, amounts, strict=True)}
            if kind == 0:
                terms |= {column: fee / unit for column, fee in fees.items()}
            rows[BUDGETS[kind]] = len(model.row_upper)
            model.row(-math.inf, terms, limit / unit)
    return rows


def start_shared(table: Surrogate, program: SharedProgram, placements: Sequence[Placement]) -> dict[int, float]:
    """The columns of decisions and replicas of known placements."""
    start: dict[int, float] = {}
    for each, placement in zip(program.agents, placements, strict=True):
        start |= start_columns(each, placement)
    for column, count in zip(program.replicas, replicas_of(table, placements), strict=True):
        if column is not None:
            start[column] = float(count)
    return start


def read_shared(table: Surrogate, program: SharedProgram, values: Sequence[float]) -> tuple[Placement, ...]:
    """[agent] the placement that the columns' values say."""
    pairs = zip(program.agents, table.agents, strict=True)
    return tuple(read_placement(each, prepared, values) for each, prepared in pairs)
