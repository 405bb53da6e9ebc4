"""What replanning found, in the words of plan documents: what moves and why, what stays, what keeping all would take.

The command line and tests read this record; how it was found is for `replanning`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.events import Event
from orchestrator.places import device_text

if TYPE_CHECKING:
    from placement.plan import Plan
    from placement.problem import Pool
    from placement.replan_steps import Step


Ways = Sequence[tuple[float, "Pool"]]
"""Where an operator is: the share of runs of each pool, the largest first; empty where it does not run."""


@dataclass(frozen=True, slots=True)
class Moved:
    """An operator (with its agent's name before it, for a load) from one pool to another, and why."""

    operator: str
    before: str | None
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Replanned:
    """New plans and how to get there, or `why` there are none.

    US dollars are of a run of a metered plan and of an hour of a load (`unit`). `kept_usd` is what it would cost to
    keep everything; None where that cannot be, and `broken` says which limits it breaks. `change_usd` must pay within
    `over` runs or hours. `gap` None: everything is kept, and no search found better. `notes`: what no step says.
    """

    name: str
    unit: str
    plans: tuple[Plan, ...] = ()
    steps: tuple[Step, ...] = ()
    moved: tuple[Moved, ...] = ()
    stays: tuple[str, ...] = ()
    before_usd: float = 0.0
    after_usd: float = 0.0
    kept_usd: float | None = None
    broken: tuple[str, ...] = ()
    change_usd: float = 0.0
    over: float = 1.0
    gap: float | None = None
    bound_scope: str = ""
    solve_s: float = 0.0
    notes: tuple[str, ...] = ()
    why: str = ""

    @property
    def feasible(self) -> bool:
        """Whether every limit can still be kept."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why an operator moves: what happened, hourly prices before it, and rates before and after by agent."""

    event: Event
    usd_before: Mapping[str, float]
    rates: Mapping[str, tuple[float, float]]

    def of(self, agent: str, ran: Ways, runs: Ways, *, forced: bool) -> str:
        """The first that fits: another form of a call, forced, a lost device, a price, the load, another's move."""
        if not ran:
            return "its call takes another alternative now"
        if forced:
            return "the event does not concern it, but no limit could be kept otherwise"
        lost = dict(self.event.lost)
        of_ran = [pool.device for _, pool in ran]
        for device in of_ran:
            if device in lost:
                return f"{lost[device]} {device} lost"
        for name, usd in self.event.prices:
            if name in (*of_ran, *(pool.device for _, pool in runs)):
                return f"an hour of {name} costs ${usd:g} instead of ${self.usd_before[name]:.4g}"
        if agent in self.rates:
            before, after = self.rates[agent]
            return f"{agent} runs {after:g} times a second instead of {before:g}"
        return "cheaper beside what else has changed"


class Broken(Protocol):
    """A limit that does not hold."""

    @property
    def kind(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def limit(self) -> float: ...


def broken(limits: Sequence[Broken]) -> Iterator[str]:
    """One line for each limit."""
    return (f"{one.kind} {one.what}: {one.value:.4g} of at most {one.limit:.4g}" for one in limits)


def spares(plans: Sequence[Plan], event: Event) -> Iterator[str]:
    """What happens on classes that have lost devices and are still used: steps know pools, not single devices."""
    pools = {pool.id: pool for plan in plans for pool in plan.pools}
    used = {pool.device for pool in pools.values()}
    for name, count in event.lost:
        if name in used:
            yield f"replicas that ran on the {count} {name} lost start again on others of this class, which suffice"


def moved(
    places: tuple[Mapping[str, Ways], Mapping[str, Ways]], names: Sequence[str], forced: set[str], reasons: Reasons
) -> tuple[Moved, ...]:
    """A line for each operator that moves; `places` are pools by operator before and after."""
    return tuple(_moved(places, name, reasons, forced=name in forced) for name in names)


def _moved(
    places: tuple[Mapping[str, Ways], Mapping[str, Ways]], name: str, reasons: Reasons, *, forced: bool
) -> Moved:
    ran, runs = places[0].get(name, ()), places[1][name]
    why = reasons.of(name.partition("/")[0], ran, runs, forced=forced)
    return Moved(name, _ways(ran) if ran else None, _ways(runs), why)


def _ways(ways: Ways) -> str:
    """Where an operator is, with the share of runs of each pool where there are several."""
    if len(ways) == 1:
        return place(ways[0][1])
    return " and ".join(f"{share:.1%} on {place(pool)}" for share, pool in ways)


def place(pool: Pool) -> str:
    """A pool as people read it: devices and model."""
    devices = device_text(pool.device, pool.tp, pool.precision)
    return devices if pool.model is None else f"{devices} {pool.model}"
