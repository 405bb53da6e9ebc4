"""Why each operator is where it is: the next cheapest option with all else in place, and what speaks against it.

A plan that cannot be questioned is not trusted; each reason here is the judge's verdict on the alternative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ir.duration import format_duration
from placement.evaluate import Evaluation, Violation, judge, score
from placement.moves import Neighbourhood, Unit, candidates, moved, neighbourhood, price
from placement.prepared import prepare
from placement.problem import Placement, Problem

_ROUNDING = 1e-9
"""Costs that differ by this share or less are equal."""


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The next cheapest option: what it would add to the run's objective, and the limits that it would break."""

    option: int
    pool: str
    more_usd: float
    violations: tuple[Violation, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """An operator's place. `runner_up` is None where it has no other option; `moves_with` are members of its group.

    `slack_s` is the judge's: how much longer one visit may take.
    """

    operator: str
    option: int
    pool: str
    moves_with: tuple[str, ...]
    runner_up: RunnerUp | None
    slack_s: float | None
    critical: bool


def explain(problem: Problem, placement: Placement) -> tuple[Explanation | None, ...]:
    """[operator] why it is where it is; None where its alternative is not taken. Raises as `evaluate` does."""
    prepared = prepare(problem)
    evaluation = judge(prepared, placement)
    found: list[Explanation | None] = [None] * len(problem.operators)
    around = neighbourhood(prepared, placement.alternative)
    for unit in around.units:
        next_best = _next_best(around, placement, unit)
        then = judge(prepared, next_best) if next_best else None
        for member in unit:
            option = placement.option[member]
            if option is None:
                continue
            operator = problem.operators[member]
            found[member] = Explanation(
                operator=operator.id,
                option=option,
                pool=problem.pools[operator.options[option].pool].id,
                moves_with=tuple(problem.operators[other].id for other in unit if other != member),
                runner_up=_runner_up(problem, member, next_best, (evaluation, then)),
                slack_s=evaluation.slack_s[member],
                critical=member in evaluation.critical_path,
            )
    return tuple(found)


def _next_best(around: Neighbourhood, placement: Placement, unit: Unit) -> Placement | None:
    """The cheapest placement that differs in this unit only; of equally cheap ones, one that breaks no limit.

    One that its neighbours cannot exchange data with comes last.
    """

    def rank(other: Placement) -> tuple[bool, float, bool]:
        found = score(around.prepared, other)
        return math.isinf(price(around, other.option, unit, 0.0)), found.objective_usd, not found.feasible

    others = [moved(placement, unit, options) for options in candidates(around.prepared, unit)]
    return min((other for other in others if other != placement), key=rank, default=None)


def _runner_up(
    problem: Problem, member: int, placement: Placement | None, before_after: tuple[Evaluation, Evaluation | None]
) -> RunnerUp | None:
    before, after = before_after
    if placement is None or after is None:
        return None
    option = placement.option[member]
    if option is None:
        return None
    more_usd = after.objective_usd - before.objective_usd
    equal = abs(more_usd) <= _ROUNDING * before.objective_usd
    reasons = ["as cheap" if equal else _cost_reason(more_usd), *(_limit_reason(one) for one in after.violations)]
    pool = problem.pools[problem.operators[member].options[option].pool].id
    return RunnerUp(option, pool, more_usd, after.violations, ", ".join(reasons))


def _cost_reason(more_usd: float) -> str:
    return f"${abs(more_usd):.3g} {'dearer' if more_usd > 0.0 else 'cheaper'}"


def _limit_reason(violation: Violation) -> str:
    if violation.kind == "sla":
        return f"misses the SLA by {format_duration(violation.value - violation.limit)}"
    if violation.kind == "capacity":
        return f"needs {violation.value:.0f} {violation.what} of {violation.limit:.0f}"
    if violation.kind == "group":
        return f"parts {violation.what}, which share a pool"
    return f"no link for {violation.what}"
