"""The best plan that leaves an operator's pool out: what the pool is worth, and what would stand in its place.

Everything else is placed anew, so a rival may take another alternative or move other operators; the difference in cost
is what the operator's place saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from placement.infeasible import InfeasibleError, UndecidedError
from placement.prepared import prepare
from placement.problem import Placement, Problem
from placement.solve import Solution, solve

RIVAL_TIME_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Rival:
    """What is used instead, and the US dollars that a run would cost more; None where nothing would do.

    A pool, or the alternative of the choice around the operator that needs no such operator.
    """

    instead: str | None
    more_usd: float | None


def rival(problem: Problem, solution: Solution, twins: Sequence[int]) -> Rival | None:
    """The rival of one operator's pool; None where no other pool could run it or time was too short.

    `twins` are the operator and its copies in other alternatives, of which the plan runs one.
    """
    (pool,) = _pools_of(problem, solution.placement, twins)
    others = replace(
        problem,
        operators=tuple(
            replace(operator, options=tuple(option for option in operator.options if option.pool != pool))
            if index in twins
            else operator
            for index, operator in enumerate(problem.operators)
        ),
    )
    if not any(others.operators[twin].options for twin in twins) and not _is_avoidable(problem, twins):
        return None
    try:
        answer = solve(others, time_limit_s=RIVAL_TIME_LIMIT_S)
    except InfeasibleError:
        return Rival(None, None)
    except UndecidedError:
        return None
    instead = _instead(others, answer.placement, twins)
    return Rival(instead, answer.evaluation.objective_usd - solution.evaluation.objective_usd)


def _is_avoidable(problem: Problem, twins: Sequence[int]) -> bool:
    """Whether some alternative of the choice around the operator has none of the twins."""
    needs = prepare(problem).needs
    inside = {needs[twin][-1] for twin in twins if needs[twin]}
    return any((choice, other) not in inside for choice, _ in inside for other in range(len(problem.choices[choice])))


def _instead(problem: Problem, placement: Placement, twins: Sequence[int]) -> str:
    pools = _pools_of(problem, placement, twins)
    if pools:
        return problem.pools[pools[0]].id
    *_, (choice, _) = prepare(problem).needs[twins[0]]
    return problem.choices[choice][placement.alternative[choice]]


def _pools_of(problem: Problem, placement: Placement, twins: Sequence[int]) -> list[int]:
    """The pool of the twin that runs; none where an alternative without one is taken."""
    rows = ((problem.operators[twin], placement.option[twin]) for twin in twins)
    return [operator.options[option].pool for operator, option in rows if option is not None]
