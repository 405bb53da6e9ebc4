"""The judge: what a placement takes, costs and violates, computed from the problem alone.

Every answer of every solver passes through here, so a solver's mistake is a disagreement and never a wrong plan.
Metered mode: cost is visits times the price of one visit; latency is the longest path at operator means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ir.sla import Stat
from placement.prepared import Prepared, prepare
from placement.problem import Edge, Option, Placement, Problem, Transfer
from placement.quantile import Counting
from placement.slack import slack
from placement.timing import Times, critical_path, latency

LIMIT_TOLERANCE = 1e-9
"""A value over its limit by this share of the limit or less is rounding, and keeps the limit."""

NOTHING = Transfer(0.0, 0.0)


class PlacementError(ValueError):
    """A placement that does not fit its problem: a wrong length, an absent option, a decision too many or too few."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit that does not hold: `value` is over `limit`, in the unit of the kind.

    `sla`: seconds. `capacity`: devices of the class `what`. `group`: distinct pools. `transfer`: forbidden pairs.
    """

    kind: Literal["sla", "capacity", "group", "transfer"]
    what: str
    value: float
    limit: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The verdict. `latency_s` is of the SLA's statistic (worst where there is none); costs are of one run.

    By operator: `operator_latency_s` of one visit, `operator_cost_usd` of all visits, `slack_s` (how much longer one
    visit may take before the SLA is missed, or before the run takes longer where there is no SLA; infinite where the
    statistic does not count it; None where its alternative is not taken). By edge: `edge_latency_s`, `edge_cost_usd`
    likewise.
    """

    latency_s: float
    latency_mean_s: float
    latency_worst_s: float
    cost_usd: float
    penalty_usd: float
    objective_usd: float
    violations: tuple[Violation, ...]
    critical_path: tuple[int, ...]
    operator_latency_s: tuple[float, ...]
    operator_cost_usd: tuple[float, ...]
    edge_latency_s: tuple[float, ...]
    edge_cost_usd: tuple[float, ...]
    slack_s: tuple[float | None, ...]
    devices_used: dict[str, int]

    @property
    def feasible(self) -> bool:
        """Whether every limit holds."""
        return not self.violations


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict in short, for searches: `broken` counts how far limits other than the SLA are exceeded."""

    cost_usd: float
    latency_s: float
    objective_usd: float
    over_s: float
    broken: float

    @property
    def feasible(self) -> bool:
        """Whether every limit holds."""
        return self.broken == 0.0 and self.over_s == 0.0


def evaluate(problem: Problem, placement: Placement) -> Evaluation:
    """Judges a placement. Raises `ProblemError` or `PlacementError` where there is nothing to judge."""
    return judge(prepare(problem), placement)


def judge(prepared: Prepared, placement: Placement) -> Evaluation:
    """As `evaluate`, for a problem that is already prepared."""
    problem = prepared.problem
    rows = chosen_options(prepared, placement)
    moves, forbidden = _moves(problem, rows)
    latencies = {stat: _latency(prepared, placement, (rows, moves), stat) for stat in prepared.countings}
    times = _times(prepared, placement, (rows, moves), prepared.stat)
    latency_s = latencies[prepared.stat]
    operator_cost = tuple(o.visits * r.cost_usd if r else 0.0 for o, r in zip(problem.operators, rows, strict=True))
    edge_cost = tuple(edge.visits * move.cost_usd for edge, move in zip(problem.edges, moves, strict=True))
    cost = math.fsum(operator_cost) + math.fsum(edge_cost)
    penalty = _over_s(problem, latency_s) * (problem.penalty_usd_per_s or 0.0)
    allowance = problem.sla.limit_s - latency_s if problem.sla else 0.0
    slacks = slack(prepared.root, times, allowance)
    used = devices_used(prepared, rows)
    return Evaluation(
        latency_s=latency_s,
        latency_mean_s=latencies["mean"],
        latency_worst_s=latencies["worst"],
        cost_usd=cost,
        penalty_usd=penalty,
        objective_usd=cost + penalty,
        violations=tuple(_violations(prepared, rows, forbidden, latency_s)),
        critical_path=tuple(critical_path(prepared.root, times)),
        operator_latency_s=tuple(times.operator_s),
        operator_cost_usd=operator_cost,
        edge_latency_s=tuple(times.edge_s),
        edge_cost_usd=edge_cost,
        slack_s=tuple(slacks.get(index) for index in range(len(problem.operators))),
        devices_used=used,
    )


def placed_times(prepared: Prepared, placement: Placement, counts: Counting) -> Times:
    """What a placement takes where a statistic counts so."""
    rows = chosen_options(prepared, placement)
    moves, _ = _moves(prepared.problem, rows)
    operator_s = [row.latency_s if row else 0.0 for row in rows]
    return Times(operator_s, [move.latency_s for move in moves], placement.alternative, counts)


def score(prepared: Prepared, placement: Placement) -> Score:
    """The verdict in short."""
    problem = prepared.problem
    rows = chosen_options(prepared, placement)
    moves, forbidden = _moves(problem, rows)
    latency_s = _latency(prepared, placement, (rows, moves), prepared.stat)
    cost = math.fsum(o.visits * r.cost_usd for o, r in zip(problem.operators, rows, strict=True) if r)
    cost += math.fsum(edge.visits * move.cost_usd for edge, move in zip(problem.edges, moves, strict=True))
    used = devices_used(prepared, rows)
    excess = sum(max(0, devices - prepared.counts[device]) for device, devices in used.items())
    scattered = sum(len(_group_pools(group, rows)) > 1 for group in problem.groups)
    over_s = _over_s(problem, latency_s)
    soft = problem.penalty_usd_per_s
    objective = cost + over_s * (soft or 0.0)
    return Score(cost, latency_s, objective, over_s if soft is None else 0.0, excess + scattered + len(forbidden))


def runs(prepared: Prepared, operator: int, alternative: Sequence[int]) -> bool:
    """Whether the alternatives taken make the operator run."""
    return all(alternative[choice] == index for choice, index in prepared.needs[operator])


def chosen_options(prepared: Prepared, placement: Placement) -> list[Option | None]:
    """[operator] the chosen row, None where its alternative is not taken. Raises `PlacementError`."""
    problem = prepared.problem
    if len(placement.option) != len(problem.operators) or len(placement.alternative) != len(problem.choices):
        raise PlacementError("a placement has one option for each operator and one alternative for each choice")
    for names, index in zip(problem.choices, placement.alternative, strict=True):
        if not 0 <= index < len(names):
            raise PlacementError(f"alternative {index} of {names} is absent")
    rows: list[Option | None] = []
    for index, (operator, option) in enumerate(zip(problem.operators, placement.option, strict=True)):
        if runs(prepared, index, placement.alternative) != (option is not None):
            raise PlacementError(f"operator {operator.id}: an option is due exactly where its alternative is taken")
        if option is not None and not 0 <= option < len(operator.options):
            raise PlacementError(f"operator {operator.id} has no option {option}")
        rows.append(None if option is None else operator.options[option])
    return rows


def devices_used(prepared: Prepared, rows: Sequence[Option | None]) -> dict[str, int]:
    """By device class, how many devices the distinct chosen pools take."""
    used = dict.fromkeys(prepared.counts, 0)
    for pool in {row.pool for row in rows if row}:
        used[prepared.problem.pools[pool].device] += prepared.problem.pools[pool].tp
    return used


def exceeds(value: float, limit: float) -> bool:
    """Whether the value is over its limit by more than rounding."""
    return value > limit * (1.0 + LIMIT_TOLERANCE)


def _over_s(problem: Problem, latency_s: float) -> float:
    if problem.sla is None or not exceeds(latency_s, problem.sla.limit_s):
        return 0.0
    return latency_s - problem.sla.limit_s


def place_pair(problem: Problem, edge: Edge, src: Option, dst: Option) -> tuple[str, str]:
    """The places between which the edge's data goes when its ends are at these options."""
    source, target = problem.pools[src.pool], problem.pools[dst.pool]
    return (source.place, target.place) if edge.by == "place" else (source.kv_place, target.kv_place)


def _moves(problem: Problem, rows: Sequence[Option | None]) -> tuple[list[Transfer], list[str]]:
    """[edge] its transfer, and the names of the forbidden ones."""
    moves: list[Transfer] = []
    forbidden: list[str] = []
    for edge in problem.edges:
        src, dst = rows[edge.src], rows[edge.dst]
        if src is None or dst is None:
            moves.append(NOTHING)
            continue
        pair = place_pair(problem, edge, src, dst)
        move = edge.table.get(pair)
        if move is None:
            names = problem.operators[edge.src].id, problem.operators[edge.dst].id
            forbidden.append(f"{names[0]} at {pair[0]} -> {names[1]} at {pair[1]}")
        moves.append(move or NOTHING)
    return moves, forbidden


_Taken = tuple[Sequence[Option | None], Sequence[Transfer]]


def _times(prepared: Prepared, placement: Placement, taken: _Taken, stat: Stat) -> Times:
    rows, moves = taken
    operator_s = [row.latency_s if row else 0.0 for row in rows]
    edge_s = [move.latency_s for move in moves]
    return Times(operator_s, edge_s, placement.alternative, prepared.countings[stat])


def _latency(prepared: Prepared, placement: Placement, taken: _Taken, stat: Stat) -> float:
    return latency(prepared.root, _times(prepared, placement, taken, stat))


def _group_pools(group: Sequence[int], rows: Sequence[Option | None]) -> set[int]:
    return {row.pool for member in group if (row := rows[member])}


def _violations(
    prepared: Prepared, rows: Sequence[Option | None], forbidden: list[str], latency_s: float
) -> list[Violation]:
    problem = prepared.problem
    found = [Violation("transfer", what, 1.0, 0.0) for what in forbidden]
    for group in problem.groups:
        pools = _group_pools(group, rows)
        if len(pools) > 1:
            names = ", ".join(problem.operators[member].id for member in group)
            found.append(Violation("group", names, float(len(pools)), 1.0))
    for device, devices in devices_used(prepared, rows).items():
        if devices > prepared.counts[device]:
            found.append(Violation("capacity", device, float(devices), float(prepared.counts[device])))
    if problem.sla and problem.penalty_usd_per_s is None and exceeds(latency_s, problem.sla.limit_s):
        found.append(Violation("sla", problem.sla.stat, latency_s, problem.sla.limit_s))
    return found
