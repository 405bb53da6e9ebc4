"""The table of `orchestrator ir --stats`: what there is and what a run asks for, before and after each pass.

A stage is measured on a copy taken down to operations with demand, so that a pass is judged by what it changed and not
by how far down it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.commands.text import table, usd

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from costmodel.fleet import Fleet
    from ir.sla import Sla
    from ir.stats import Stats

_HEADER = ("stage", "ops", "calls", "choices", "TFLOP", "weights GB", "KV GB", "moved MB", "CPU s", "wait s", "fees")
_PRICED = ("mean latency s", "cost")


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage with its statistics, demand as predicted, and the best placement's mean latency and cost if asked."""

    stage: str
    stats: Stats
    latency_mean_s: float | None = None
    cost_usd: float | None = None


def stage_row(stage: str, module: ModuleOp, fleet: Fleet | None, sla: Sla | None) -> StageRow:
    """Measure a stage; a fleet on which no placement keeps the limit leaves latency and cost open."""
    from dataclasses import replace

    from ir.stats import lowered, stats

    copy = lowered(module)
    found = replace(stats(module), demand=stats(copy).demand)
    if fleet is None:
        return StageRow(stage, found)
    return StageRow(stage, found, *_placed(copy, fleet, sla))


def _placed(module: ModuleOp, fleet: Fleet, sla: Sla | None) -> tuple[float | None, float | None]:
    from costmodel.models import load_models
    from ir import view
    from placement.from_ir import from_ir
    from placement.infeasible import InfeasibleError
    from placement.pricing import Pricing
    from placement.solve import solve

    try:
        solution = solve(from_ir(view.entry(module), Pricing(fleet, load_models()), sla).problem)
    except InfeasibleError:
        return None, None
    return solution.evaluation.latency_mean_s, solution.evaluation.cost_usd


def stats_text(rows: Sequence[StageRow], is_priced: bool) -> str:
    """The rows as a table, and below it the operations of the last stage by dialect and what is not known."""
    header = _HEADER + _PRICED if is_priced else _HEADER
    last = rows[-1].stats
    by_dialect = ", ".join(f"{dialect} {count}" for dialect, count in last.ops.items())
    lines = [table(header, [_cells(row, is_priced) for row in rows], header[1:])]
    lines.append(f"after {rows[-1].stage}: {by_dialect}; {last.operators} operators")
    lines.append("mean of one run; of several models the first counts, of a choice its first alternative")
    if last.demand.unknown:
        lines.append(f"{last.demand.unknown} operations state no visits or no work, and count as nothing here")
    return "\n".join(lines)


def _cells(row: StageRow, is_priced: bool) -> list[str]:
    found, demand = row.stats, row.stats.demand
    amounts = (
        demand.flops / 1e12,
        demand.weight_bytes / 1e9,
        demand.kv_bytes / 1e9,
        demand.moved_bytes / 1e6,
        demand.cpu_s,
        demand.wait_s,
    )
    counts = (sum(found.ops.values()), found.calls, found.choices)
    cells = [row.stage, *map(str, counts), *(f"{amount:.4g}" for amount in amounts), usd(demand.cost_usd)]
    if is_priced:
        cells.append("-" if row.latency_mean_s is None else f"{row.latency_mean_s:.4g}")
        cells.append("-" if row.cost_usd is None else usd(row.cost_usd))
    return cells
