"""The smallest single changes after which a shared problem has a plan, each shown to have one.

A change is searched with any plan that the judge accepts. Then the cheapest plan under it is looked for as for any
problem; where that search finds none, the change is made a little larger, and where time ends, the first plan counts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ir.duration import parse_duration_s
from placement.infeasible import rounded_up
from placement.shared_conflict import SharedConflict, Table, without
from placement.shared_evaluate import judge_shared
from placement.shared_feasible import Feasibility, feasibility
from placement.shared_objectives import CARBON, COST, ENERGY
from placement.shared_problem import SharedProblem
from placement.shared_solve import SAMPLES, Effort, SharedInfeasibleError, SharedUndecidedError, solve_shared
from placement.shared_surrogate import Aim
from placement.shared_terms import BUDGETS, Kind, Term, loosened, rates_of

NEAR = 0.01
"""A time is the smallest to within this share."""

GAP = 0.05
"""Close enough for what a change costs; the gap is shown."""

SEARCH = 0.6
"""The share of a limit's time for its smallest change; the rest is for the cheapest plan under it."""

HALVINGS = 7
LEAST_RATE = 0.1
"""The share of its runs that an agent keeps at least: with fewer it is as good as gone."""

SLACKS = (0.0, 0.01, 0.03, 0.1, 0.25)
"""By how much a change grows until the search for the best plan finds one too."""

_AIMS: dict[Kind, Aim] = {"usd_per_hour": COST, "watts": ENERGY, "gco2e_per_hour": CARBON}


@dataclass(frozen=True, slots=True)
class SharedFix:
    """One change after which there is a plan: `term` at `after` instead, and the dollars an hour of the plan then.

    `gap` None: the plan only shows that there is one, and time was too short to look for a cheaper one.
    """

    term: Term
    after: float
    usd_per_hour: float
    gap: float | None

    @property
    def text(self) -> str:
        """The change in words."""
        return self.term.change(self.after)


@dataclass(frozen=True, slots=True)
class SharedFixes:
    """The changes, cheapest plan first; `open` are limits of which time was too short to say whether they help."""

    found: tuple[SharedFix, ...]
    open: tuple[Term, ...]


Verify = Callable[[Term, float, float], tuple[float, float] | None]
"""Dollars an hour and gap of the plan under a term's new value, with so many seconds to find it; None: none found."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A value of a limit, and the dollars an hour of a plan that the judge accepts with it."""

    value: float
    usd_per_hour: float


def single_fixes(table: Table, standing: SharedConflict, end: float, verify: Verify | None = None) -> SharedFixes:
    """Every limit of the conflict by itself, and where devices or a budget are among them, each agent's rate.

    Only these can help alone: without loosening one of them the whole conflict stays.
    """
    verify = verify or verified(table)
    terms = list(standing.limits)
    if any(term.kind in ("devices", *BUDGETS) for term in terms):
        terms += rates_of(table(frozenset()))
    found: list[SharedFix] = []
    left_open: list[Term] = []
    for position, term in enumerate(terms):
        now = time.monotonic()
        share_s = max(0.0, end - now) / (len(terms) - position)
        try:
            shown = _smallest(table, term, now + SEARCH * share_s)
        except SharedUndecidedError:
            left_open.append(term)
            continue
        if shown is not None:
            found.append(_planned(term, shown, verify, now + share_s))
    return SharedFixes(tuple(sorted(found, key=lambda fix: fix.usd_per_hour)), tuple(left_open))


def verified(table: Table) -> Verify:
    """Verifies on the table itself."""

    def verify(term: Term, value: float, time_s: float) -> tuple[float, float] | None:
        problem = loosened(table(frozenset((term,))), term, value)
        try:
            solution = solve_shared(problem, effort=Effort(time_limit_s=time_s, gap=GAP))
        except (SharedInfeasibleError, SharedUndecidedError):
            return None
        return solution.evaluation.usd_per_hour, solution.gap

    return verify


def _planned(term: Term, shown: _Shown, verify: Verify, end: float) -> SharedFix:
    """The change, or one a little larger, with its plan; the plan that was shown where time ends or none is found."""
    values = list(_larger(term, shown.value))
    for after in values:
        left_s = end - time.monotonic()
        plan = verify(term, after, left_s) if left_s > 0.0 else None
        if plan is not None:
            return SharedFix(term, after, *plan)
    return SharedFix(term, values[0], shown.usd_per_hour, None)


def _larger(term: Term, value: float) -> Iterator[float]:
    """The value as it is printed, then larger changes."""
    match term.kind:
        case "rule":
            yield 0.0
        case "devices":
            yield from (value, value + 1, value + 2)
        case "rate":
            yield from (_digits(value * (1.0 - slack), 3, math.floor) for slack in SLACKS)
        case "sla" | "first_output":
            yield from (parse_duration_s(rounded_up(value * (1.0 + slack)).replace(" ", "")) for slack in SLACKS)
        case _:
            yield from (_digits(value * (1.0 + slack), 4, math.ceil) for slack in SLACKS)


def _digits(value: float, digits: int, rounded: Callable[[float], int]) -> float:
    """The value rounded to so many significant digits; what is off by no more than rounding errors stays."""
    if value <= 0.0:
        return value
    step = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    near = round(value / step)
    whole = near if math.isclose(near * step, value, rel_tol=1e-12) else rounded(value / step)
    return float(f"{whole * step:.{digits}g}")


def _smallest(table: Table, term: Term, end: float) -> _Shown | None:
    """The smallest change that has some plan; None where even leaving the limit out has none."""
    base, problem = table(frozenset((term,))), without(table, [term])
    if term.kind == "rate":
        return _most_rate(problem, term, end)
    if term.kind in BUDGETS:
        return _least_budget(problem, term, end)
    loose = feasibility(problem, end)
    if loose.plan is None or loose.verdict is None:
        return None
    if term.kind == "rule":
        return _Shown(0.0, loose.verdict.usd_per_hour)
    shown = _shown(base, term, loose)
    return _fewest(base, term, shown, end) if term.kind == "devices" else _shortest(base, term, shown, end)


def _shown(problem: SharedProblem, term: Term, found: Feasibility) -> _Shown:
    """What a plan takes of a limit of the problem, whose statistic the judge must know."""
    assert found.plan is not None, "only plans are asked"
    verdict = judge_shared(problem, found.plan, samples=SAMPLES)
    if term.kind == "devices":
        return _Shown(float(verdict.devices_used[term.what]), verdict.usd_per_hour)
    agent = next(each for each in verdict.agents if each.name == term.what)
    taken = agent.latency_s if term.kind == "sla" else agent.first_output_s
    return _Shown(term.before if taken is None else taken, verdict.usd_per_hour)


def _shortest(problem: SharedProblem, term: Term, shown: _Shown, end: float) -> _Shown:
    low = term.before
    for _ in range(HALVINGS):
        if shown.value <= low * (1.0 + NEAR):
            break
        middle = math.sqrt(low * shown.value)
        tried = loosened(problem, term, middle)
        found = _try(tried, end)
        if found is None:
            low = middle
        else:
            shown = _shown(tried, term, found)
    return shown


def _fewest(problem: SharedProblem, term: Term, shown: _Shown, end: float) -> _Shown:
    low, step = term.before, 1.0
    while shown.value - low > 1.0:
        middle = min(low + step, float((low + shown.value) // 2))
        tried = loosened(problem, term, middle)
        found = _try(tried, end)
        if found is None:
            low, step = middle, 2.0 * step
        else:
            shown = _shown(tried, term, found)
    return shown


def _most_rate(problem: SharedProblem, term: Term, end: float) -> _Shown | None:
    low, high = LEAST_RATE, 1.0
    found = feasibility(loosened(problem, term, low * term.before), end)
    if found.verdict is None:
        return None
    usd = found.verdict.usd_per_hour
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        found = _try(loosened(problem, term, middle * term.before), end)
        if found is None or found.verdict is None:
            high = middle
        else:
            low, usd = middle, found.verdict.usd_per_hour
    return _Shown(low * term.before, usd)


def _least_budget(problem: SharedProblem, term: Term, end: float) -> _Shown | None:
    """What the plan that takes least of it takes."""
    left = Effort(time_limit_s=max(0.0, end - time.monotonic()), gap=GAP)
    try:
        found = solve_shared(problem, _AIMS[term.kind], left).evaluation
    except SharedInfeasibleError:
        return None
    taken: float = getattr(found, term.kind)
    return _Shown(taken, found.usd_per_hour)


def _try(problem: SharedProblem, end: float) -> Feasibility | None:
    """A plan, the best where not just any will do; None where none was found: the change then stays as large as it is.

    So it does where time was too short.
    """
    try:
        found = feasibility(problem, end)
        if found.plan is not None or found.is_proven:
            return found if found.plan is not None else None
        left = Effort(time_limit_s=max(0.0, end - time.monotonic()), gap=GAP)
        best = solve_shared(problem, effort=left)
    except (SharedInfeasibleError, SharedUndecidedError):
        return None
    return Feasibility(best.placement, best.evaluation, is_proven=True)
