"""Searches a plan near a running one: at the `kappa` that fits the running plan, then at what refused plans say.

The heuristic's plan is judged before its program is solved, so that where the judge refuses no proof is paid for;
the answer is a program's, with its bound.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from placement.confidence import surely_hold
from placement.highs import Limits
from placement.kappa import LEAST_KAPPA, MOST_KAPPA, NEAR, Brackets, brackets, learn, lowered
from placement.kappa_fit import fitted
from placement.problem import Placement
from placement.shared_evaluate import SharedEvaluation
from placement.shared_fixed import FoundShared, solve_fixed
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_score import SharedScore
from placement.shared_solve import DOLLARS, Effort, SharedSolution, Spent, solution_of
from placement.shared_surrogate import Constants, surrogate_at

TRIES = 5

Judge = Callable[[SharedPlacement], SharedEvaluation]


class _Refused(Exception):
    """The judge refuses the heuristic's plan; its program is not worth solving."""


@dataclass(slots=True)
class _Trial:
    """Judges the plans at one `kappa`, and keeps the best that surely holds."""

    problem: SharedProblem
    judge: Judge
    seen: tuple[Sequence[Placement], SharedEvaluation] | None = None
    kept: tuple[SharedPlacement, SharedEvaluation, SharedScore] | None = None

    def __call__(self, placements: Sequence[Placement], score: SharedScore) -> None:
        if self.seen is not None and self.seen[0] == placements:
            return
        plan = SharedPlacement(tuple(placements), score.replicas)
        verdict = self.judge(plan)
        self.seen = placements, verdict
        if verdict.feasible and all(surely_hold(self.problem, verdict)):
            self.kept = plan, verdict, score
        elif self.kept is None:
            raise _Refused


def solve_near(known: Constants, kappas: Sequence[float], judge: Judge, effort: Effort) -> SharedSolution | None:
    """The best of the programs' plans at `kappas` [agent] near these that `judge` accepts; None: none was found.

    With a plan, no solve begins after `effort.enough_s`. `judge` sees placements of the problem of `known`.
    """
    began = time.monotonic()
    bounds = brackets(len(known.prepared.problem.agents))
    best: SharedSolution | None = None
    now: list[float] | None = list(kappas)
    for solves in range(1, TRIES + 1):
        spent_s = time.monotonic() - began
        if now is None or spent_s >= (effort.enough_s if best else effort.time_limit_s):
            break
        trial = _Trial(known.prepared.problem, judge)
        found = _solve(known, now, trial, replace(effort, time_limit_s=effort.time_limit_s - spent_s))
        if trial.seen is None:  # out of reach
            bounds = replace(bounds, high=tuple(map(min, bounds.high, now)))
            now = lowered(bounds, now)
            continue
        if trial.kept and found:
            answer = _answer(found, trial.kept, now, Spent(solves, found.seconds, time.monotonic() - began))
            best = answer if best is None or answer.objective < best.objective else best
        holds = surely_hold(known.prepared.problem, trial.seen[1])
        bounds = learn(bounds, now, holds)
        now = _following(bounds, now, holds, (fitted(known, *trial.seen), best is not None))
    return best


def _solve(known: Constants, kappas: Sequence[float], trial: _Trial, effort: Effort) -> FoundShared | None:
    """The solve at `kappas`; None where the judge refused its heuristic's plan."""
    limits = Limits(effort.time_limit_s, effort.gap, effort.threads)
    try:
        return solve_fixed(surrogate_at(known, kappas, DOLLARS), limits, None, trial)
    except _Refused:
        return None


def _following(
    bounds: Brackets, kappas: Sequence[float], holds: Sequence[bool], told: tuple[Sequence[float], bool]
) -> list[float] | None:
    """Where to look next; None where nothing is left.

    An agent that failed goes up to what fits its plan; one that held stays until there is an answer, then goes down.
    """
    fits, is_answered = told
    found: list[float] = []
    for low, high, kappa, held, fit in zip(bounds.low, bounds.high, kappas, holds, fits, strict=True):
        if not held:
            raised = min(MOST_KAPPA, max(kappa + NEAR, fit))
            found.append(raised if raised < high else (kappa + high) / 2.0)
        elif not is_answered or kappa - max(low, LEAST_KAPPA) <= NEAR:
            found.append(kappa)
        else:
            found.append(max(LEAST_KAPPA, min(kappa - NEAR, fit)) if math.isinf(low) else (low + kappa) / 2.0)
    return None if found == list(kappas) else found


def _answer(
    found: FoundShared,
    kept: tuple[SharedPlacement, SharedEvaluation, SharedScore],
    kappas: Sequence[float],
    spent: Spent,
) -> SharedSolution:
    plan, verdict, score = kept
    told = replace(found, placements=plan.agents, score=score, bound=min(found.bound, score.objective))
    return solution_of(plan, verdict, told, kappas, spent)
