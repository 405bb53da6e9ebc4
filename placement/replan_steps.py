"""From one set of pools to another as an ordered list of steps: what is added comes before what is removed.

A pool starts before calls are routed to it; one that nobody uses any more first finishes what it runs, then stops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """`start` and `stop` so many replicas of a pool, `route` an operator's next calls to it, `drain` what it runs.

    `share` is the part of runs whose calls go there from now on, of several pools.
    `interrupts`: calls go without the pool for a while, because it is lost or because its devices are needed first.
    """

    kind: Literal["start", "route", "drain", "stop"]
    pool: str
    operator: str = ""
    replicas: int = 1
    interrupts: bool = False
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class PoolUse:
    """A pool's class, the devices of one replica, and its replicas before and after."""

    device: str
    tp: int
    before: int
    after: int


def steps(
    pools: Mapping[str, PoolUse],
    routes: Sequence[tuple[str, str] | tuple[str, str, float]],
    counts: Mapping[str, int],
) -> tuple[Step, ...]:
    """The steps; `routes` are (operator, pool) of what moves, with the share of runs where there are several pools;
    `counts` the devices there are now, by class.

    Where the devices that are left do not even hold what ran, replicas that end anyway count as lost: they stop at
    once. Where a new replica fits only in the place of one that ends, that one ends first, and the step says so.
    """
    left = dict(counts)
    for use in pools.values():
        left[use.device] = left.get(use.device, 0) - use.tp * use.before
    found: list[Step] = []
    ending = {name: use.before - use.after for name, use in pools.items() if use.before > use.after}
    for name in list(ending):
        _free(found, (name, pools[name]), left, ending, need=0, lost=True)
    started: set[str] = set()
    starting = {name: use for name, use in pools.items() if use.after > use.before}
    for name in sorted(starting, key=lambda one: _need(starting[one]) > left.get(starting[one].device, 0)):
        use = starting[name]
        for other in list(ending):
            if pools[other].device == use.device and left.get(use.device, 0) < _need(use):
                _free(found, (other, pools[other]), left, ending, need=_need(use), lost=False)
        left[use.device] = left.get(use.device, 0) - _need(use)
        found.append(Step("start", name, replicas=use.after - use.before))
        started.add(name)
    found += [Step("route", pool, operator, share=share[0] if share else 1.0) for operator, pool, *share in routes]
    found += [Step("drain", name, replicas=count) for name, count in ending.items()]
    found += [Step("stop", name, replicas=count) for name, count in ending.items()]
    return tuple(found)


def _need(use: PoolUse) -> int:
    return use.tp * (use.after - use.before)


def _free(
    found: list[Step],
    pool: tuple[str, PoolUse],
    left: dict[str, int],
    ending: dict[str, int],
    *,
    need: int,
    lost: bool,
) -> None:
    """Ends as many replicas of a pool as it takes until so many devices of its class are free."""
    name, use = pool
    short = need - left.get(use.device, 0)
    count = min(ending[name], -(-short // use.tp)) if short > 0 else 0
    if count <= 0:
        return
    if not lost:
        found.append(Step("drain", name, replicas=count, interrupts=True))
    found.append(Step("stop", name, replicas=count, interrupts=True))
    left[use.device] += use.tp * count
    ending[name] -= count
    if not ending[name]:
        del ending[name]
