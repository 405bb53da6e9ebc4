"""The better of two plans of an agent: with the prefixes of its prompts shared, and without.

A shared prefix is paid for by all calls that share it, so it is no alternative of one of them: the agent is planned in
both forms, and no plan is ever dearer for sharing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.objective import WITHIN

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from orchestrator.pipeline import PlanResult

SHARED_PREFIXES = "hoist-shared-prefix"
"""The pass that makes the first form."""

KEPT_TURNS = "continue-turns"
"""The pass whose alternative needs all turns of a react on one replica; a load has to ask for it."""


_EQUAL = 1e-6


def shares_prefixes(module: ModuleOp) -> bool:
    """Whether calls of a module share the KV of a prefix."""
    from ir.dialects.llm import PrefixPrefillOp

    return any(isinstance(op, PrefixPrefillOp) for op in module.walk())


def better(shared: PlanResult, alone: PlanResult) -> PlanResult:
    """The plan that is better in the objective, and faster where both are as good; a finding tells of both.

    Where neither keeps the limits, the one that comes closer to an SLA. The seconds are those of both, and so is the
    bound: no placement of either form costs less, or comes to less of an aim.
    """
    taken = _preferred(alone, shared)
    verdict = "calls share the KV of their prefixes" if taken is shared else "calls do not share their prefixes' KV"
    findings = (*taken.findings, f"{verdict}: shared, {_told(shared)}; alone, {_told(alone)}")
    return replace(_bounded(taken, (shared, alone)), findings=findings, seconds=shared.seconds + alone.seconds)


def _preferred(alone: PlanResult, shared: PlanResult) -> PlanResult:
    """By aims in turn, each within what later ones may give up of it; then by dollars."""
    *earlier, _ = alone.objective.aims
    for position, (one, other) in enumerate(zip(alone.reached, shared.reached, strict=False)):
        room = 1.0 + (WITHIN if position < len(earlier) else _EQUAL)
        if one.value > other.value * room:
            return shared
        if other.value > one.value * room:
            return alone
    return min((alone, shared), key=_key)


def _key(result: PlanResult) -> tuple[int, float, float]:
    if result.solution is not None:
        judged = result.solution.evaluation
        return 0, judged.objective_usd, judged.latency_mean_s
    report = result.infeasible
    return (1, report.value, 0.0) if report is not None and report.kind == "sla" else (2, 0.0, 0.0)


def _told(result: PlanResult) -> str:
    if result.solution is None:
        return "no plan keeps the limits"
    judged = result.solution.evaluation
    return f"a run costs {judged.cost_usd:.4g} USD and takes {judged.latency_mean_s:.4g} s on average"


def _bounded(taken: PlanResult, both: tuple[PlanResult, PlanResult]) -> PlanResult:
    """The result with the lower bound of both forms."""
    if taken.solution is None or taken.plan is None:
        return taken
    bound = min(each.solution.bound_usd for each in both if each.solution is not None)
    bounds = [[row.bound for row in each.reached] for each in both if each.solution is not None]
    reached = tuple(
        replace(row, bound=min(row.bound, *others)) for row, *others in zip(taken.reached, *bounds, strict=True)
    )
    objective = taken.solution.evaluation.objective_usd
    gap = (objective - bound) / objective if objective else 0.0
    solution = replace(taken.solution, bound_usd=bound, gap=gap)
    plan = taken.plan.model_copy(update={"bound_usd": bound, "gap": gap})
    return replace(taken, solution=solution, plan=plan, reached=reached)
