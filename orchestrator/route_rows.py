"""How much longer each call may take, by route: one whose traffic is split has a row for each of its pools.

The statistic of an SLA takes the slowest route of an operator, so that the others may take longer by what they are
faster; in the mean each route counts by its share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from placement.taken import taken_by

if TYPE_CHECKING:
    from placement.shared_from_ir import SharedLowered
    from placement.shared_plans import Answer
    from placement.taken import Taken


@dataclass(frozen=True, slots=True)
class RouteRow:
    """An operator of an agent, or the `share` of its runs at a pool.

    `time_s` is a call with waiting and margin, `waiting_s` a part of it; `slack_s` how much longer the call may take,
    None where the SLA's statistic does not count it. `critical`: it is on the longest path.
    """

    agent: str
    operator: str
    pool: str
    share: float
    critical: bool
    time_s: float
    waiting_s: float
    slack_s: float | None


def route_rows(shared: SharedLowered, answer: Answer) -> Iterator[RouteRow]:
    """Agent by agent what runs, the route with the largest share first."""
    for agent in range(len(shared.agents)):
        for position, ways in taken_by(shared, agent, answer.placement).items():
            yield from _rows(shared, answer, (agent, position), ways)


def _rows(shared: SharedLowered, answer: Answer, at: tuple[int, int], ways: tuple[Taken, ...]) -> Iterator[RouteRow]:
    agent, position = at
    lowered, verdict = shared.agents[agent], answer.evaluation.agents[agent]
    is_split = len(ways) > 1
    waits = [answer.evaluation.levels[way.option.pool].waiting_s for way in ways]
    times = [wait + way.service.held(shared.problem.margin).visit_s for way, wait in zip(ways, waits, strict=True)]
    slowest_s = max(times)
    is_mean = lowered.problem.sla is not None and lowered.problem.sla.stat == "mean"
    for way, wait, seconds in zip(ways, waits, times, strict=True):
        slack_s = verdict.slack_s[position]
        if slack_s is not None:
            slack_s = slack_s / way.share if is_mean else slack_s + slowest_s - seconds
        yield RouteRow(
            agent=lowered.problem.name,
            operator=lowered.specs[position].id,
            pool=lowered.problem.pools[way.option.pool].id,
            share=way.share,
            critical=position in verdict.critical_path and (is_mean or seconds == slowest_s),
            time_s=seconds if is_split else verdict.operator_s[position],
            waiting_s=wait if is_split else verdict.waiting_s[position],
            slack_s=None if slack_s is None or math.isinf(slack_s) else slack_s,
        )
