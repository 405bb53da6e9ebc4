"""`orchestrator ir --stats` as text: a table of the stages, one of what each pass changed, and the critical paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ir.duration import format_duration
from orchestrator.commands.ir_stats import StageRow, changes
from orchestrator.commands.text import table, usd

_COLUMNS: Mapping[str, tuple[str, float]] = {
    "ops": ("ops", 1.0),
    "calls": ("calls", 1.0),
    "choices": ("choices", 1.0),
    "flops": ("TFLOP", 1e12),
    "weight_bytes": ("weights GB", 1e9),
    "kv_bytes": ("KV GB", 1e9),
    "moved_bytes": ("moved MB", 1e6),
    "cpu_s": ("CPU s", 1.0),
    "wait_s": ("wait s", 1.0),
    "dispatches": ("dispatches", 1.0),
    "cost_usd": ("fees", 1.0),
}
"""Of each amount its heading and the unit that it is printed in."""

_BEST: Mapping[str, tuple[str, float]] = {
    "best_link_bytes": ("link MB", 1e6),
    "best_latency_mean_s": ("mean s", 1.0),
    "best_latency_s": ("path s", 1.0),
    "best_cost_usd": ("cost", 1.0),
}


def stats_text(rows: Sequence[StageRow], is_priced: bool) -> str:
    """What the command prints. `is_priced`: a best placement was asked for."""
    columns = {**_COLUMNS, **_BEST} if is_priced else _COLUMNS
    headings = [heading for heading, _ in columns.values()]
    stages = [[row.stage, *_cells(row.amounts(), columns, "")] for row in rows]
    changed = [[each.name, *_cells(each.amounts, columns, "+")] for each in changes(rows)]
    lines = [table(("stage", *headings), stages, headings)]
    if changed:
        lines += ["", "changed by each pass (after it less before it):"]
        lines += [table(("pass", *headings), changed, headings)]
    lines += ["", *(_paths(rows) if is_priced else ()), *_ground(rows)]
    return "\n".join(lines)


def _cells(amounts: Mapping[str, float], columns: Mapping[str, tuple[str, float]], sign: str) -> Iterator[str]:
    """An absent amount is a dash; a change (`sign` is "+") has its sign."""
    for name, (_, unit) in columns.items():
        value = amounts.get(name)
        if value is None:
            yield "-"
        elif name.endswith("cost_usd"):
            yield f"{sign if value > 0 else ''}{usd(value)}"
        else:
            yield (
                format(value / unit, f"{sign}.4g")
                if not float(value).is_integer() or unit > 1
                else f"{value:{sign}.0f}"
            )


def _paths(rows: Sequence[StageRow]) -> Iterator[str]:
    """The critical path at the first stage, and at each where it is another one."""
    shown: tuple[tuple[str, ...], float] | None = None
    for row in rows:
        best = row.best
        if best is None:
            yield f"at {row.stage} no placement keeps the limits"
            shown = None
            continue
        found = best.critical_path, best.latency_s
        if found != shown:
            took = f"{best.stat} {format_duration(best.latency_s)}"
            yield f"critical path at {row.stage}, {took}: {' -> '.join(best.critical_path)}"
        shown = found


def _ground(rows: Sequence[StageRow]) -> Iterator[str]:
    """The operations of the last stage, and what the figures leave out."""
    last = rows[-1].stats
    by_dialect = ", ".join(f"{dialect} {count}" for dialect, count in last.ops.items())
    yield f"after {rows[-1].stage}: {by_dialect}; {last.operators} operators"
    yield "mean of one run; of several models the first counts, of a choice its first alternative"
    if last.demand.unknown:
        yield f"{last.demand.unknown} operations state no visits or no work, and count as nothing here"
