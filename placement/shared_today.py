"""Today's placement of all agents of a load: the levels and replicas that agree with a file's rules, judged.

As for one agent, what the rules leave open is decided in today's favour; replicas that they state are taken as they
are, however busy that makes them, and the judge says what that does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from placement.problem import Placement
from placement.shared_again import PLENTY, Keeps, again, kept_options, narrowed, softened, with_counts, without_calls
from placement.shared_evaluate import SharedEvaluation, judge_shared
from placement.shared_problem import AgentLoad, Budget, Level, SharedPlacement, SharedProblem
from placement.shared_solve import SAMPLES, SharedSolution
from placement.today import Rule, Today, TodayError, rules_of


@dataclass(frozen=True, slots=True)
class AgreedShared:
    """Today's placement and the judge's verdict; `unsaid` are the `AGENT.OP` that run and no rule places."""

    placement: SharedPlacement
    evaluation: SharedEvaluation
    unsaid: tuple[str, ...]


def shared_today_of(
    problem: SharedProblem, today: Today, names: Sequence[Sequence[str]], time_s: float, samples: int = SAMPLES
) -> AgreedShared:
    """Today's placement; `names` [agent][operator] are the ids that rules speak of.

    Raises `TodayError` for rules that fit nothing or contradict each other.
    """
    pairs = zip(problem.agents, names, strict=True)
    rules = [rules_of(load.problem, today, each) for load, each in pairs]
    keeps = [_keeps(load, each, problem.levels) for load, each in zip(problem.agents, rules, strict=True)]
    rows = zip(problem.agents, keeps, strict=True)
    solution = _solved(replace(problem, agents=tuple(narrowed(load, each) for load, each in rows)), time_s)
    placements = tuple(
        _restored(one, kept_options(load, each))
        for one, load, each in zip(solution.placement.agents, problem.agents, keeps, strict=True)
    )
    replicas = _stated(problem, rules, placements, solution.placement.replicas)
    placement = SharedPlacement(placements, replicas)
    unsaid = dict.fromkeys(
        f"{load.name}.{name}"
        for load, each, placed, ids in zip(problem.agents, rules, placements, names, strict=True)
        for name, rule, option in zip(ids, each, placed.option, strict=True)
        if rule is None and option is not None
    )
    return AgreedShared(placement, judge_shared(problem, placement, samples=samples), tuple(unsaid))


def _keeps(load: AgentLoad, rules: Sequence[Rule | None], levels: Sequence[Level]) -> Keeps:
    """Options at the place of their rule; of levels whose replicas are stated those with the largest cap."""

    def keeps(operator: int, option: int) -> bool:
        rule = rules[operator]
        rows = load.problem.operators[operator].options
        if rule is None:
            return True
        mine = levels[rows[option].pool]
        alike = (levels[row.pool] for row in rows if rule.allows(levels[row.pool].pool))
        most = max((level.cap for level in alike if _uncapped(level) == _uncapped(mine)), default=0.0)
        return rule.allows(mine.pool) and (rule.replicas is None or mine.cap == most)

    return keeps


def _uncapped(level: Level) -> str:
    return level.pool.id.replace(f"/u{level.cap:g}", "")


def _solved(problem: SharedProblem, time_s: float) -> SharedSolution:
    """The cheapest plan that keeps all limits, or else the one that misses the SLAs least, on any count and budget."""
    end = time.monotonic() + time_s
    found = again(problem, time_s / 2.0)
    if isinstance(found, SharedSolution):
        return found
    everything = {row.device: PLENTY for row in problem.capacities}
    free = without_calls(replace(with_counts(problem, everything), budget=Budget()))
    unlimited = tuple(replace(each, problem=replace(each.problem, sla=None)) for each in free.agents)
    any_plan = again(replace(free, agents=unlimited), (end - time.monotonic()) / 2.0)
    if not isinstance(any_plan, SharedSolution):
        why = "allow more time" if any_plan == "undecided" else "no link leads there, or they part a group of operators"
        raise TodayError(f"the rules leave no placement of all agents: {why}")
    soft = again(softened(free, any_plan.evaluation.usd_per_hour), end - time.monotonic())
    return soft if isinstance(soft, SharedSolution) else any_plan


def _restored(placement: Placement, kept: Sequence[Sequence[int]]) -> Placement:
    rows = zip(placement.option, kept, strict=True)
    return Placement(tuple(None if option is None else each[option] for option, each in rows), placement.alternative)


def _stated(
    problem: SharedProblem,
    rules: Sequence[Sequence[Rule | None]],
    placements: Sequence[Placement],
    fewest: Sequence[int],
) -> tuple[int, ...]:
    """[level] the replicas that rules state, else the fewest that keep the caps."""
    stated: dict[int, Rule] = {}
    for load, each, placed in zip(problem.agents, rules, placements, strict=True):
        for row, rule, option in zip(load.problem.operators, each, placed.option, strict=True):
            if rule is None or rule.replicas is None or option is None:
                continue
            level = row.options[option].pool
            other = stated.setdefault(level, rule)
            if other.replicas != rule.replicas:
                raise TodayError(
                    f"{rule.where}: {problem.levels[level].pool.id} has {rule.replicas} replicas here and "
                    f"{other.replicas} at {other.where}; state one count for operators that share a pool"
                )
    return tuple(
        count if (rule := stated.get(level)) is None or rule.replicas is None else rule.replicas
        for level, count in enumerate(fewest)
    )
