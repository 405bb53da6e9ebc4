"""What load the agents of a shared placement put on each level together, and how long their calls wait there.

Waiting is at the actual load and replicas: one queue of a level feeds all slots of all its replicas.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from placement.held import HeldServices
from placement.queueing import Arrivals, Waiting, offered_slots, waiting
from placement.shared_prepared import PreparedAgent, PreparedShared
from placement.shared_problem import Level, Service
from placement.shared_routing import Routed
from placement.switching import NO_SWITCHES, Switches, switches

Visit = tuple[int, int, int]
"""An agent, one of its operators and one of its options."""


@dataclass(frozen=True, slots=True)
class LevelLoad:
    """A level under load. `busy_slots` are busy on average, `utilisation` is their share of all slots.

    `waiting_s` is the mean over its calls; infinite at saturation, and where calls come and no replica is there.
    `used`: some operator runs here, even if no run ever reaches it. `busy_by_agent` adds up to `busy_slots`. `switches`
    are of levels whose models take turns.
    """

    replicas: int
    calls_per_s: float
    busy_slots: float
    utilisation: float
    waiting_s: float
    wait_probability: float
    used: bool
    busy_by_agent: Mapping[int, float]
    switches: Switches = NO_SWITCHES


def level_loads(
    prepared: PreparedShared,
    routed: Sequence[Routed],
    replicas: Sequence[int],
    services: Sequence[HeldServices],
) -> tuple[tuple[LevelLoad, ...], dict[Visit, Waiting]]:
    """[level] its load, and what each visit waits; `services` [agent] are what visits take as limits see them."""
    at_level: list[list[tuple[Visit, Arrivals]]] = [[] for _ in prepared.problem.levels]
    for index, (agent, one, held) in enumerate(zip(prepared.agents, routed, services, strict=True)):
        for level, operator, option, arrivals in _arrivals(agent, one, held):
            at_level[level].append(((index, operator, option), arrivals))
    waits: dict[Visit, Waiting] = {}
    loads: list[LevelLoad] = []
    for level, calls, count in zip(prepared.problem.levels, at_level, replicas, strict=True):
        of_level = [(each.calls_per_s, services[visit[0]][visit[1:]]) for visit, each in calls]
        found = waits_at([arrivals for _, arrivals in calls], level, count)
        waits |= {visit: wait for (visit, _), wait in zip(calls, found, strict=True)}
        loads.append(replace(_load(calls, found, count, level.slots), switches=switches(of_level)))
    return tuple(loads), waits


def waits_at(arrivals: Sequence[Arrivals], level: Level, replicas: int) -> tuple[Waiting, ...]:
    """One queue for all replicas; where turns go to the replica of the turn before, one for each.

    A react goes to any of R replicas with the same probability. Its turns come back after a while, which leaves the
    queue as it would be with as many calls that come on their own (an open network: Jackson 1957, Operations Research
    5); the dispersion of a part 1 / R of a stream is p cv2 + 1 - p.
    """
    if not level.keeps or replicas <= 1:
        return waiting(arrivals, replicas * level.slots)
    part = 1.0 / replicas
    own = [replace(each, calls_per_s=part * each.calls_per_s, cv2=part * each.cv2 + 1.0 - part) for each in arrivals]
    return waiting(own, level.slots)


def calls_per_s(agent: PreparedAgent, operator: int) -> float:
    """Visits of an operator a second, over all its options, given that its alternative is taken."""
    return agent.load.rate_per_s * agent.load.problem.operators[operator].visits


def arrivals_of(agent: PreparedAgent, operator: int, service: Service, share: float) -> Arrivals:
    """The calls of an operator that come to one of its levels, with what a visit takes there."""
    # A random part p of a stream of calls has the dispersion p cv2 + 1 - p (Whitt 1983, QNA, BSTJ 62).
    part = min(1.0, agent.load.problem.operators[operator].visits / agent.batch_calls[operator]) * share
    return Arrivals(
        calls_per_s=calls_per_s(agent, operator) * share,
        slot_s=service.slot_s,
        sd_s=service.slot_sd_s,
        cv2=part * agent.load.arrival_cv2 + 1.0 - part,
        batch=agent.batches[operator],
    )


def _arrivals(agent: PreparedAgent, routed: Routed, services: HeldServices) -> Iterator[tuple[int, int, int, Arrivals]]:
    for operator, shares in enumerate(routed.shares):
        row = agent.load.problem.operators[operator]
        for option, share in shares:
            calls = arrivals_of(agent, operator, services[operator, option], share)
            yield row.options[option].pool, operator, option, calls


def _load(calls: Sequence[tuple[Visit, Arrivals]], waits: Sequence[Waiting], replicas: int, slots: int) -> LevelLoad:
    arrivals = [each for _, each in calls]
    busy = offered_slots(arrivals)
    rate = math.fsum(each.calls_per_s for each in arrivals)
    servers = replicas * slots
    by_agent: dict[int, float] = {}
    for (agent, _, _), each in calls:
        by_agent[agent] = by_agent.get(agent, 0.0) + each.calls_per_s * each.slot_s
    weights = [each.calls_per_s / rate for each in arrivals if each.calls_per_s] if rate else []
    called = [wait for wait, each in zip(waits, arrivals, strict=True) if each.calls_per_s]
    return LevelLoad(
        replicas=replicas,
        calls_per_s=rate,
        busy_slots=busy,
        utilisation=busy / servers if servers else (math.inf if busy else 0.0),
        waiting_s=math.fsum(w * wait.mean_s for w, wait in zip(weights, called, strict=True)),
        wait_probability=math.fsum(w * wait.probability for w, wait in zip(weights, called, strict=True)),
        used=bool(calls),
        busy_by_agent=by_agent,
    )
