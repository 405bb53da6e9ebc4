"""A plan of shared pools as text: pools, agents, operators, totals with bound and gap, and what it all rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ir.duration import format_duration
from orchestrator.commands.plan_text import device_text
from orchestrator.commands.text import percent, table, usd
from orchestrator.fleet_pipeline import FleetPlan
from orchestrator.fleet_report import AgentRow, PlacedRow, PoolRow, agent_rows, assumptions, placed_rows, pool_rows
from orchestrator.provenance import margin_text
from placement.load import INTERVAL
from placement.shared_plans import Answer
from placement.shared_throughput import Throughput

POOLS = ("pool", "device", "replicas", "slots", "busy", "cap", "waiting", "cost/hour")
AGENTS = ("agent", "runs/s", "cost/hour", "cost/run", "mean", "worst", "SLA", "latency", "slack")
HELD = ("factor", "held")
SHARE = "share"
OPERATORS = ("agent", "operator", "pool", "calls", "mean time", "waiting", "cost/run")


def fleet_text(plan: FleetPlan) -> str:
    """What `orchestrator plan --load` prints, feasible or not."""
    answer = plan.answer
    if answer is None:
        return "\n".join((f"infeasible: {plan.why}", *_left_out(plan)))
    pools = [_pool(row) for row in pool_rows(plan, answer)]
    agents = [_agent(row) for row in agent_rows(plan, answer)]
    placed_head, placed = _placed(plan, answer)
    return "\n".join(
        (
            f"{plan.load.name} on fleet {plan.fleet.name}",
            "",
            table(POOLS, pools, POOLS[2:]),
            "",
            table(AGENTS, agents, AGENTS[1:6] + AGENTS[7:]),
            "",
            table(placed_head, placed, placed_head[3:]),
            "",
            *_first_outputs(plan, answer),
            *_totals(plan, answer),
            *_left_out(plan),
            *(f"assumption: {text}" for text in assumptions(plan, answer)),
            f"planned in {format_duration(plan.seconds)} with {answer.solver}",
        )
    )


def _totals(plan: FleetPlan, answer: Answer) -> Iterator[str]:
    found, budget = answer.evaluation, plan.shared.problem.budget
    limits = (
        (f"{usd(found.usd_per_hour)} per hour", budget.usd_per_hour, "$"),
        (f"{found.watts:,.0f} W", budget.watts, ""),
        (f"{found.gco2e_per_hour:,.0f} gCO2e per hour", budget.gco2e_per_hour, ""),
    )
    told = (text if limit is None else f"{text} (budget {sign}{limit:g})" for text, limit, sign in limits)
    yield f"total: {', '.join(told)}"
    used = (f"{count} of {plan.fleet.device_class(name).count} {name}" for name, count in _used(answer))
    yield f"devices: {', '.join(used)}"
    yield from (
        f"turns: {row.id} switches {row.switch_share:.0%} of calls, {format_duration(row.switch_s)} each"
        for row in pool_rows(plan, answer)
        if row.switch_share
    )
    yield from _bound(plan, answer)
    yield from _split(plan, answer)
    yield f"margin: {margin_text(plan.load.margin)}"


def _split(plan: FleetPlan, answer: Answer) -> Iterator[str]:
    names = {f"{row.agent}/{row.operator}": None for row in placed_rows(plan, answer) if row.share < 1.0}
    if not names:
        return
    whole = answer.unsplit
    without = "no plan without a split was found"
    if whole is not None:
        gap = f"gap {percent(whole.gap)} (of: {whole.bound_scope})"
        without = f"the best plan found without a split is {usd(whole.usd_per_hour)} per hour, {gap}"
    yield f"split: the runs of {', '.join(names)} are spread over several pools; {without}"


def _bound(plan: FleetPlan, answer: Answer) -> Iterator[str]:
    scope = f"gap {percent(answer.gap)} (of: {answer.bound_scope})"
    reached = plan.reached
    if not plan.objective.is_cost:
        yield f"objective: {plan.objective.meaning}"
    if reached is None or plan.objective.is_cost:
        yield f"bound: {usd(answer.evaluation.usd_per_hour * (1.0 - answer.gap))} per hour, {scope}"
        return
    if reached.throughput is not None:
        yield from _throughput(reached.throughput)
        return
    unit = f" {plan.objective.unit}" if plan.objective.unit else ""
    yield f"reached: {reached.solution.objective:.6g}{unit}, bound {reached.solution.bound:.6g}{unit}, {scope}"


def _throughput(found: Throughput) -> Iterator[str]:
    end = "none was refused" if found.refused is None else f"no plan was found at x{found.refused:.5g}"
    yield f"throughput: every rate x{found.factor:.5g}; {end}"
    if math.isinf(found.bound):
        yield "bound: nothing limits the rates but time"
        return
    scope = f"gap {percent(found.gap)} (of: devices, caps and budget on these levels, without limits on time)"
    whole = f"; with each operator on one pool x{found.whole_bound:.5g}"
    beside = "" if found.bound == found.whole_bound else whole
    yield f"bound: x{found.bound:.5g}, {scope}{beside}"


def _first_outputs(plan: FleetPlan, answer: Answer) -> Iterator[str]:
    for row in agent_rows(plan, answer):
        if row.first_output_limit_s is not None and row.first_output_s is not None:
            limit, end = format_duration(row.first_output_limit_s), format_duration(row.latency_s)
            first = f"{row.first_output_stat} after {format_duration(row.first_output_s)}, limit {limit}"
            yield f"first output of {row.agent}: {first}; end after {end} ({row.sla_stat or 'worst'})"


def _used(answer: Answer) -> list[tuple[str, int]]:
    return [(name, count) for name, count in answer.evaluation.devices_used.items() if count]


def _left_out(plan: FleetPlan) -> Iterator[str]:
    return (f"note: the load gives {name} no rate, so it is not planned" for name in plan.left_out)


def _pool(row: PoolRow) -> tuple[str, ...]:
    return (
        row.id,
        device_text(row.device, row.tp, row.precision),
        str(row.replicas),
        str(row.slots),
        f"{row.utilisation:.0%}",
        f"{row.cap:.0%}",
        format_duration(row.waiting_s),
        usd(row.usd_per_hour),
    )


def _agent(row: AgentRow) -> tuple[str, ...]:
    has_sla = row.sla_limit_s is not None
    return (
        row.agent,
        f"{row.rate_per_s:.4g}",
        usd(row.usd_per_hour),
        usd(row.usd_per_run),
        format_duration(row.latency_mean_s),
        format_duration(row.latency_worst_s),
        f"{row.sla_stat} <= {format_duration(row.sla_limit_s)}" if row.sla_limit_s is not None else "none",
        format_duration(row.latency_s) if has_sla else "",
        format_duration(row.sla_limit_s - row.latency_s) if row.sla_limit_s is not None else "",
    )


def _placed(plan: FleetPlan, answer: Answer) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heading and rows. Where each time has its own margin two more columns say what limits see; a split has one."""
    rows = list(placed_rows(plan, answer))
    heading, cells = OPERATORS, [_operator(row) for row in rows]
    if plan.load.margin == INTERVAL:
        held = [(f"x{row.factor:.4g}", format_duration(row.held_s)) for row in rows]
        heading = (*heading[:5], *HELD, *heading[5:])
        cells = [(*cell[:5], *more, *cell[5:]) for cell, more in zip(cells, held, strict=True)]
    if any(row.share < 1.0 for row in rows):
        heading = (*heading[:3], SHARE, *heading[3:])
        cells = [(*cell[:3], f"{row.share:.1%}", *cell[3:]) for cell, row in zip(cells, rows, strict=True)]
    return heading, cells


def _operator(row: PlacedRow) -> tuple[str, ...]:
    return (
        row.agent,
        row.operator,
        row.pool,
        f"{row.visits:.4g}",
        format_duration(row.visit_s),
        format_duration(row.waiting_s),
        usd(row.usd_per_run),
    )
