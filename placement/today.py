"""Where operators run today, as rules of a file; and the placement of a metered problem that agrees with them.

What the rules leave open is decided in today's favour: the cheapest placement that agrees and keeps the limits, or else
the one that misses the SLA least. So a comparison never wins by a bad guess at what was not written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from placement.evaluate import Evaluation, evaluate
from placement.infeasible import InfeasibleError
from placement.problem import Operator, Option, Placement, Pool, Problem
from placement.restrict import Keeps, enough, restrict, with_counts
from placement.solve import solve

_HARD = 100.0
"""A miss of the whole SLA costs so many times the plan: far more than any choice of places could save."""

_SHOWN = 12


class TodayError(ValueError):
    """A rule of a file of today's placement that names nothing, or places that cannot be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Operators that match `pattern` (an id, a function for all of its steps, or either with `*`) are at `place`.

    `place` is a device class, or the beginning of a pool's id up to a `/`, or either with `*`. `replicas` of each pool
    that they use; None: as many as the load needs. `where` is the rule's line.
    """

    pattern: str
    place: str
    replicas: int | None
    where: str

    def names(self, operator: str) -> bool:
        """Whether the rule speaks of an operator."""
        return fnmatchcase(operator, self.pattern) or fnmatchcase(operator, f"{self.pattern}.*")

    def allows(self, pool: Pool) -> bool:
        """Whether the pool is at the rule's place."""
        return fnmatchcase(pool.id, self.place) or fnmatchcase(pool.id, f"{self.place}/*") or pool.device == self.place


@dataclass(frozen=True, slots=True)
class Today:
    """A file's rules, first match first: those of an agent come before `common` ones."""

    name: str
    common: tuple[Rule, ...]
    agents: Mapping[str, tuple[Rule, ...]]

    def of(self, agent: str) -> tuple[Rule, ...]:
        """The rules that count for an agent, in order."""
        return (*self.agents.get(agent, ()), *self.common)


@dataclass(frozen=True, slots=True)
class Agreed:
    """Today's placement and the judge's verdict on it; `unsaid` are the operators that run and no rule names."""

    placement: Placement
    evaluation: Evaluation
    unsaid: tuple[str, ...]


def today_of(problem: Problem, today: Today, names: Sequence[str], time_s: float) -> Agreed:
    """Today's placement of one agent; `names` [operator] are the ids that rules speak of.

    Raises `TodayError` for rules that fit nothing, and `UndecidedError` where time was too short.
    """
    rules = rules_of(problem, today, names)
    reduced = restrict(problem, keeps_of(problem, rules))
    placement = reduced.restore(_solved(reduced.problem, problem, time_s))
    rows = zip(names, rules, placement.option, strict=True)
    unsaid = dict.fromkeys(name for name, rule, option in rows if rule is None and option is not None)
    return Agreed(placement, evaluate(problem, placement), tuple(unsaid))


def _solved(narrowed: Problem, problem: Problem, time_s: float) -> Placement:
    """The cheapest placement that keeps the limits, or else the one that misses the SLA least, on any count."""
    try:
        return solve(narrowed, time_limit_s=time_s).placement
    except InfeasibleError as error:
        if error.report.kind not in ("sla", "capacity"):
            raise TodayError(f"the rules leave no placement: {error}; change the rules of what it names") from error
    roomy = with_counts(narrowed, {row.device: enough(problem, row.device) for row in problem.capacities})
    free = solve(replace(roomy, sla=None, penalty_usd_per_s=None), time_limit_s=time_s)
    if problem.sla is None:
        return free.placement
    usd_per_s = _HARD * (free.evaluation.cost_usd or 1.0) / problem.sla.limit_s
    return solve(replace(roomy, penalty_usd_per_s=usd_per_s), time_limit_s=time_s).placement


def rules_of(problem: Problem, today: Today, names: Sequence[str]) -> list[Rule | None]:
    """[operator] the first rule that places it; None where none does.

    A rule places those of its operators that can be at its place in any alternative: one for a function and an
    accelerator leaves out the steps that only cores run. Raises `TodayError` for a rule that places nothing.
    """
    rules = today.of(problem.name)
    can: dict[Rule, set[str]] = {}
    for rule in rules:
        members = [(name, row) for name, row in zip(names, problem.operators, strict=True) if rule.names(name)]
        if not members and rule not in today.common:
            known = ", ".join(dict.fromkeys(names))
            raise TodayError(f"{rule.where}: {problem.name} has no operator {rule.pattern!r}; use one of {known}")
        places = {name for name, each in members for row in each.options if rule.allows(problem.pools[row.pool])}
        if members and not places:
            raise TodayError(f"{rule.where}: {_nowhere(problem, rule, [each for _, each in members])}")
        can[rule] = places
    return [next((rule for rule in rules if name in can[rule]), None) for name in names]


def keeps_of(problem: Problem, rules: Sequence[Rule | None]) -> Keeps:
    """Whether an operator's option is where its rule says."""

    def keeps(operator: int, option: Option) -> bool:
        rule = rules[operator]
        return rule is None or rule.allows(problem.pools[option.pool])

    return keeps


def _nowhere(problem: Problem, rule: Rule, members: Sequence[Operator]) -> str:
    """What the rule asks, why that is impossible where somebody said so, and what there is."""
    offered = dict.fromkeys(problem.pools[row.pool].device for each in members for row in each.options)
    reasons = dict.fromkeys(why for each in members for why in each.rejected if why.startswith(rule.place))
    because = f" ({'; '.join(list(reasons)[:2])})" if reasons else ""
    return f"{rule.pattern!r} of {problem.name} cannot run on {rule.place!r}{because}; use {_few(offered)}"


def _few(names: Mapping[str, object]) -> str:
    shown = list(names)[:_SHOWN]
    return ", ".join(shown) + (" ..." if len(names) > _SHOWN else "")


def unused(today: Today, names: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What is wrong with rules as a whole: agents that are none, common rules that name nothing. `names` by agent."""
    for agent in today.agents:
        if agent not in names:
            yield f"there is no agent {agent!r}; use one of {', '.join(names)}"
    everything = dict.fromkeys(name for each in names.values() for name in each)
    for rule in today.common:
        if not any(rule.names(name) for name in everything):
            yield f"{rule.where}: there is no operator {rule.pattern!r}; use one of {', '.join(everything)}"
