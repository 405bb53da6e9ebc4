"""From a running plan of shared pools and a changed problem to a new plan that moves as little as it must.

Replicas follow the load wherever they are; operators stay at their levels, but for those that the event concerns. A
plan that adds replicas in place is found before one that moves bystanders.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from placement.check import ProblemError
from placement.kappa_fit import fitted
from placement.presolve import Reduced
from placement.problem import Operator, Placement
from placement.replan import NOTHING, MovePrice
from placement.replan_change import Change
from placement.replan_near import solve_near
from placement.replan_search import same_pool
from placement.replan_steps import Step
from placement.shared_change import HOUR_S, Place, changes, concerned, label, steps_between
from placement.shared_evaluate import SharedEvaluation, judge_prepared
from placement.shared_prepared import PreparedShared, prepare_shared, with_options
from placement.shared_problem import AgentLoad, Service, SharedPlacement, SharedProblem
from placement.shared_solve import (
    DOLLARS,
    Effort,
    SharedInfeasibleError,
    SharedSolution,
    SharedUndecidedError,
    solve_shared,
)
from placement.shared_surrogate import constants_of

DEFAULT_EFFORT = Effort(time_limit_s=5.0, enough_s=0.06)
SCOPE = "surrogate over the plans that may be reached"


@dataclass(frozen=True, slots=True)
class SharedReplan:
    """The new plan, judged with the effort's samples, and how to get there.

    `moved`, `forced` and `kept` are as in `Replan`, by (agent, operator); replicas that start or stop are no moves.
    `gap` is of the surrogate over the plans that may be reached so, or as `bound_scope` says; 1 where everything is
    kept without a search.
    """

    placement: SharedPlacement
    before: SharedEvaluation
    after: SharedEvaluation
    kept: SharedEvaluation | None
    moved: tuple[Place, ...]
    forced: tuple[Place, ...]
    change_usd: float
    gap: float
    steps: tuple[Step, ...]
    seconds: float
    bound_scope: str = SCOPE


def replan_shared(
    before: SharedProblem,
    running: SharedPlacement,
    after: SharedProblem,
    price: MovePrice = NOTHING,
    effort: Effort = DEFAULT_EFFORT,
) -> SharedReplan:
    """The cheapest plan after an event, with a price on each operator that moves, spread over `price.runs` hours.

    Raises `ProblemError` for problems of different agents or a plan with routes (`replan_routed` takes those), and as
    `solve_shared` where no plan is left or none was found.
    """
    began = time.monotonic()
    if running.routes:
        raise ProblemError(f"{before.name}: a plan with routes is for `replan_routed`")
    found = changes(before, running, after)
    may_move = concerned(before, running, after, found)
    stay = _stay(before, running, after, found)
    prepared = prepare_shared(before)
    left = replace(prepare_shared(after), draws=prepared.draws)
    judged_before = _judge(prepared, running, effort)
    drawn = judged_before if _takes_as_long(before, after) else None
    kept = _judge(left, stay, effort, drawn) if stay else None
    asked = may_move, dict.fromkeys(may_move, price.usd_per_run)
    near = _near(left, found, asked, (judged_before, effort)) if stay and math.isfinite(effort.enough_s) else None
    answer = near or search(after, found, asked, effort)
    if answer is None and (kept is None or not kept.feasible):
        answer = search(after, found, (None, weights(after, found, may_move, price)), effort)
        if answer is None:
            raise SharedUndecidedError(f"{after.name}: the judge accepts no plan that was found; allow more time")
    choices = [(stay, kept, 1.0)] if stay and kept and kept.feasible else []
    if answer:
        is_judged = answer is near or not price.usd_per_run
        verdict = answer.evaluation if is_judged else _judge(left, answer.placement, effort)
        choices.append((answer.placement, verdict, answer.gap))

    def total(choice: tuple[SharedPlacement, SharedEvaluation, float]) -> float:
        return choice[1].objective_usd_per_hour + price.usd_per_run * len(_moved(after, choice[0], found))

    plan, judged, gap = min(choices, key=total)
    moved = _moved(after, plan, found)
    return SharedReplan(
        placement=plan,
        before=judged_before,
        after=judged,
        kept=kept,
        moved=moved,
        forced=tuple(one for one in moved if one not in may_move),
        change_usd=price.usd * len(moved),
        gap=gap,
        steps=steps_between((before, running), (after, plan), tuple(_routes(after, plan, moved))),
        seconds=time.monotonic() - began,
    )


def _judge(
    prepared: PreparedShared, plan: SharedPlacement, effort: Effort, drawn: SharedEvaluation | None = None
) -> SharedEvaluation:
    return judge_prepared(prepared, plan, samples=effort.samples, seed=effort.seed, drawn=drawn)


def _takes_as_long(before: SharedProblem, after: SharedProblem) -> bool:
    """Whether a plan's times are the same in both, so that its samples are."""
    levels = [
        [(level.pool, level.slots, level.cap, level.tenant) for level in problem.levels] for problem in (before, after)
    ]
    return before.agents == after.agents and before.margin == after.margin and levels[0] == levels[1]


def _stay(
    before: SharedProblem, running: SharedPlacement, after: SharedProblem, found: list[Change]
) -> SharedPlacement | None:
    """The running plan in the terms of the problem after; None where a level or an option of it is gone."""
    counts = {label(level): count for level, count in zip(before.levels, running.replicas, strict=True)}
    names = [label(level) for level in after.levels]
    gone = any(count and name not in names for name, count in counts.items())
    pairs = [pair for each in found for pair in zip(each.kept, each.running.option, strict=True)]
    if gone or any(kept is None and option is not None for kept, option in pairs):
        return None
    agents = tuple(Placement(each.kept, each.running.alternative) for each in found)
    return SharedPlacement(agents, tuple(counts.get(name, 0) for name in names))


Asked = tuple[Set[Place] | None, Mapping[Place, float]]
"""What may move (None: everything), and the dollars an hour of each move."""


def _near(
    after: PreparedShared, found: Sequence[Change], asked: Asked, judged: tuple[SharedEvaluation, Effort]
) -> SharedSolution | None:
    """As `search`, from the `kappa` that fits the running plan, judged in the problem after; None: search further."""
    before, effort = judged
    agents = [_narrowed(load, agent, found[agent], asked) for agent, load in enumerate(after.problem.agents)]
    narrowed = replace(after.problem, agents=tuple(load for load, _ in agents))
    known = constants_of(with_options(after, narrowed))
    running = [
        Placement(
            tuple(None if k is None else rows.index(k) for k, rows in zip(each.kept, part.kept, strict=True)),
            each.running.alternative,
        )
        for each, (_, part) in zip(found, agents, strict=True)
    ]

    def restored(plan: SharedPlacement) -> SharedPlacement:
        placements = (part.restore(one) for (_, part), one in zip(agents, plan.agents, strict=True))
        return replace(plan, agents=tuple(placements))

    answer = solve_near(
        known, fitted(known, running, before), lambda plan: _judge(after, restored(plan), effort), effort
    )
    return None if answer is None else replace(answer, placement=restored(answer.placement))


def search(
    after: SharedProblem, found: Sequence[Change], asked: Asked, effort: Effort, beside: tuple[AgentLoad, ...] = ()
) -> SharedSolution | None:
    """The best plan that leaves all but some operators in place; None where there is none, or none was found.

    `beside` are agents that share the levels and are no part of the answer.
    """
    agents = tuple(_narrowed(load, agent, found[agent], asked) for agent, load in enumerate(after.agents))
    try:
        answer = solve_shared(replace(after, agents=(*(load for load, _ in agents), *beside)), DOLLARS, effort)
        plan = answer.placement
        own = zip(agents, plan.agents[: len(agents)], strict=True)
        restored = (reduced.restore(placement) for (_, reduced), placement in own)
        return replace(answer, placement=replace(plan, agents=tuple(restored)))
    except SharedUndecidedError:
        return None
    except SharedInfeasibleError:
        if asked[0] is None:
            raise
        return None


def _narrowed(load: AgentLoad, agent: int, found: Change, asked: Asked) -> tuple[AgentLoad, Reduced]:
    """Staying operators with their one option and level; services as they are, fees with the price of a move."""
    may_move, usd = asked
    operators: list[Operator] = []
    services: list[tuple[Service, ...]] = []
    indices: list[tuple[int, ...]] = []
    staying = {
        index
        for index, kept in enumerate(found.kept)
        if may_move is not None and kept is not None and (agent, index) not in may_move
    }
    taken = {choice: alternative for index in staying for choice, alternative in found.after.needs[index]}
    for index, (row, kept) in enumerate(zip(load.problem.operators, found.kept, strict=True)):
        calls = HOUR_S * load.rate_per_s * row.visits
        move = usd.get((agent, index), 0.0) / calls if calls else 0.0
        options = tuple(
            option if same_pool(row, place, kept) else replace(option, cost_usd=option.cost_usd + move)
            for place, option in enumerate(row.options)
        )
        left = (kept,) if index in staying and kept is not None else tuple(range(len(options)))
        if any(taken.get(choice, alternative) != alternative for choice, alternative in found.after.needs[index]):
            left = ()  # of an alternative that would end an operator that stays
        indices.append(left)
        operators.append(replace(row, options=tuple(options[one] for one in left)))
        services.append(tuple(load.services[index][one] for one in left))
    reduced = Reduced(replace(load.problem, operators=tuple(operators)), tuple(indices))
    return replace(load, problem=reduced.problem, services=tuple(services)), reduced


def weights(
    after: SharedProblem, found: Sequence[Change], concerned: Set[Place], price: MovePrice
) -> dict[Place, float]:
    """So many dollars an hour on a bystander's move that one fewer always pays, unless dollars are limited."""
    counts = {row.device: row.count for row in after.capacities}
    dearest = math.fsum(level.usd_per_hour * (counts[level.pool.device] // level.pool.tp) for level in after.levels)
    weight = price.usd_per_run if after.budget.usd_per_hour is not None else dearest
    everyone = [(agent, index) for agent, each in enumerate(found) for index in range(len(each.kept))]
    return {one: price.usd_per_run if one in concerned else weight for one in everyone}


def _moved(after: SharedProblem, plan: SharedPlacement, found: list[Change]) -> tuple[Place, ...]:
    return tuple(
        (agent, index)
        for agent, (load, each, placement) in enumerate(zip(after.agents, found, plan.agents, strict=True))
        for index, option in enumerate(placement.option)
        if option is not None and not same_pool(load.problem.operators[index], option, each.kept[index])
    )


def _routes(problem: SharedProblem, plan: SharedPlacement, moved: tuple[Place, ...]) -> Iterator[tuple[str, str]]:
    """(operator, level) of what moves."""
    for agent, index in moved:
        row, option = problem.agents[agent].problem.operators[index], plan.agents[agent].option[index]
        assert option is not None
        yield f"{problem.agents[agent].name}.{row.id}", label(problem.levels[row.options[option].pool])
