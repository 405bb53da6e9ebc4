"""From a running plan that splits traffic and a changed problem to a new plan that moves as little as it must.

Operators that the event does not concern keep their routes to the last share. For the others there are two ways: parts
of their traffic go elsewhere as in `shared_routes`, or the program places them whole, beside the routes that stay.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from placement.carried_routes import carried
from placement.ran import Levels, Ran, levels_of, ran
from placement.replan import NOTHING, MovePrice
from placement.replan_shared import DEFAULT_EFFORT, SharedReplan, replan_shared, search, weights
from placement.shared_change import Place, label, steps_between
from placement.shared_evaluate import SharedEvaluation, judge_prepared
from placement.shared_flows import Flows, cheaper, flows_of
from placement.shared_prepared import PreparedShared, prepare_shared
from placement.shared_problem import SharedPlacement, SharedProblem
from placement.shared_routes import LOAD_SCOPE, is_fair, load_bound, solve_routed
from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError
from placement.shared_surrogate import Aim, Surrogate, surrogate

MOST_JUDGED = 24
"""Plans that are sampled in one search."""

MOST_ADDED = 12
"""Replicas that are added one after another where a limit on time is missed."""

_LEAST_GAIN = 1e-6
_ROUND = 1e-9
_TIMES = ("sla", "first_output", "ttft", "token_time")


def replan_routed(
    before: SharedProblem,
    running: SharedPlacement,
    after: SharedProblem,
    price: MovePrice = NOTHING,
    effort: Effort = DEFAULT_EFFORT,
) -> SharedReplan:
    """As `replan_shared`, for plans that may split an operator's traffic over levels (`routes`).

    A plan without routes gets one where no other is left. An operator has moved where any part of its traffic goes
    elsewhere. The gap is to `load_bound`, which is loose.
    Raises `ProblemError` for problems of different agents, `SharedInfeasibleError` and `SharedUndecidedError` where no
    plan is left or none was found.
    """
    began = time.monotonic()
    if not running.routes:
        try:
            return replan_shared(before, running, after, price, effort)
        except (SharedInfeasibleError, SharedUndecidedError):
            effort = replace(effort, time_limit_s=effort.time_limit_s + began - time.monotonic())
    found = ran(before, running, after)
    table = surrogate(after, [0.0] * len(after.agents), Aim())
    judge = _Judge(prepare_shared(after), effort, began + effort.time_limit_s)
    kept = judge(found.stay) if found.stay is not None else None
    moves = dict.fromkeys(found.levels, price.usd_per_run)
    task = _Task(table, found, judge, moves, found.concerned)
    best = task.best(kept)
    if best is None:
        everyone = replace(
            task, usd=weights(after, found.changes, found.concerned, price), may_move=frozenset(found.levels)
        )
        best = everyone.best(None) or _anew(everyone, effort)
    moved = task.moved(best.plan)
    judged = _Judge(prepare_shared(before), effort, math.inf)(running)
    total = best.verdict.objective_usd_per_hour + price.usd_per_run * len(moved)
    return SharedReplan(
        placement=best.plan,
        before=judged,
        after=best.verdict,
        kept=kept,
        moved=moved,
        forced=tuple(one for one in moved if one not in found.concerned),
        change_usd=price.usd * len(moved),
        gap=max(0.0, total - load_bound(table)) / total if total else 0.0,
        steps=steps_between((before, running), (after, best.plan), tuple(_traffic(after, best.plan, moved))),
        seconds=time.monotonic() - began,
        bound_scope=LOAD_SCOPE,
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """The sampled judge of one problem, until a time."""

    prepared: PreparedShared
    effort: Effort
    end: float

    def __call__(self, plan: SharedPlacement) -> SharedEvaluation:
        return judge_prepared(self.prepared, plan, samples=self.effort.samples, seed=self.effort.seed)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A plan that the judge accepts; `total` has the price of its moves in it."""

    plan: SharedPlacement
    verdict: SharedEvaluation
    total: float


@dataclass(frozen=True, slots=True)
class _Task:
    """What ran, what may move, and the dollars an hour of each move."""

    table: Surrogate
    found: Ran
    judge: _Judge
    usd: Mapping[Place, float]
    may_move: frozenset[Place]

    def moved(self, plan: SharedPlacement) -> tuple[Place, ...]:
        """Operators of which some traffic goes where it did not go before."""
        problem = self.table.problem
        rows = ((place, was, levels_of(problem, plan, place)) for place, was in self.found.levels.items())
        return tuple(place for place, was, now in rows if now and not _alike(was, now))

    def best(self, kept: SharedEvaluation | None) -> _Choice | None:
        """The cheapest plan found, moves included; None where the judge accepts none."""
        choices = list(self._choices())
        if self.found.stay is not None and kept is not None and kept.feasible:
            choices.append(_Choice(self.found.stay, kept, kept.objective_usd_per_hour))
        return min(choices, key=lambda choice: choice.total, default=None)

    def _choices(self) -> Iterator[_Choice]:
        for plan in (self.found.stay, self._placed()):
            flows = None if plan is None else flows_of(self.table, plan)
            if plan is not None and flows is None:
                verdict = self.accepted(plan)
                yield from () if verdict is None else (verdict,)
            if flows is not None:
                units = enumerate(flows.units.units)
                stays = frozenset(
                    index
                    for index, unit in units
                    if not any((unit.agent, one) in self.may_move for one in unit.members)
                )
                choice = self._improved(replace(flows, stays=stays))
                yield from () if choice is None else (choice,)

    def _placed(self) -> SharedPlacement | None:
        """The program's plan, in which operators that may move are whole and the others have their routes."""
        left = self.found.left
        split = [place for place, levels in self.found.levels.items() if len(levels) > 1]
        staying = [place for place in split if place in left.routes and place not in self.may_move]
        rest, beside = carried(self.table.problem, left, staying)
        changes = list(self.found.changes)
        for agent, operator in set(split) - set(staying):
            kept = list(changes[agent].kept)
            kept[operator] = None
            changes[agent] = replace(changes[agent], kept=tuple(kept))
        left_s = max(0.0, self.judge.end - time.monotonic())
        may_move = None if len(self.may_move) == len(self.found.levels) else self.may_move
        try:
            answer = search(
                rest, changes, (may_move, self.usd), replace(self.judge.effort, time_limit_s=left_s), beside
            )
        except SharedInfeasibleError:
            return None
        if answer is None:
            return None
        return replace(answer.placement, routes={place: left.routes[place] for place in staying})

    def _improved(self, flows: Flows) -> _Choice | None:
        """Replicas as the load needs, traffic off classes that are short, then moves that make it cheaper."""
        start = flows.with_fewest()
        while start.over():
            tried = cheaper(start)
            if not tried:
                return None
            start = tried[0]
        settled = self._settled(start)
        if settled is None:
            return None
        flows, best = settled
        judged, improved = 0, True
        while improved:
            improved = False
            for moved in cheaper(flows):
                if judged >= MOST_JUDGED or time.monotonic() > self.judge.end:
                    return best
                judged += 1
                choice = self.accepted(moved.placement())
                if choice is not None and choice.total < best.total * (1.0 - _LEAST_GAIN):
                    flows, best, improved = moved, choice, True
                    break
        return best

    def _settled(self, flows: Flows) -> tuple[Flows, _Choice] | None:
        """With replicas added where calls wait longest, until limits on time hold; None where that does not help."""
        for _ in range(MOST_ADDED):
            plan = flows.placement()
            verdict = self.judge(plan)
            choice = self._choice(plan, verdict)
            if choice is not None:
                return flows, choice
            if any(limit.kind not in _TIMES for limit in verdict.violations) or time.monotonic() > self.judge.end:
                return None
            more = [_with_one_more(flows, at) for at, count in enumerate(flows.replicas) if count]
            waits = [each.waiting_s for each, count in zip(verdict.levels, flows.replicas, strict=True) if count]
            fitting = [(wait, at) for at, (wait, one) in enumerate(zip(waits, more, strict=True)) if not one.over()]
            if not fitting:
                return None
            flows = more[max(fitting)[1]]
        return None

    def accepted(self, plan: SharedPlacement) -> _Choice | None:
        """The plan as a choice, where the judge accepts it."""
        return self._choice(plan, self.judge(plan))

    def _choice(self, plan: SharedPlacement, verdict: SharedEvaluation) -> _Choice | None:
        if not verdict.feasible or not is_fair(self.table.problem, verdict):
            return None
        moves = math.fsum(self.usd.get(place, 0.0) for place in self.moved(plan))
        return _Choice(plan, verdict, verdict.objective_usd_per_hour + moves)


def _anew(task: _Task, effort: Effort) -> _Choice:
    """A plan made from nothing, where none was found beside what runs. Raises as `solve_routed`."""
    left_s = max(0.0, task.judge.end - time.monotonic())
    answer = solve_routed(task.table.problem, effort=replace(effort, time_limit_s=left_s))
    return _Choice(answer.placement, answer.evaluation, answer.objective)


def _alike(one: Levels, other: Levels) -> bool:
    return one.keys() == other.keys() and all(
        math.isclose(share, other[at], abs_tol=_ROUND) for at, share in one.items()
    )


def _with_one_more(flows: Flows, level: int) -> Flows:
    replicas = list(flows.replicas)
    replicas[level] += 1
    return replace(flows, replicas=tuple(replicas))


def _traffic(
    problem: SharedProblem, plan: SharedPlacement, moved: tuple[Place, ...]
) -> Iterator[tuple[str, str, float]]:
    """(operator, level, share of runs) of what moves, the largest share first."""
    for agent, index in moved:
        load = problem.agents[agent]
        row, option = load.problem.operators[index], plan.agents[agent].option[index]
        assert option is not None
        shares = plan.routes.get((agent, index), {option: 1.0})
        for one, share in sorted(shares.items(), key=lambda pair: (-pair[1], pair[0])):
            yield f"{load.name}.{row.id}", label(problem.levels[row.options[one].pool]), share
