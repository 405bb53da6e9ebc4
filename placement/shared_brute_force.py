"""The oracle of shared pools: judges every placement of a tiny problem with every useful number of replicas.

Solvers are tested against it. It shares nothing with them but the judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from placement.brute_force import TooManyPlacementsError, every_placement, placements
from placement.problem import Placement
from placement.shared_evaluate import SharedEvaluation, judge_prepared
from placement.shared_prepared import PreparedShared, prepare_shared
from placement.shared_problem import SharedPlacement, SharedProblem

MOST_JUDGED = 200_000


@dataclass(frozen=True, slots=True)
class SharedEnumeration:
    """Of `count` placements judged, the best of those that are accepted; None where none is."""

    count: int
    best: tuple[SharedPlacement, SharedEvaluation] | None


def cost_per_hour(found: SharedEvaluation) -> float:
    """The objective that is minimised unless another is given: dollars an hour, penalties included."""
    return found.objective_usd_per_hour


def keeps_all(found: SharedEvaluation) -> bool:
    """What a plan must do unless another test is given: keep every limit."""
    return found.feasible


def brute_force_shared(
    problem: SharedProblem,
    *,
    samples: int = 0,
    seed: int = 0,
    kappa: float | Sequence[float] = 0.0,
    objective: Callable[[SharedEvaluation], float] = cost_per_hour,
    accepts: Callable[[SharedEvaluation], bool] = keeps_all,
    most: int = MOST_JUDGED,
) -> SharedEnumeration:
    """Judges every placement without routes, with all numbers of replicas that the device counts allow.

    Levels that nobody uses have none. Raises `TooManyPlacementsError` where there are more than `most`.
    """
    prepared = prepare_shared(problem)
    combinations = math.prod(placements(agent.prepared) for agent in prepared.agents)
    bound = combinations * math.prod(_most_replicas(prepared, level) + 1 for level in range(len(problem.levels)))
    if bound > most:
        raise TooManyPlacementsError(f"{problem.name} has up to {bound} shared placements, over the limit of {most}")
    count = 0
    best: tuple[SharedPlacement, SharedEvaluation] | None = None
    for placement in _every(prepared):
        count += 1
        found = judge_prepared(prepared, placement, samples=samples, seed=seed, kappa=kappa)
        if accepts(found) and (best is None or objective(found) < objective(best[1])):
            best = placement, found
    return SharedEnumeration(count, best)


def _every(prepared: PreparedShared) -> Iterator[SharedPlacement]:
    for agents in product(*(every_placement(agent.prepared) for agent in prepared.agents)):
        used = _used_levels(prepared, agents)
        ranges = [
            range(1, _most_replicas(prepared, level) + 1) if level in used else range(1)
            for level in range(len(prepared.problem.levels))
        ]
        for replicas in product(*ranges):
            if _fits(prepared, replicas):
                yield SharedPlacement(agents, replicas)


def _used_levels(prepared: PreparedShared, agents: Sequence[Placement]) -> set[int]:
    return {
        operator.options[option].pool
        for agent, placement in zip(prepared.agents, agents, strict=True)
        for operator, option in zip(agent.load.problem.operators, placement.option, strict=True)
        if option is not None
    }


def _most_replicas(prepared: PreparedShared, level: int) -> int:
    pool = prepared.problem.levels[level].pool
    return prepared.counts[pool.device] // pool.tp


def _fits(prepared: PreparedShared, replicas: Sequence[int]) -> bool:
    used = dict.fromkeys(prepared.counts, 0)
    for level, count in zip(prepared.problem.levels, replicas, strict=True):
        used[level.pool.device] += level.pool.tp * count
    return all(used[device] <= count for device, count in prepared.counts.items())
