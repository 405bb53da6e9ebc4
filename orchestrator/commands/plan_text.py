"""A plan as text: the table of operators, the SLA line, cost with bound and gap, and what it all rests on."""

from __future__ import annotations

from collections.abc import Iterator

from ir.duration import format_duration
from orchestrator.commands.aims_text import aim_lines, margin_line
from orchestrator.commands.homogeneous_text import homogeneous_lines
from orchestrator.commands.text import percent, table, usd
from orchestrator.pipeline import PlanResult
from orchestrator.places import device_text
from orchestrator.relaxed import Relaxed, relaxed
from orchestrator.report import PlanRow, grounds, homogeneous_rows, penalty_usd, plan_rows, refusal
from placement.plan import Plan

HEADER = ("operator", "kind", "device", "calls", "mean time", "cost/run", "runner-up")
NUMBERS = ("calls", "mean time", "cost/run")


def plan_text(result: PlanResult) -> str:
    """What `orchestrator plan` prints, feasible or not."""
    plan = result.plan
    if plan is None:
        lines = homogeneous_lines(homogeneous_rows(result), None)
        texts = [infeasible_text(result), *margin_line(result), *_relaxations(relaxed(result)), *lines]
        return "\n".join(texts)
    rows = [_row(row) for row in plan_rows(result)]
    shown = len(HEADER) - 1 if result.reached else len(HEADER)
    return "\n".join(
        (
            f"{plan.agent} on fleet {plan.provenance.fleet}",
            "",
            table(HEADER[:shown], [row[:shown] for row in rows], NUMBERS),
            "",
            *_totals(plan, result),
            *homogeneous_lines(homogeneous_rows(result), plan.promised.cost_usd + penalty_usd(result), result),
            *_choices(plan),
            *_grounds(plan, result),
        )
    )


def infeasible_text(result: PlanResult) -> str:
    """Which limit binds, and the smallest fix."""
    document = refusal(result)
    proven = "" if document["proven"] else "\nnote: the time limit ended the search, so a smaller fix may exist"
    return f"infeasible ({document['binding']}): {document['message']}{proven}"


def _relaxations(found: Relaxed) -> Iterator[str]:
    if found.conflict.limits:
        fewer = "" if found.conflict.is_irreducible else " (perhaps fewer: the time limit ended the search)"
        yield f"these cannot hold together: {', '.join(found.conflict.limits)}{fewer}"
    for fix in found.fixes:
        yield f"fix: {fix.text}" + ("" if fix.cost_usd is None else f"; a run then costs {usd(fix.cost_usd)}")


def _totals(plan: Plan, result: PlanResult) -> Iterator[str]:
    promised, penalty = plan.promised, penalty_usd(result)
    path = " -> ".join(promised.critical_path)
    if plan.sla is None:
        yield f"no SLA: worst {format_duration(promised.latency_worst_s)}; critical path: {path}"
    else:
        held_s = promised.latency_s if result.solution is None else result.solution.evaluation.latency_s
        slack_s = plan.sla.limit_s - held_s
        slack = f"slack {format_duration(slack_s)}" if slack_s >= 0 else f"over by {format_duration(-slack_s)} (soft)"
        limit = f"{plan.sla.stat} <= {format_duration(plan.sla.limit_s)}"
        yield f"SLA {limit}: {format_duration(promised.latency_s)}, {slack}; critical path: {path}"
    yield from margin_line(result)
    yield f"latency: mean {format_duration(promised.latency_mean_s)}, worst {format_duration(promised.latency_worst_s)}"
    yield from _interval(plan)
    soft = f", and {usd(penalty)} of penalty for the time over the SLA" if penalty else ""
    yield f"cost: {usd(promised.cost_usd)} per run ({plan.cost_basis}){soft}"
    yield from aim_lines(result)
    if not result.reached:
        yield f"bound: {usd(plan.bound_usd)}, gap {percent(plan.gap)} (of: {plan.bound_scope})"


def _interval(plan: Plan) -> Iterator[str]:
    """Between what the SLA's statistic lies, and whether its high end still keeps the limit."""
    low_s, high_s = plan.promised.latency_low_s, plan.promised.latency_high_s
    if low_s is None or high_s is None:
        return
    over = plan.sla is not None and high_s > plan.sla.limit_s
    risk = "; the high end is over the SLA" if over else ""
    yield f"interval: {format_duration(low_s)} to {format_duration(high_s)} (80 %, if all estimates err alike){risk}"


def _choices(plan: Plan) -> Iterator[str]:
    for operator in plan.operators:
        if operator.calls:
            yield f"fused: {operator.id} runs {', '.join(call.id for call in operator.calls)} in one call"
    for choice, alternative in plan.choices.items():
        yield f"choice: {choice} is {alternative}"
    for transfer in plan.transfers:
        if transfer.latency_s > 0 or transfer.cost_usd > 0:
            takes = f"{format_duration(transfer.latency_s)}, {usd(transfer.cost_usd)} each time"
            yield f"transfer: {transfer.src} -> {transfer.dst} ({transfer.kind}): {takes}"


def _grounds(plan: Plan, result: PlanResult) -> Iterator[str]:
    document = grounds(plan, result)
    for label, key in (("assumption", "assumptions"), ("note", "notes"), ("finding", "findings")):
        for text in document[key]:
            yield f"{label}: {text}"
    yield f"planned in {format_duration(result.seconds)} with {document['solver']}"


def _row(row: PlanRow) -> tuple[str, ...]:
    return (
        row.name,
        row.op,
        device_text(row.device, row.tp, row.precision),
        f"{row.visits:.4g}",
        format_duration(row.latency_s),
        usd(row.cost_usd),
        row.runner_up,
    )
