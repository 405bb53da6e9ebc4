"""Whether a shared problem has any plan at all: the first that the judge accepts, or a reason to give up.

Cheaper than the best plan, since any will do; questions about limits ask it many times.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from placement.confidence import agents_that_hold
from placement.highs import Limits
from placement.kappa import FIRST_KAPPA, LEAST_KAPPA, brackets, following, learn, lowered
from placement.problem import Placement
from placement.shared_evaluate import SharedEvaluation, judge_shared
from placement.shared_fixed import FoundShared, solve_fixed
from placement.shared_objectives import LATENCY
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_solve import SAMPLES, SharedUndecidedError
from placement.shared_surrogate import Aim, surrogate

MOST_TRIES = 5
"""Solves at kappas that the judge's refusals lead to, before a problem counts as one without a plan."""

ANY = 1.0
"""The gap at which the first plan is good enough."""


@dataclass(frozen=True, slots=True)
class Feasibility:
    """A plan with the judge's verdict, or None: `is_proven` then says that even the surrogate without waiting has none.

    Otherwise the judge refused every plan that was tried.
    """

    plan: SharedPlacement | None
    verdict: SharedEvaluation | None
    is_proven: bool


@dataclass(slots=True)
class _Search:
    problem: SharedProblem
    end: float
    samples: int
    start: Sequence[Placement] | None = None

    def solve(self, kappas: Sequence[float], aim: Aim) -> FoundShared:
        """Any answer of the surrogate at these kappas. Raises `SharedUndecidedError`."""
        left_s = self.end - time.monotonic()
        if left_s > 0.0:
            found = solve_fixed(surrogate(self.problem, kappas, aim), Limits(left_s, ANY), self.start)
            if found.placements is not None or found.status == "infeasible":
                self.start = found.placements or self.start
                return found
        raise SharedUndecidedError(f"{self.problem.name}: time ran out before it was known whether there is a plan")

    def judged(self, found: FoundShared) -> Feasibility | None:
        """The answer with the judge's verdict; None where there is none to judge."""
        if found.placements is None or found.score is None:
            return None
        plan = SharedPlacement(found.placements, found.score.replicas)
        return Feasibility(plan, judge_shared(self.problem, plan, samples=self.samples), is_proven=True)


def feasibility(problem: SharedProblem, end: float, samples: int = SAMPLES) -> Feasibility:
    """Searches until the monotonic time `end`. Raises `SharedUndecidedError` where that was too early."""
    search = _Search(problem, end, samples)
    least = [LEAST_KAPPA] * len(problem.agents)
    first = search.judged(search.solve(least, Aim()))
    if first is None:
        return Feasibility(None, None, is_proven=True)
    if _holds(first):
        return first
    known, kappas = brackets(len(problem.agents)), [FIRST_KAPPA] * len(problem.agents)
    for _ in range(MOST_TRIES):
        found = search.judged(search.solve(kappas, Aim()))
        if found is None or found.verdict is None:
            following_kappas = lowered(known, kappas)
        else:
            if _holds(found):
                return found
            holds = agents_that_hold(problem, found.verdict)
            known = learn(known, kappas, holds)
            following_kappas = following(known, kappas, holds, accepted=False)
        if following_kappas is None:
            break
        kappas = following_kappas
    # The fastest plan is dear, and the last that may hold.
    fastest = search.judged(search.solve(least, LATENCY))
    return fastest if fastest is not None and _holds(fastest) else Feasibility(None, None, is_proven=False)


def _holds(found: Feasibility) -> bool:
    return found.verdict is not None and found.verdict.feasible
