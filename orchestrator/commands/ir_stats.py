"""What `orchestrator ir --stats` measures: what there is and what a run asks for, before and after each pass.

A stage is measured on a copy taken down to operations with demand, so that a pass is judged by what it changed and not
by how far down it stands.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xdsl.dialects.builtin import ModuleOp

    from costmodel.fleet import Fleet
    from ir.sla import Sla
    from ir.stats import Stats
    from placement.from_ir import Lowered
    from placement.solve import Solution


@dataclass(frozen=True, slots=True)
class Best:
    """The best placement of a stage: predicted times and cost of one run.

    `critical_path` are operators by id, first to last, that make up `latency_s`, which is of the SLA's statistic
    `stat` (worst where there is no SLA). `link_bytes` go from one place to another, mean of a run.
    """

    stat: str
    latency_s: float
    latency_mean_s: float
    critical_path: tuple[str, ...]
    link_bytes: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage with its statistics, demand as predicted, and the best placement where one was asked for and exists."""

    stage: str
    stats: Stats
    best: Best | None = None

    def amounts(self) -> dict[str, float]:
        """Every number that a pass may change, by name; those of the best placement only where there is one."""
        found = self.stats
        counts: dict[str, float] = {"ops": sum(found.ops.values()), "calls": found.calls, "choices": found.choices}
        best = self.best
        if best is None:
            return counts | asdict(found.demand)
        names = ("latency_s", "latency_mean_s", "link_bytes", "cost_usd")
        return counts | asdict(found.demand) | {f"best_{name}": getattr(best, name) for name in names}


@dataclass(frozen=True, slots=True)
class Change:
    """What a pass changed: each amount after it less the amount before it, those that stayed left out."""

    name: str
    amounts: Mapping[str, float]


def stage_row(stage: str, module: ModuleOp, fleet: Fleet | None, sla: Sla | None) -> StageRow:
    """Measure a stage; a fleet on which no placement keeps the limit leaves `best` open."""
    from ir.stats import lowered, stats

    copy = lowered(module)
    found = replace(stats(module), demand=stats(copy).demand)
    return StageRow(stage, found, None if fleet is None else _best(copy, fleet, sla))


def changes(rows: Sequence[StageRow]) -> list[Change]:
    """One for each stage but the first. What of the best placement only one side has is left out."""
    found: list[Change] = []
    for before, after in pairwise(rows):
        old, new = before.amounts(), after.amounts()
        pairs = {name: (old[name], new[name]) for name in new if name in old}
        differ = {name: b - a for name, (a, b) in pairs.items() if not math.isclose(a, b, rel_tol=1e-12)}
        found.append(Change(after.stage, differ))
    return found


def stats_json(rows: Sequence[StageRow], agent: str, fleet: str | None) -> dict[str, Any]:
    """The document of `--stats --json`: the stages in order, and by pass what it changed (after less before)."""
    return {
        "agent": agent,
        "fleet": fleet,
        "stages": [
            {
                "stage": row.stage,
                "operations": row.stats.ops,
                "operators": row.stats.operators,
                "calls": row.stats.calls,
                "choices": row.stats.choices,
                "demand": asdict(row.stats.demand),
                "best": None if row.best is None else asdict(row.best) | {"critical_path": [*row.best.critical_path]},
            }
            for row in rows
        ],
        "changes": [{"pass": change.name, "amounts": dict(change.amounts)} for change in changes(rows)],
    }


def _best(module: ModuleOp, fleet: Fleet, sla: Sla | None) -> Best | None:
    from costmodel.models import load_models
    from ir import view
    from placement.from_ir import from_ir
    from placement.infeasible import InfeasibleError
    from placement.pricing import Pricing
    from placement.settle import settle
    from placement.solve import solve

    lowered = from_ir(view.entry(module), Pricing(fleet, load_models()), sla)
    try:
        solution = settle(lowered, solve(lowered.problem))
    except InfeasibleError:
        return None
    found = solution.evaluation
    return Best(
        stat="worst" if sla is None else sla.stat,
        latency_s=found.latency_s,
        latency_mean_s=found.latency_mean_s,
        critical_path=tuple(lowered.specs[index].id for index in found.critical_path),
        link_bytes=_link_bytes(lowered, solution),
        cost_usd=found.cost_usd,
    )


def _link_bytes(lowered: Lowered, solution: Solution) -> float:
    """Sum over edges between two places of visits times size."""
    from placement.evaluate import place_pair

    problem, taken = lowered.problem, solution.placement.option
    total = 0.0
    for edge in problem.edges:
        src, dst = taken[edge.src], taken[edge.dst]
        if src is not None and dst is not None:
            ends = problem.operators[edge.src].options[src], problem.operators[edge.dst].options[dst]
            source, target = place_pair(problem, edge, *ends)
            total += edge.visits * edge.size_bytes if source != target else 0.0
    return total
