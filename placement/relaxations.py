"""Why limits cannot hold together, and every single change that would help: a longer SLA, or more devices of one class.

The conflict is irreducible: leaving any one of its limits out lets the rest be kept. Limits are left out one after
another and the integer program is solved again each time, so it speaks of placements and not of their relaxation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ir.duration import format_duration
from ir.sla import Sla
from placement.evaluate import exceeds, judge
from placement.highs import Limits
from placement.infeasible import InfeasibleError, UndecidedError, rounded_up
from placement.milp_columns import Form, seconds_unit
from placement.optimise import optimise
from placement.prepared import prepare
from placement.problem import Problem
from placement.restrict import enough, with_counts
from placement.solve import solve

TIME_S = 5.0
"""Seconds for a conflict, and for all fixes."""

SLA = "sla"
"""The name of the SLA among limits; the others are named after their device classes."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One change after which every limit can be kept: `what` is the SLA's statistic, or a device class.

    `before` and `after` are seconds or devices; `cost_usd` is of a run of the cheapest plan then, None where time
    ended its search.
    """

    kind: Literal["sla", "devices"]
    what: str
    before: float
    after: float
    cost_usd: float | None

    @property
    def text(self) -> str:
        """The change in words, never less than it must be."""
        if self.kind == "sla":
            return f"SLA {self.what} {format_duration(self.before)} -> {rounded_up(self.after)}"
        return f"+{self.after - self.before:.0f} {self.what}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Limits that cannot hold together, in words; `is_irreducible` is False where time ended the search for fewer."""

    limits: tuple[str, ...]
    is_irreducible: bool


def conflict(problem: Problem, time_s: float = TIME_S) -> Conflict:
    """An irreducible conflict of a problem that its SLA or capacities make infeasible; no limits where others do."""
    end = time.monotonic() + time_s
    kept = _limits(problem)
    try:
        if _holds(problem, (), end):
            for limit in tuple(kept):
                fewer = [each for each in kept if each != limit]
                if not _holds(problem, fewer, end):
                    kept = fewer
        else:
            kept = []
    except UndecidedError:
        return Conflict(_words(problem, kept), is_irreducible=False)
    return Conflict(_words(problem, kept), is_irreducible=True)


def single_fixes(problem: Problem, time_s: float = TIME_S) -> tuple[Fix, ...]:
    """Every single change that helps, cheapest run first: the SLA alone, or more devices of one class alone.

    The options of the problem may need more devices than `capacities` has; only pools that fit are used.
    """
    end = time.monotonic() + time_s
    found: list[Fix] = []
    try:
        if problem.sla is not None and (best_s := _fastest_s(problem, end)) is not None:
            longer = replace(problem, sla=Sla(problem.sla.stat, best_s * (1.0 + 1e-9)))
            usd = _cost_usd(longer, end)
            found.append(Fix("sla", problem.sla.stat, problem.sla.limit_s, best_s, usd))
        for row in problem.capacities:
            count = _fewest(problem, row.device, row.count, end)
            if count is not None:
                more = with_counts(problem, {row.device: count})
                found.append(Fix("devices", row.device, row.count, count, _cost_usd(more, end)))
    except UndecidedError:
        pass  # those found so far help
    return tuple(sorted(found, key=lambda fix: (fix.cost_usd is None, fix.cost_usd or 0.0)))


def _limits(problem: Problem) -> list[str]:
    tight = [row.device for row in problem.capacities if enough(problem, row.device) > row.count]
    return [*([SLA] if problem.sla else []), *tight]


def _words(problem: Problem, limits: Sequence[str]) -> tuple[str, ...]:
    counts = {row.device: row.count for row in problem.capacities}
    sla = f"SLA {problem.sla.stat} {format_duration(problem.sla.limit_s)}" if problem.sla else ""
    return tuple(sla if each == SLA else f"{counts[each]} {each}" for each in limits)


def _holds(problem: Problem, limits: Sequence[str], end: float) -> bool:
    """Whether these limits can be kept together, without the others. Raises `UndecidedError`."""
    free = {row.device: enough(problem, row.device) for row in problem.capacities if row.device not in limits}
    best_s = _fastest_s(with_counts(problem, _no_fewer(problem, free)), end)
    if best_s is None:
        return False
    return SLA not in limits or problem.sla is None or not exceeds(best_s, problem.sla.limit_s)


def _no_fewer(problem: Problem, counts: Mapping[str, int]) -> dict[str, int]:
    return {row.device: max(row.count, counts.get(row.device, 0)) for row in problem.capacities}


def _fewest(problem: Problem, device: str, count: int, end: float) -> int | None:
    """The fewest devices of a class with which all limits can be kept; None where no number helps. Bisection."""
    low, high = count, enough(problem, device)
    limits = _limits(problem)
    if high <= low or not _holds(with_counts(problem, {device: high}), limits, end):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if _holds(with_counts(problem, {device: middle}), limits, end):
            high = middle
        else:
            low = middle
    return high


def _fastest_s(problem: Problem, end: float) -> float | None:
    """The best achievable latency without the SLA; None where the other limits cannot be kept."""
    prepared = prepare(problem)
    form = Form("latency", keep_sla=False, seconds=seconds_unit(prepared))
    found = optimise(prepared, form, Limits(max(0.0, end - time.monotonic())))
    if found.status == "infeasible":
        return None
    if found.placement is None or found.status == "time_limit":
        raise UndecidedError(f"{problem.name}: the time limit ended the search for what stands in the way")
    return judge(prepared, found.placement).latency_s


def _cost_usd(problem: Problem, end: float) -> float | None:
    try:
        return solve(problem, time_limit_s=max(0.0, end - time.monotonic())).evaluation.cost_usd
    except (InfeasibleError, UndecidedError):
        return None
