"""Which limits of a shared problem cannot hold together: a set of which none can be spared, by a deletion filter.

A limit is left out, and where there is still no plan it was not needed. Most such probes end with the surrogate, which
is quick; where it has a plan, the judge decides whether one is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from placement.shared_feasible import feasibility
from placement.shared_problem import SharedProblem
from placement.shared_solve import SharedUndecidedError
from placement.shared_terms import BUDGETS, Term, loosened

Table = Callable[[frozenset[Term]], SharedProblem]
"""The problem as it is made without these limits: without the rules, with pools that more devices allow."""

_ORDER = (("devices",), ("rule",), BUDGETS, ("first_output",), ("sla",))
"""Whole kinds are left out first, in this order, so that what is left speaks of what people ask for."""


@dataclass(frozen=True, slots=True)
class SharedConflict:
    """Limits that cannot hold together; none where no limit stands in the way or none was found.

    `is_irreducible` is False where time ended the search for fewer. `is_proven` is False where the surrogate had plans
    that the judge refused, so that the set is irreducible for the search and not proven.
    """

    limits: tuple[Term, ...]
    is_irreducible: bool
    is_proven: bool


@dataclass(slots=True)
class _Filter:
    table: Table
    terms: Sequence[Term]
    end: float
    is_proven: bool = True

    def holds(self, kept: Iterable[Term]) -> bool:
        """Whether a plan keeps these limits. Raises `SharedUndecidedError`."""
        found = feasibility(without(self.table, set(self.terms) - set(kept)), self.end)
        self.is_proven &= found.is_proven
        return found.plan is not None


def without(table: Table, dropped: Iterable[Term]) -> SharedProblem:
    """The problem without some limits."""
    leaving = frozenset(dropped)
    problem = table(leaving)
    for term in leaving:
        problem = loosened(problem, term, None)
    return problem


def conflict(table: Table, terms: Sequence[Term], end: float) -> SharedConflict:
    """An irreducible set among the terms of a problem without a plan, found by the monotonic time `end`."""
    probe = _Filter(table, terms, end)
    kept = list(terms)
    try:
        if not probe.holds([]):
            return SharedConflict((), is_irreducible=True, is_proven=probe.is_proven)
        for kinds in _ORDER:
            group = [term for term in kept if term.kind in kinds]
            rest = [term for term in kept if term.kind not in kinds]
            if not group:
                continue
            if not probe.holds(rest):
                kept = rest
            elif len(group) > 1:
                for term in group:
                    fewer = [each for each in kept if each != term]
                    if not probe.holds(fewer):
                        kept = fewer
        if len(kept) == len(terms) and probe.holds(kept):
            kept = []
    except SharedUndecidedError:
        return SharedConflict(tuple(kept), is_irreducible=False, is_proven=probe.is_proven)
    return SharedConflict(tuple(kept), is_irreducible=True, is_proven=probe.is_proven)
