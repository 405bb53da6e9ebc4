"""A plan as rows and as JSON: what `orchestrator plan` prints and `POST /v1/plans` answers.

Both faces read the same record, so that a figure is never computed twice.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ir.duration import format_duration
from orchestrator.pipeline import PlanResult
from orchestrator.relaxed import relaxed, relaxed_json
from orchestrator.run_objective import reached_aims

if TYPE_CHECKING:
    from placement.homogeneous import Homogeneous
    from placement.infeasible import Infeasibility
    from placement.plan import Plan, PlanOperator, PlanPool
    from placement.solve import Solution

RIVALS_S = 0.3
"""Seconds to look for the best plans without each operator's pool."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One operator of a plan, in order of execution.

    `latency_s` is of one visit, with its interval,
    `cost_usd` of a run. `slack_s` is how much longer a visit may take before the SLA is
    missed (None where the SLA's statistic does not count it). `runner_up` says why not the next option.
    """

    name: str
    op: str
    device: str
    tp: int
    model: str | None
    precision: str | None
    visits: float
    latency_s: float
    low_s: float | None
    high_s: float | None
    cost_usd: float
    slack_s: float | None
    source: str
    simulated: bool
    runner_up: str


def plan_rows(result: PlanResult) -> tuple[PlanRow, ...]:
    """The rows of a feasible plan; none of an infeasible one."""
    if result.plan is None or result.solution is None:
        return ()
    taken = [index for index, option in enumerate(result.solution.placement.option) if option is not None]
    pools = {pool.id: pool for pool in result.plan.pools}
    slack_s = result.solution.evaluation.slack_s
    reasons = runner_up_texts(result, result.solution)
    return tuple(
        _row(operator, pools[operator.routes[0].pool], slack_s[index], reasons[index])
        for operator, index in zip(result.plan.operators, taken, strict=True)
    )


def _row(operator: PlanOperator, pool: PlanPool, slack_s: float | None, runner_up: str) -> PlanRow:
    return PlanRow(
        name=operator.id,
        op=operator.op,
        device=pool.device,
        tp=pool.tp,
        model=pool.model,
        precision=pool.precision,
        visits=operator.visits,
        latency_s=operator.promised.mean_s,
        low_s=operator.promised.low_s,
        high_s=operator.promised.high_s,
        cost_usd=operator.visits * operator.promised.cost_usd,
        slack_s=None if slack_s is None or math.isinf(slack_s) else slack_s,
        source=operator.promised.source,
        simulated=pool.driver != "cpu",
        runner_up=runner_up,
    )


def slack_rows(result: PlanResult, solution: Solution) -> list[dict[str, Any]]:
    """For each operator of the plan: mean seconds of a call, how much longer one may take, and whether it is critical.

    `slack_s` is None where the SLA's statistic does not count the operator.
    """
    judged = solution.evaluation
    found: list[dict[str, Any]] = []
    for index, spec in enumerate(result.lowered.specs):
        slack_s = judged.slack_s[index]
        if solution.placement.option[index] is not None:
            counted = None if slack_s is None or math.isinf(slack_s) else slack_s
            row = {"name": spec.id, "latency_s": judged.operator_latency_s[index], "slack_s": counted}
            found.append({**row, "critical": index in judged.critical_path})
    return found


def runner_up_texts(result: PlanResult, solution: Solution) -> list[str]:
    """[operator] the pool that would be used instead and what it would cost; empty where there is none, and in a plan
    that minimises something else than dollars.

    Each operator's rival is a solve of its own; those for which `RIVALS_S` is too short are compared by single moves.
    """
    from placement.explain import explain

    if result.reached:
        return [""] * len(result.lowered.specs)
    moves = [None if each is None else each.runner_up for each in explain(result.problem, solution.placement)]
    end_s = time.monotonic() + RIVALS_S
    texts: list[str] = []
    for index, move in enumerate(moves):
        if move is None or not _has_choice(result, index):
            texts.append("")
        elif time.monotonic() < end_s:
            texts.append(_rival_text(result, solution, index))
        else:
            texts.append(f"{move.pool}: {move.reason}")
    return texts


def _has_choice(result: PlanResult, index: int) -> bool:
    operators = result.lowered.problem.operators
    return len({option.pool for twin in _twins(result, index) for option in operators[twin].options}) > 1


def _twins(result: PlanResult, index: int) -> list[int]:
    """The operator and its copies in other alternatives."""
    specs = result.lowered.specs
    return [other for other, spec in enumerate(specs) if spec.id == specs[index].id]


def _rival_text(result: PlanResult, solution: Solution, index: int) -> str:
    from placement.rival import rival

    found = rival(result.problem, solution, _twins(result, index))
    if found is None:
        return ""
    if found.instead is None or found.more_usd is None:
        return "none: no other plan keeps the limits"
    more = f"${found.more_usd:.3g} dearer" if found.more_usd > 0 else "as cheap"
    return f"{found.instead}: {more}"


def plan_json(result: PlanResult) -> dict[str, Any]:
    """The document of `plan --json`; durations in seconds, money in US dollars, costs of one run."""
    plan = result.plan
    if plan is None:
        return {**refusal(result), **relaxed_json(relaxed(result)), "homogeneous": _homogeneous_json(result)}
    return {
        "feasible": True,
        **_subject(result),
        "latency_s": plan.promised.latency_s,
        "latency_mean_s": plan.promised.latency_mean_s,
        "latency_worst_s": plan.promised.latency_worst_s,
        "latency_low_s": plan.promised.latency_low_s,
        "latency_high_s": plan.promised.latency_high_s,
        "cost_basis": plan.cost_basis,
        "cost_usd": plan.promised.cost_usd,
        "penalty_usd": penalty_usd(result),
        "bound_usd": plan.bound_usd,
        "gap": plan.gap,
        "bound_scope": plan.bound_scope,
        **asked(result),
        "critical_path": plan.promised.critical_path,
        "operators": [asdict(row) for row in plan_rows(result)],
        "transfers": [transfer.model_dump() for transfer in plan.transfers],
        "choices": plan.choices,
        "homogeneous": _homogeneous_json(result),
        **grounds(plan, result),
    }


def asked(result: PlanResult) -> dict[str, Any]:
    """What is minimised where that is not dollars, and the margin where there is one."""
    found: dict[str, Any] = {}
    if result.reached:
        rows = [asdict(row) for row in reached_aims(result.objective, result.reached)]
        found["objective"] = {"text": result.objective.text, "meaning": result.objective.meaning, "reached": rows}
    if result.request.margin != 1.0 and result.solution is not None:
        found["margin"] = result.request.margin
        found["held_latency_s"] = result.solution.evaluation.latency_s
    return found


def homogeneous_rows(result: PlanResult) -> tuple[Homogeneous, ...]:
    """The best plan on each accelerator class with the fleet's CPU cores, to hold beside this one."""
    from placement.homogeneous import MOST_S, homogeneous
    from placement.pricing import runs_functions

    cores = {each.id for each in result.fleet.classes if runs_functions(each)}
    return homogeneous(result.problem, cores, MOST_S, result.aims)


def _homogeneous_json(result: PlanResult) -> list[dict[str, Any]]:
    return [{**asdict(row), "reached": list(row.reached)} for row in homogeneous_rows(result)]


def penalty_usd(result: PlanResult) -> float:
    """What a soft SLA charges for the seconds above its limit: not part of `cost_usd`, but of what is minimised, and so
    of what `bound_usd` and `gap` speak of."""
    return 0.0 if result.solution is None else result.solution.evaluation.penalty_usd


def _subject(result: PlanResult) -> dict[str, Any]:
    sla = result.lowered.problem.sla
    return {
        "agent": result.graph.name,
        "fleet": result.fleet.name,
        "sla": None if sla is None else {"stat": sla.stat, "limit_s": sla.limit_s},
    }


def grounds(plan: Plan, result: PlanResult) -> dict[str, Any]:
    """What a plan rests on: assumptions, notes of its operators, findings, the solver and its seconds."""
    notes = {f"{operator.id}: {note}" for operator in plan.operators for note in operator.promised.notes}
    return {
        "assumptions": plan.provenance.assumptions,
        "notes": sorted(notes),
        "findings": list(result.findings),
        "solver": plan.provenance.solver,
        "solve_s": result.seconds,
    }


def refusal(result: PlanResult) -> dict[str, Any]:
    """What an infeasible result says instead: which limit binds, and the smallest fix."""
    infeasible = result.infeasible
    assert infeasible is not None, "a result is feasible or says why not"
    best_s = infeasible.value if infeasible.kind == "sla" else None
    return {
        "feasible": False,
        **_subject(result),
        "binding": infeasible.kind,
        "what": list(infeasible.what),
        "best_latency_s": best_s,
        "missing_devices": dict(infeasible.missing_devices),
        "fix": _fix(infeasible),
        "message": _message(result, infeasible),
        "proven": infeasible.proven,
        "solve_s": result.seconds,
    }


def _fix(infeasible: Infeasibility) -> str:
    if infeasible.kind == "sla":
        from placement.infeasible import rounded_up

        return f"SLA {format_duration(infeasible.limit)} -> {rounded_up(infeasible.value)}"
    return infeasible.text


def _message(result: PlanResult, infeasible: Infeasibility) -> str:
    """The diagnosis in one text; for operators without options, with the reasons why nothing can run them."""
    if infeasible.kind != "option":
        return infeasible.text
    operators = {operator.id: operator for operator in result.lowered.problem.operators}
    reasons = [f"{name}: {'; '.join(operators[name].rejected)}" for name in infeasible.what]
    return f"{infeasible.text}. {'. '.join(reasons)}"
