"""The best plan that leaves an operator's pool out: what the pool is worth, and what would stand in its place.

Everything else is placed anew, so a rival may take another alternative or move other operators; the difference in cost
is what the operator's place saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from placement.infeasible import InfeasibleError, UndecidedError
from placement.problem import Placement, Problem
from placement.solve import Solution, solve

RIVAL_TIME_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Rival:
    """The pool used instead, and the US dollars that a run would cost more; None where nothing would do."""

    pool: str | None
    more_usd: float | None


def rival(problem: Problem, solution: Solution, twins: Sequence[int]) -> Rival | None:
    """The rival of one operator's pool; None where no other pool could run it or time was too short.

    `twins` are the operator and its copies in other alternatives, of which the plan runs exactly one.
    """
    pool = _pool_of(problem, solution.placement, twins)
    others = replace(
        problem,
        operators=tuple(
            replace(operator, options=tuple(option for option in operator.options if option.pool != pool))
            if index in twins
            else operator
            for index, operator in enumerate(problem.operators)
        ),
    )
    if not any(others.operators[twin].options for twin in twins):
        return None
    try:
        answer = solve(others, time_limit_s=RIVAL_TIME_LIMIT_S)
    except InfeasibleError:
        return Rival(None, None)
    except UndecidedError:
        return None
    instead = problem.pools[_pool_of(others, answer.placement, twins)].id
    return Rival(instead, answer.evaluation.objective_usd - solution.evaluation.objective_usd)


def _pool_of(problem: Problem, placement: Placement, twins: Sequence[int]) -> int:
    return next(
        problem.operators[twin].options[option].pool for twin in twins if (option := placement.option[twin]) is not None
    )
