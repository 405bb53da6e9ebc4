"""Where a plan with routes ran, in the terms of the problem after an event: what is left of it, and what it concerns.

An operator with a route ran at several levels. Each is looked at in turn as if it were the only one; what concerns one
of them concerns the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from placement.problem import Placement
from placement.replan_change import Change
from placement.shared_change import Place, changes, concerned, label
from placement.shared_problem import SharedPlacement, SharedProblem

Levels = Mapping[str, float]
"""The share of runs by the label of a level; empty where an operator did not run."""


@dataclass(frozen=True, slots=True)
class Ran:
    """`changes` [agent] are of the options with the largest shares; `concerned` of all of them.

    `left` is the running plan after the event, without the options and levels that are gone: then it is not `is_whole`.
    `levels` is where each operator ran.
    """

    changes: tuple[Change, ...]
    concerned: frozenset[Place]
    left: SharedPlacement
    is_whole: bool
    levels: Mapping[Place, Levels]

    @property
    def stay(self) -> SharedPlacement | None:
        """The running plan after the event; None where some of it is gone."""
        return self.left if self.is_whole else None


def ran(before: SharedProblem, running: SharedPlacement, after: SharedProblem) -> Ran:
    """Compares the problems. Raises `ProblemError` where they are of different agents."""
    found = tuple(changes(before, running, after))
    places: set[Place] = set(concerned(before, running, after, found))
    kept: dict[Place, dict[int | None, float]] = {place: {} for place in running.routes}
    for rank in range(max((len(shares) for shares in running.routes.values()), default=0)):
        one = _with_rank(before, running, rank)
        each = changes(before, one, after)
        places |= concerned(before, one, after, each)
        for (agent, operator), shares in running.routes.items():
            if rank < len(shares):
                option = one.agents[agent].option[operator]
                assert option is not None, "an operator with a route runs"
                kept[agent, operator][each[agent].kept[operator]] = shares[option]
    levels = {
        (agent, operator): levels_of(before, running, (agent, operator))
        for agent, placement in enumerate(running.agents)
        for operator in range(len(placement.option))
    }
    return Ran(found, frozenset(places), *_left((before, running), after, found, kept), levels)


def levels_of(problem: SharedProblem, plan: SharedPlacement, place: Place) -> dict[str, float]:
    """The share of runs of an operator by the label of the level."""
    agent, operator = place
    option = plan.agents[agent].option[operator]
    if option is None:
        return {}
    options = problem.agents[agent].problem.operators[operator].options
    found: dict[str, float] = {}
    for one, share in plan.routes.get(place, {option: 1.0}).items():
        name = label(problem.levels[options[one].pool])
        found[name] = found.get(name, 0.0) + share
    return found


def _with_rank(problem: SharedProblem, plan: SharedPlacement, rank: int) -> SharedPlacement:
    """The plan with every operator that has a route at the `rank`-th of its levels alone, or the last."""
    agents: list[Placement] = []
    for agent, placement in enumerate(plan.agents):
        option = list(placement.option)
        for (whose, operator), shares in plan.routes.items():
            if whose == agent:
                rows = problem.agents[agent].problem.operators[operator].options
                ordered = sorted(shares, key=lambda one: (rows[one].pool, one))
                option[operator] = ordered[min(rank, len(ordered) - 1)]
        agents.append(replace(placement, option=tuple(option)))
    return SharedPlacement(tuple(agents), plan.replicas)


def _left(
    before: tuple[SharedProblem, SharedPlacement],
    after: SharedProblem,
    found: tuple[Change, ...],
    kept: Mapping[Place, Mapping[int | None, float]],
) -> tuple[SharedPlacement, bool]:
    """What is left of the plan, routes of which nothing is gone among it, and whether that is all of it."""
    problem, plan = before
    counts = {label(level): count for level, count in zip(problem.levels, plan.replicas, strict=True)}
    names = [label(level) for level in after.levels]
    pairs = [pair for each in found for pair in zip(each.kept, each.running.option, strict=True)]
    is_gone = any(count and name not in names for name, count in counts.items())
    is_gone = is_gone or any(one is None and option is not None for one, option in pairs)
    routes: dict[Place, dict[int, float]] = {}
    for place, shares in kept.items():
        there = {one: share for one, share in shares.items() if one is not None}
        if len(there) == len(plan.routes[place]):
            routes[place] = there
    agents = tuple(Placement(each.kept, each.running.alternative) for each in found)
    left = SharedPlacement(agents, tuple(counts.get(name, 0) for name in names), routes)
    return left, not is_gone and len(routes) == len(plan.routes)
