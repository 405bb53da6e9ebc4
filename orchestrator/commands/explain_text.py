"""`plan --explain OP`: every option of an operator with time and cost, and why it was not taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ir.duration import format_duration
from orchestrator.commands.aims_text import held_times
from orchestrator.commands.plan_text import infeasible_text
from orchestrator.commands.text import table, usd
from orchestrator.errors import OrchestratorError
from orchestrator.pipeline import PlanResult
from orchestrator.places import device_text
from placement.option_reasons import OptionReason
from placement.problem import Option, Pool

OPTION_HEADER = ("", "device", "mean time", "80 %", "cost/call", "batch", "source", "bound by", "why not", "notes")
OPTION_NUMBERS = ("mean time", "80 %", "cost/call", "batch")


class UnknownOperatorError(OrchestratorError):
    """An operator that the agent does not have."""


def explain_text(result: PlanResult, name: str) -> str:
    """Every option of an operator, cheapest first, in each alternative that has it; the one taken is marked."""
    texts = ["\n".join(_explanation(result, index)) for index in _positions(result, name)]
    return "\n\n".join([*texts, *([] if result.feasible else [infeasible_text(result)]), *held_times(result)])


def explain_json(result: PlanResult, name: str) -> list[dict[str, Any]]:
    """The same as documents, one for each alternative that has the operator."""
    return [_document(result, index) for index in _positions(result, name)]


def _positions(result: PlanResult, name: str) -> list[int]:
    ids = [operator.id for operator in result.problem.operators]
    found = [index for index, each in enumerate(ids) if name in (each, each.partition(" (")[0])]
    if not found:
        known = dict.fromkeys(each.partition(" (")[0] for each in ids)
        raise UnknownOperatorError(f"there is no operator {name!r}", f"use one of {', '.join(known)}")
    return found


def _reasons(result: PlanResult, index: int) -> Sequence[OptionReason | None]:
    """[option] the verdict; None where there is no plan to compare with."""
    from placement.option_reasons import option_reasons

    problem = result.problem
    if result.solution is None:
        return [None] * len(problem.operators[index].options)
    return option_reasons(problem, result.solution, index)


def _explanation(result: PlanResult, index: int) -> Iterator[str]:
    problem = result.problem
    operator = problem.operators[index]
    solution = result.solution
    taken = None if solution is None else solution.placement.option[index]
    yield f"{operator.id} ({operator.op}), {operator.visits:.4g} calls per run"
    if solution is not None and taken is None:
        yield "not in the plan, which uses another alternative"
    elif solution is not None:
        yield _slack(solution.evaluation.slack_s[index], index in solution.evaluation.critical_path)
    reasons = _reasons(result, index)
    rows = [
        _option_row(
            operator.options[option],
            problem.pools[operator.options[option].pool],
            option == taken,
            _why(reasons[option], operator.options, problem.pools),
        )
        for option in sorted(range(len(operator.options)), key=lambda option: operator.options[option].cost_usd)
    ]
    yield table(OPTION_HEADER, rows, OPTION_NUMBERS)
    yield from (f"not possible: {reason}" for reason in operator.rejected)


def _slack(slack_s: float | None, is_critical: bool) -> str:
    where = "on the critical path" if is_critical else "not on the critical path"
    if slack_s is None or slack_s == float("inf"):
        return f"{where}; the SLA's statistic does not count it"
    return f"{where}; a call may take {format_duration(max(slack_s, 0.0))} longer"


def _why(reason: OptionReason | None, options: Sequence[Option], pools: Sequence[Pool]) -> str:
    if reason is None or reason.verdict == "taken":
        return ""
    if reason.verdict == "dominated" and reason.better is not None:
        better = pools[options[reason.better].pool]
        return f"dominated by {device_text(better.device, better.tp, better.precision)}: no faster, no cheaper"
    if reason.verdict == "sla" and reason.over_s is not None:
        return f"misses the SLA by {format_duration(reason.over_s)} at the least"
    texts = {
        "equal": "as cheap",
        "dearer": f"{usd(reason.more_usd or 0.0)} a run dearer, all else placed anew{_reduced(reason)}",
        "capacity": "no plan with it fits the fleet's devices",
        "links": "no link leads there, or it parts operators that share a pool",
    }
    return texts.get(reason.verdict, f"not decided in time{_reduced(reason)}")


def _reduced(reason: OptionReason) -> str:
    if reason.reduced_cost_usd is None:
        return ""
    return f" (reduced cost {usd(float(f'{reason.reduced_cost_usd:.3g}'))})"


def _document(result: PlanResult, index: int) -> dict[str, Any]:
    problem, solution = result.problem, result.solution
    operator = problem.operators[index]
    slack_s = None if solution is None else solution.evaluation.slack_s[index]
    rows = zip(operator.options, _reasons(result, index), strict=True)
    return {
        "operator": operator.id,
        "visits": operator.visits,
        "taken": None if solution is None else solution.placement.option[index],
        "slack_s": None if slack_s is None or slack_s == float("inf") else slack_s,
        "critical": solution is not None and index in solution.evaluation.critical_path,
        "options": [_option_document(option, problem.pools[option.pool], reason) for option, reason in rows],
        "rejected": list(operator.rejected),
    }


def _option_document(option: Option, pool: Pool, reason: OptionReason | None) -> dict[str, Any]:
    return {
        "pool": pool.id,
        "latency_s": option.latency_s,
        "cost_usd": option.cost_usd,
        "batch": option.batch,
        "verdict": None if reason is None else reason.verdict,
        "dominated_by": None if reason is None else reason.better,
        "more_usd": None if reason is None else reason.more_usd,
        "over_s": None if reason is None else reason.over_s,
        "reduced_cost_usd": None if reason is None else reason.reduced_cost_usd,
    }


def _option_row(option: Option, pool: Pool, taken: bool, why: str) -> tuple[str, ...]:
    return (
        "->" if taken else "",
        device_text(pool.device, pool.tp, pool.precision),
        format_duration(option.latency_s),
        _ends(option),
        usd(option.cost_usd),
        str(option.batch),
        option.source,
        option.bound_by,
        why,
        "; ".join(option.notes),
    )


def _ends(option: Option) -> str:
    if option.low_s is None or option.high_s is None:
        return ""
    return f"{format_duration(option.low_s)} - {format_duration(option.high_s)}"
