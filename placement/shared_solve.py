"""Plans a fleet that several agents share: the cheapest replicas and placements that the judge accepts.

The program knows waiting and deviations as constants only. So it is solved at several `kappa`, for each agent by
bisection, and the sampled judge says which of the answers hold.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import highspy

from placement.confidence import surely_hold
from placement.highs import Limits
from placement.kappa import FIRST_KAPPA, LEAST_KAPPA, brackets, following, learn, lowered
from placement.problem import Placement
from placement.shared_cheapest import Asked, Judged, cheapest_judged, enumerable
from placement.shared_evaluate import SharedEvaluation, judge_shared
from placement.shared_fixed import FoundShared, solve_fixed
from placement.shared_polish import polish
from placement.shared_problem import AgentLoad, SharedPlacement, SharedProblem
from placement.shared_score import SharedScore
from placement.shared_surrogate import Aim, Surrogate, surrogate

DEFAULT_TIME_LIMIT_S = 60.0
DEFAULT_GAP = 0.01
SAMPLES = 10_000
MOST_SOLVES = 8
ENOUGH_SOLVES = 6
"""Solves in all once a plan is accepted: moves that the judge accepts save more than a kappa that is nearer."""

SOLVES_SHARE = 0.9
"""Of the time limit, for solves once a plan is accepted; the rest is for those moves."""

SLIP = 1e-9
SEEN = 1e-3
"""A gap that is smaller by less is told as the same."""

BOUND_SCOPE = "surrogate"
"""A bound holds for the program at the kappa of the answer, not for every plan that the judge would accept."""

JUDGE_SCOPE = "judge"
"""A bound holds for every plan without a split: the judge refused all that cost less."""

JUDGED_SHARE = 0.25
"""Of the time limit, at most, for plans that the judge alone looks for."""

MOST_VERDICTS = 2000
"""Verdicts on all plans of a problem with few placements."""


class SharedInfeasibleError(ValueError):
    """No plan keeps all limits: the surrogate has none even without waiting, or the judge refused every one."""


class SharedUndecidedError(RuntimeError):
    """Time or solves ran out with neither a plan that the judge accepts nor a proof that there is none."""


@dataclass(frozen=True, slots=True)
class Spent:
    """How many solves at fixed kappa, the seconds of the longest, and of everything."""

    solves: int
    longest_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Unsplit:
    """The best plan that was found with each operator on one pool, where one that splits traffic is better."""

    usd_per_hour: float
    gap: float
    bound_scope: str


@dataclass(frozen=True, slots=True)
class SharedSolution:
    """A plan that the judge accepts, and how good it is.

    `objective` (the aim, per hour), `bound` and `gap` = (objective - bound) / objective are of the surrogate at
    `kappas` [agent]. `status` is `optimal` where the gap asked for was proven at those kappas. Where `bound_scope` is
    `judge`, the judge refused every plan without a split that is better; `kappas` are empty where the program found
    none. `unmoved` is the program's plan, where moves made this one of it.
    """

    placement: SharedPlacement
    evaluation: SharedEvaluation
    objective: float
    bound: float
    gap: float
    bound_scope: str
    status: Literal["optimal", "time_limit"]
    kappas: tuple[float, ...]
    spent: Spent
    solver: str
    unsplit: Unsplit | None = None
    unmoved: SharedPlacement | None = None


OnBetter = Callable[[SharedSolution], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to try: seconds in all, the gap to prove, sampled runs of each agent, their seed, threads.

    Once the judge accepts a plan of the program, no solve begins after `enough_s`. Where there are at most `few`
    placements, all plans that cost less are judged; before that at most so many `neighbours` of the program's.
    """

    time_limit_s: float = DEFAULT_TIME_LIMIT_S
    gap: float = DEFAULT_GAP
    samples: int = SAMPLES
    seed: int = 0
    threads: int | None = None
    enough_s: float = math.inf
    few: int = 3000
    neighbours: int = 24


DEFAULT_EFFORT = Effort()
DOLLARS = Aim()


def solve_shared(
    problem: SharedProblem,
    aim: Aim = DOLLARS,
    effort: Effort = DEFAULT_EFFORT,
    on_better: OnBetter | None = None,
    start: Sequence[Placement] | None = None,
) -> SharedSolution:
    """The best plan for the aim that the judge accepts, sampled percentiles included.

    Their upper confidence limits keep the SLAs too (`placement.confidence`), unless no such plan was found beside one
    whose samples just keep them. `start` are placements to begin with; `on_better` is called with each plan that is
    better than those before. Raises `ProblemError`, `SharedInfeasibleError`, `SharedUndecidedError`, and
    `DisagreementError` for a mistake in the program or the score.
    """
    began = time.monotonic()
    known = brackets(len(problem.agents))
    kappas: list[float] | None = [_first_kappa(agent) for agent in problem.agents]
    kept = _Kept(on_better)
    last: _Last = None
    longest_s, solves, status = 0.0, 0, "time_limit"
    while kappas is not None and solves < MOST_SOLVES:
        spent_s = time.monotonic() - began
        left_s = effort.time_limit_s - spent_s
        if (solves and left_s <= 0.0) or (kept.has_bound and _is_enough(solves, spent_s, effort)):
            break
        limits = Limits(max(0.0, left_s) / (2.0 if kept.best is None else 3.0), effort.gap, effort.threads)
        heuristic = None if solves else _Heuristic(problem, kappas, effort, kept, began)
        found = solve_fixed(surrogate(problem, kappas, aim), limits, start, heuristic)
        solves, longest_s, status = solves + 1, max(longest_s, found.seconds), found.status
        if found.placements is None or found.score is None:
            kappas = lowered(known, kappas)
            continue
        start = found.placements
        plan = SharedPlacement(found.placements, found.score.replicas)
        verdict = judge_shared(problem, plan, samples=effort.samples, seed=effort.seed)
        holds, last = surely_hold(problem, verdict), (plan, verdict)
        if verdict.feasible:
            spent = Spent(solves, longest_s, time.monotonic() - began)
            kept.take(solution_of(plan, verdict, found, kappas, spent), sure=all(holds))
        if heuristic is not None and not kept.has_bound:
            kept.bound(found.bound)
        known = learn(known, kappas, holds)
        kappas = following(known, kappas, holds, accepted=kept.best is not None)
    is_refused = _judged(surrogate(problem, _least(problem), aim), effort, kept, last, began)
    best = kept.settled()
    if best is None and is_refused:
        raise SharedInfeasibleError(f"{problem.name}: no plan keeps all limits: the judge refused every one")
    if best is None and kappas is None and last is None and status == "infeasible":
        raise SharedInfeasibleError(f"{problem.name}: no plan keeps all limits, with waiting as at the levels' caps")
    if best is None:
        none = "found no plan in the time, nor a proof that there is none" if last is None else "the judge accepts none"
        raise SharedUndecidedError(f"{problem.name}: {none}, in {solves} solves")
    return replace(best, spent=Spent(solves, longest_s, time.monotonic() - began))


def _is_enough(solves: int, spent_s: float, effort: Effort) -> bool:
    """Whether no more solves begin, given a plan of the program that was accepted."""
    return solves >= ENOUGH_SOLVES or spent_s >= min(effort.enough_s, SOLVES_SHARE * effort.time_limit_s)


@dataclass(slots=True)
class _Kept:
    """The best plan whose limits are sure, and the best of those that the samples just keep."""

    on_better: OnBetter | None
    best: SharedSolution | None = None
    unsure: SharedSolution | None = None

    @property
    def has_bound(self) -> bool:
        """Whether there is a plan that is not only the heuristic's."""
        return self.best is not None and self.best.spent.solves > 0

    def take(self, solution: SharedSolution, *, sure: bool) -> None:
        """Keeps the plan if it is better than those like it."""
        before = self.best if sure else self.unsure
        if before is not None and not _is_better(solution, before):
            return
        if not sure:
            self.unsure = solution
            return
        self.best = solution
        if self.on_better:
            self.on_better(solution)

    def bound(self, bound: float) -> None:
        """What the program proves at the kappas of the heuristic's plan, which had no bound until then."""
        best = self.best
        if best is not None and best.objective > 0.0:
            bound = min(max(best.bound, bound), best.objective)
            self.best = replace(best, bound=bound, gap=(best.objective - bound) / best.objective)

    def settled(self) -> SharedSolution | None:
        """The best plan; one that the samples just keep where there is no other."""
        if self.best is None and self.unsure is not None:
            self.take(self.unsure, sure=True)
        return self.best


def _is_better(one: SharedSolution, other: SharedSolution) -> bool:
    """Whether a plan is better for the aim, or as good and visibly nearer to being proven, or for every plan."""
    slip = SLIP * abs(other.objective)
    as_good = one.objective <= other.objective + slip
    wider = (one.bound_scope, other.bound_scope) == (JUDGE_SCOPE, BOUND_SCOPE)
    return one.objective < other.objective - slip or (as_good and (wider or one.gap < other.gap - SEEN))


@dataclass(slots=True)
class _Heuristic:
    """Judges the heuristic's answer, before the program has a bound: a first plan, of which nothing is proven."""

    problem: SharedProblem
    kappas: Sequence[float]
    effort: Effort
    kept: _Kept
    began: float
    is_judged: bool = False

    def __call__(self, placements: Sequence[Placement], score: SharedScore) -> None:
        if self.is_judged:
            return
        self.is_judged = True
        plan = SharedPlacement(tuple(placements), score.replicas)
        verdict = judge_shared(self.problem, plan, samples=self.effort.samples, seed=self.effort.seed)
        if verdict.feasible and all(surely_hold(self.problem, verdict)):
            seconds = time.monotonic() - self.began
            found = FoundShared("time_limit", tuple(placements), score, 0.0, seconds)
            self.kept.take(solution_of(plan, verdict, found, self.kappas, Spent(0, 0.0, seconds)), sure=True)


_Last = tuple[SharedPlacement, SharedEvaluation] | None
"""The last plan of the program with its verdict."""


def _judged(table: Surrogate, effort: Effort, kept: _Kept, last: _Last, began: float) -> bool:
    """Betters the plan with the judge alone; whether it refused every plan there is."""
    left_s = effort.time_limit_s - (time.monotonic() - began)
    hurry = kept.best is not None and math.isfinite(effort.enough_s)
    if hurry or left_s <= 0.0:
        return False
    end = time.monotonic() + min(left_s, JUDGED_SHARE * effort.time_limit_s)
    start = last if kept.best is None else (kept.best.placement, kept.best.evaluation)
    for found in polish(table, *start, _asked(kept, effort, effort.neighbours, end)) if start else ():
        seconds = time.monotonic() - began
        kept.take(_by_judge(found, seconds) if kept.best is None else _polished(kept.best, found, seconds), sure=True)
    if not enumerable(table, effort.few):
        return False
    return _enumerated(table, _asked(kept, effort, MOST_VERDICTS, end), kept, began)


def _asked(kept: _Kept, effort: Effort, most: int, end: float) -> Asked:
    """Plans that cost less than the best."""
    below = math.inf if kept.best is None else kept.best.objective * (1.0 - SLIP)
    return Asked(below, effort.samples, effort.seed, most, end)


def _enumerated(table: Surrogate, asked: Asked, kept: _Kept, began: float) -> bool:
    """Judges all plans that cost less; whether every plan there is was refused."""
    found, is_sure = cheapest_judged(table, asked), True
    if found.best is None and found.is_proven and kept.best is None:
        found, is_sure = cheapest_judged(table, replace(asked, sure=False)), False
    seconds = time.monotonic() - began
    if found.best is not None:
        worth = found.best.worth
        solution = replace(_by_judge(found.best, seconds), bound=worth, gap=0.0, status="optimal")
        kept.take(replace(solution, bound_scope=JUDGE_SCOPE), sure=is_sure)
    elif found.is_proven and kept.best is not None:
        best = kept.best
        spent = replace(best.spent, seconds=seconds)
        proven = replace(best, bound=best.objective, gap=0.0, bound_scope=JUDGE_SCOPE, status="optimal", spent=spent)
        kept.take(proven, sure=True)
    return found.best is None and found.is_proven and kept.best is None


def _polished(best: SharedSolution, found: Judged, seconds: float) -> SharedSolution:
    """A neighbour of the program's plan; the program's bound stays one of its plans at its kappas."""
    bound = min(best.bound, found.worth)
    return replace(
        best,
        placement=found.plan,
        evaluation=found.evaluation,
        objective=found.worth,
        unmoved=best.unmoved or best.placement,
        bound=bound,
        gap=(found.worth - bound) / found.worth if found.worth else 0.0,
        spent=replace(best.spent, seconds=seconds),
    )


def _least(problem: SharedProblem) -> list[float]:
    return [LEAST_KAPPA] * len(problem.agents)


def _by_judge(found: Judged, seconds: float) -> SharedSolution:
    """A plan that no program found, and of which nothing is proven."""
    return SharedSolution(
        placement=found.plan,
        evaluation=found.evaluation,
        objective=found.worth,
        bound=0.0,
        gap=1.0,
        bound_scope=BOUND_SCOPE,
        status="time_limit",
        kappas=(),
        spent=Spent(0, 0.0, seconds),
        solver=solver_name(),
    )


def _first_kappa(agent: AgentLoad) -> float:
    return LEAST_KAPPA if agent.problem.sla is None and agent.first_output is None else FIRST_KAPPA


def solution_of(
    plan: SharedPlacement, verdict: SharedEvaluation, found: FoundShared, kappas: Sequence[float], spent: Spent
) -> SharedSolution:
    """What is told of a plan that the judge accepts, from the solve that found it at `kappas` [agent]."""
    return SharedSolution(
        placement=plan,
        evaluation=verdict,
        objective=found.score.objective if found.score else math.inf,
        bound=found.bound,
        gap=found.gap,
        bound_scope=BOUND_SCOPE,
        status="time_limit" if found.status == "time_limit" else "optimal",
        kappas=tuple(kappas),
        spent=spent,
        solver=solver_name(),
    )


def solver_name() -> str:
    """The solver and its version, as plans state it."""
    return f"HiGHS {highspy.HIGHS_VERSION_MAJOR}.{highspy.HIGHS_VERSION_MINOR}.{highspy.HIGHS_VERSION_PATCH}"
