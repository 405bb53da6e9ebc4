"""The decisions of the placement program: a binary column for each option and for each alternative of a choice.

Rows of every kind (capacity, groups, transfers, the critical path) are written in these columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from placement.linear import LinearModel, Terms, combine, scale
from placement.prepared import Needs, Prepared
from placement.problem import Problem

Goal = Literal["cost", "latency", "devices", "links"]
"""What is minimised: cost and penalty; the SLA's statistic; devices beyond the fleet; broken groups and transfers."""


@dataclass(frozen=True, slots=True)
class Form:
    """Which program to build. `usd` and `seconds` are the units of its objective and its times.

    An SLA or capacity that is not kept is left out. Options that cost more than `cutoff_usd` a run are left out. Each
    second of the SLA's statistic adds `usd_per_s` to the cost, also below the limit. With `all_flows` moves that take
    and cost nothing have columns too, so that programs of one table at other prices have the same columns.
    """

    goal: Goal = "cost"
    keep_sla: bool = True
    keep_capacity: bool = True
    usd: float = 1.0
    seconds: float = 1.0
    cutoff_usd: float = math.inf
    usd_per_s: float = 0.0
    all_flows: bool = False


def seconds_unit(prepared: Prepared) -> float:
    """A thousandth of the SLA, or of the slowest operator at its fastest where the SLA is far below that.

    A unit far below the times would make coefficients that the solver takes for infinite.
    """
    problem = prepared.problem
    fastest = (min((row.latency_s for row in each.options), default=0.0) for each in problem.operators)
    return max(problem.sla.limit_s if problem.sla else 0.0, *fastest, 0.0) / 1000.0 or 1.0


@dataclass(frozen=True, slots=True)
class Decisions:
    """A program under construction: its decision columns and, by what it needs, when an operator runs.

    `rows` are those of limits, as in `Program`.
    """

    prepared: Prepared
    form: Form
    model: LinearModel
    options: list[list[int]]  # [operator][option]
    choices: list[list[int]]  # [choice][alternative]
    active: dict[Needs, Terms]
    rows: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def problem(self) -> Problem:
        """The table."""
        return self.prepared.problem

    def priced(self, usd: float) -> float:
        """The objective coefficient of a cost."""
        return usd / self.form.usd if self.form.goal == "cost" else 0.0

    def most(self, usd: float) -> float:
        """The upper bound of a column that costs this much."""
        return 0.0 if self.form.goal == "cost" and usd > self.form.cutoff_usd else 1.0

    def by_pool(self, operator: int) -> dict[int, list[int]]:
        """The operator's columns by pool."""
        columns: dict[int, list[int]] = {}
        for option, column in zip(self.problem.operators[operator].options, self.options[operator], strict=True):
            columns.setdefault(option.pool, []).append(column)
        return columns

    def by_place(self, operator: int, by: Literal["place", "kv_place"]) -> dict[str, list[int]]:
        """The operator's columns by the place that decides this kind of transfer."""
        columns: dict[str, list[int]] = {}
        for pool, found in self.by_pool(operator).items():
            row = self.problem.pools[pool]
            columns.setdefault(row.place if by == "place" else row.kv_place, []).extend(found)
        return columns


def decide(prepared: Prepared, form: Form, model: LinearModel | None = None) -> Decisions:
    """Adds the columns of all decisions: one option for each operator that runs, one alternative for each choice.

    To `model`, or to a new one.
    """
    found = Decisions(prepared, form, model or LinearModel(), [], [], {(): {}})
    model = found.model
    for names in prepared.problem.choices:
        columns = [model.binary() for _ in names]
        model.row(1.0, dict.fromkeys(columns, 1.0), 1.0)
        found.choices.append(columns)
    for operator, needs in zip(prepared.problem.operators, prepared.needs, strict=True):
        costs = [operator.visits * option.cost_usd for option in operator.options]
        columns = [model.column(found.priced(cost), found.most(cost), integer=True) for cost in costs]
        found.options.append(columns)
        always = 0.0 if needs else 1.0
        model.row(always, combine(dict.fromkeys(columns, 1.0), scale(-1.0, activity(found, needs))), always)
    return found


def activity(decisions: Decisions, needs: Needs) -> Terms:
    """An expression that is 1 where all the alternatives are taken; empty, meaning always 1, where none is needed.

    Nested choices: over the alternatives k of the inner one, a_k <= z_k and the a_k add up to the activity around.
    """
    if needs in decisions.active:
        return decisions.active[needs]
    *outer, (choice, _) = needs
    around = activity(decisions, tuple(outer))
    columns = decisions.choices[choice]
    inner = columns
    if outer:
        inner = [decisions.model.column(upper=1.0) for _ in columns]
        decisions.model.row(0.0, combine(dict.fromkeys(inner, 1.0), scale(-1.0, around)), 0.0)
        for column, taken in zip(inner, columns, strict=True):
            decisions.model.row(-math.inf, {column: 1.0, taken: -1.0}, 0.0)
    for index, column in enumerate(inner):
        decisions.active[(*outer, (choice, index))] = {column: 1.0}
    return decisions.active[needs]
