"""The placement problem as a mixed-integer linear program, exact in metered mode at operator means.

Decisions are binary columns, transfers are flows between places, and the critical path is linear in both, so the
solver's bound is a bound of the problem itself and not of a surrogate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from placement.evaluate import LIMIT_TOLERANCE, runs
from placement.linear import LinearModel, Terms, combine, scale
from placement.milp_columns import Decisions, Form, activity, decide
from placement.milp_path import PathTerms, block_latency, first_output
from placement.milp_transfer import add_transfers
from placement.prepared import Prepared
from placement.problem import Placement
from placement.quantile import Counting, counting
from placement.shared_problem import FirstOutput

SLA_ROW = "SLA"


@dataclass(frozen=True, slots=True)
class Program:
    """The linear model and where its decisions are: `options` [operator][option], `choices` [choice][alternative].

    `rows` are those of the limits: the SLA's by the name `SLA_ROW`, a capacity's by its device class.
    """

    model: LinearModel
    options: Sequence[Sequence[int]]
    choices: Sequence[Sequence[int]]
    rows: Mapping[str, int] = field(default_factory=dict[str, int])


def formulate(prepared: Prepared, form: Form) -> Program:
    """Builds the program of a prepared problem."""
    return formulate_decided(decide(prepared, form))


def formulate_decided(decisions: Decisions, first: FirstOutput | None = None) -> Program:
    """Adds the rows of a program whose columns of decisions stand, and perhaps those of other programs beside them.

    `first` adds the limit on the first output: hard, on a path of its own.
    """
    form = decisions.form
    _add_groups(decisions)
    if form.keep_capacity:
        _add_capacity(decisions)
    edges = add_transfers(decisions)
    limited = form.keep_sla and decisions.problem.sla is not None and form.goal in ("cost", "devices")
    if limited or form.goal == "latency" or form.usd_per_s:
        _add_latency(decisions, edges)
    if first is not None:
        _add_first_output(decisions, edges, first)
    return Program(decisions.model, decisions.options, decisions.choices, decisions.rows)


def _add_groups(decisions: Decisions) -> None:
    """Members of a group that run use the same pool: X_ip <= X_jp + (1 - active_j), for both orders of each pair."""
    for group in decisions.problem.groups:
        broken = {decisions.model.binary(1.0): -1.0} if decisions.form.goal == "links" else {}
        for first, second in combinations(dict.fromkeys(group), 2):
            _add_same_pool(decisions, first, second, broken)
            _add_same_pool(decisions, second, first, broken)


def _add_same_pool(decisions: Decisions, one: int, other: int, broken: Terms) -> None:
    theirs = decisions.by_pool(other)
    active = activity(decisions, decisions.prepared.needs[other])
    limit = 1.0 if active else 0.0
    for pool, columns in decisions.by_pool(one).items():
        same = dict.fromkeys(theirs.get(pool, []), -1.0)
        decisions.model.row(-math.inf, combine(dict.fromkeys(columns, 1.0), same, active, broken), limit)


def _add_capacity(decisions: Decisions) -> None:
    """A pool that any operator uses is open, and open pools fit the fleet, with an excess where that is minimised."""
    used: dict[int, list[list[int]]] = {}
    for operator in range(len(decisions.problem.operators)):
        for pool, columns in decisions.by_pool(operator).items():
            used.setdefault(pool, []).append(columns)
    for device, count in decisions.prepared.counts.items():
        pools = {pool: row.tp for pool in used if (row := decisions.problem.pools[pool]).device == device}
        if sum(pools.values()) <= count:
            continue
        terms: dict[int, float] = {}
        for pool, tp in pools.items():
            is_open = decisions.model.binary()
            terms[is_open] = float(tp)
            for columns in used[pool]:
                decisions.model.row(-math.inf, {**dict.fromkeys(columns, 1.0), is_open: -1.0}, 0.0)
        if decisions.form.goal == "devices":
            terms[decisions.model.column(1.0)] = -1.0
        decisions.rows[device] = len(decisions.model.row_upper)
        decisions.model.row(-math.inf, terms, float(count))


def _add_latency(decisions: Decisions, edges: Sequence[Terms]) -> None:
    """The critical path, and either its length as the objective or the SLA, hard or with a price on seconds over."""
    model, problem, form = decisions.model, decisions.problem, decisions.form
    path = _path(decisions, edges, decisions.prepared.countings[decisions.prepared.stat])
    total = block_latency(decisions.prepared.root, path)
    if form.goal == "latency":
        end = model.column(1.0)
        model.row(0.0, combine({end: 1.0}, scale(-1.0, total)), math.inf)
        return
    if form.usd_per_s:
        end = model.column(decisions.priced(form.usd_per_s * form.seconds))
        model.row(0.0, combine({end: 1.0}, scale(-1.0, total)), math.inf)
    if problem.sla is None:
        return
    over: Terms = {}
    if problem.penalty_usd_per_s is not None:
        over = {model.column(decisions.priced(problem.penalty_usd_per_s * form.seconds)): -1.0}
    limit = problem.sla.limit_s * (1.0 + LIMIT_TOLERANCE) / form.seconds
    decisions.rows[SLA_ROW] = len(model.row_upper)
    model.row(-math.inf, combine(total, over), limit)


def _add_first_output(decisions: Decisions, edges: Sequence[Terms], first: FirstOutput) -> None:
    stat = first.sla.stat
    known = decisions.prepared.countings.get(stat)
    path = _path(decisions, edges, known if known is not None else counting(decisions.problem, stat))
    limit = first.sla.limit_s * (1.0 + LIMIT_TOLERANCE) / decisions.form.seconds
    terms = first_output(decisions.prepared.root, dict(first.sources), path)
    if terms is not None:
        decisions.model.row(-math.inf, terms, limit)


def _path(decisions: Decisions, edges: Sequence[Terms], counts: Counting) -> PathTerms:
    operators: list[Terms] = []
    for operator, columns in zip(decisions.problem.operators, decisions.options, strict=True):
        rows = zip(columns, operator.options, strict=True)
        seconds = decisions.form.seconds
        operators.append({column: option.latency_s / seconds for column, option in rows if option.latency_s})
    return PathTerms(decisions.model, operators, edges, counts)


def start_columns(program: Program, placement: Placement) -> dict[int, float]:
    """The decision columns of a placement."""
    start = {column: 0.0 for columns in (*program.options, *program.choices) for column in columns}
    for columns, option in zip(program.options, placement.option, strict=True):
        if option is not None:
            start[columns[option]] = 1.0
    for columns, index in zip(program.choices, placement.alternative, strict=True):
        start[columns[index]] = 1.0
    return start


def read_placement(program: Program, prepared: Prepared, values: Sequence[float]) -> Placement:
    """The placement that the columns' values say."""

    def largest(columns: Sequence[int]) -> int:
        return max(range(len(columns)), key=lambda index: values[columns[index]])

    alternative = tuple(largest(columns) for columns in program.choices)
    active = (runs(prepared, operator, alternative) for operator in range(len(program.options)))
    option = tuple(largest(columns) if taken else None for columns, taken in zip(program.options, active, strict=True))
    return Placement(option, alternative)


def forbid(program: Program, placement: Placement) -> None:
    """Adds a row that cuts off exactly this placement's options."""
    taken = [columns[k] for columns, k in zip(program.options, placement.option, strict=True) if k is not None]
    program.model.row(-math.inf, dict.fromkeys(taken, 1.0), len(taken) - 1.0)
