"""Improves shared placements by small programs: most decisions stay, a few are free, and HiGHS solves what is left.

One agent at a time, a few families of operators across all agents, or everything on the levels that look useful: each
such program is a fraction of the whole and ends in a second, and the best answer only gets better.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from placement.highs import Limits, minimise
from placement.problem import Placement
from placement.shared_milp import SharedProgram, read_shared, start_shared
from placement.shared_score import SharedScore, score_shared
from placement.shared_surrogate import Surrogate

ROUND_S = 2.0
"""Seconds that one small program may take at most."""


@dataclass(slots=True)
class Meeting:
    """What two searches of one program tell each other: the best answer of either, and the bound of the proof."""

    gap: float
    bound: float
    placements: tuple[Placement, ...] | None
    score: SharedScore | None
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: bool = False

    def take(self, placements: tuple[Placement, ...], score: SharedScore) -> bool:
        """Keeps the answer if it is feasible and better; says whether it did."""
        with self.lock:
            better = score.feasible and (self.score is None or score.objective < self.score.objective)
            if better:
                self.placements, self.score = placements, score
            return better

    @property
    def close(self) -> bool:
        """Whether the gap asked for is proven."""
        return self.score is not None and self.score.objective - self.bound <= self.gap * self.score.objective


def improve_by_parts(table: Surrogate, program: SharedProgram, meeting: Meeting, end: float, seed: int = 0) -> None:
    """Solves small programs around the best answer until time or the meeting ends it."""
    rng = random.Random(seed)
    for free in _neighbourhoods(table, program, rng):
        left_s = end - time.monotonic()
        if left_s <= 0.0 or meeting.done or meeting.close or meeting.placements is None:
            return
        _solve_part(table, program, meeting, free, min(ROUND_S, left_s))


def _solve_part(
    table: Surrogate, program: SharedProgram, meeting: Meeting, free: frozenset[tuple[int, int]], time_s: float
) -> None:
    now = meeting.placements
    if now is None:
        return
    start = start_shared(table, program, now)
    lower, upper = list(program.model.lower), list(program.model.upper)
    for agent, each in enumerate(program.agents):
        chosen = {choice for choice, columns in enumerate(each.choices) if len(columns) > 1}
        whole = all((agent, operator) in free for operator in range(len(each.options)))
        fixed = [columns for operator, columns in enumerate(each.options) if (agent, operator) not in free]
        fixed += [] if whole else [each.choices[choice] for choice in chosen]
        for columns in fixed:
            for column in columns:
                lower[column] = upper[column] = start[column]
    model = replace(program.model, lower=lower, upper=upper)
    outcome = minimise(model, Limits(time_s, 1e-4, 1), start)
    if outcome.values is not None:
        placements = read_shared(table, program, outcome.values)
        meeting.take(placements, score_shared(table, placements))


def _neighbourhoods(
    table: Surrogate, program: SharedProgram, rng: random.Random
) -> Iterator[frozenset[tuple[int, int]]]:
    """Which (agent, operator) are free: each agent in turn, then families at random, and pairs of agents."""
    families: dict[frozenset[int], list[tuple[int, int]]] = {}
    members: list[frozenset[tuple[int, int]]] = []
    for agent, prepared in enumerate(table.agents):
        members.append(frozenset((agent, operator) for operator in range(len(prepared.problem.operators))))
        for index, operator in enumerate(prepared.problem.operators):
            pools = frozenset(option.pool for option in operator.options)
            families.setdefault(pools, []).append((agent, index))
    groups = list(families.values())
    size = 2
    while True:
        order = rng.sample(range(len(groups)), len(groups))
        for first in range(0, len(order), size):
            yield frozenset(pair for index in order[first : first + size] for pair in groups[index])
        yield from rng.sample(members, min(2, len(members)))
        size = min(len(groups), size + 1)
        if size >= max(3, len(groups) - 1):
            size = 2
