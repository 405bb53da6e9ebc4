"""Plans once more from the levels that first plans used: of the whole fleet, and of each accelerator class alone.

What a plan of one class found worth using is often what the mixed plan lacked, so that these plans, which take many
times as long as a user waits, show how far `plan --load` is from what could be found (`orchestrator/fleet_refine.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.fleet_pipeline import FleetRequest, lacks, price_fleet
from orchestrator.graph import Graph

if TYPE_CHECKING:
    from costmodel.fleet import DeviceClass, Fleet
    from placement.load import Load
    from placement.offer import Named
    from placement.shared_from_ir import SharedLowered
    from placement.shared_solve import SharedSolution

SHARE_OF_A_CLASS = 0.5
"""Of the time limit, at most, for each class alone."""


@dataclass(frozen=True, slots=True)
class Found:
    """A problem and the best plan of it that is known."""

    shared: SharedLowered
    solution: SharedSolution

    @property
    def usd_per_hour(self) -> float:
        """What the search makes small: dollars an hour, penalties included."""
        return self.solution.evaluation.objective_usd_per_hour


@dataclass(frozen=True, slots=True)
class Asked:
    """Agents, their load and how to plan them; `samples` of each verdict."""

    graphs: Mapping[str, Graph]
    load: Load
    request: FleetRequest
    samples: int


def first(asked: Asked, fleet: Fleet, share: float = 1.0, named: Named | None = None) -> Found | None:
    """The best plan on a fleet in a share of the time; None where there is none or none was found."""
    from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError, solve_shared

    shared = price_fleet(asked.graphs, fleet, asked.load, asked.request, named)
    if any(lacks(shared)):
        return None
    effort = Effort(asked.request.time_limit_s * share, asked.request.gap, asked.samples)
    try:
        return Found(shared, solve_shared(shared.problem, effort=effort))
    except (SharedInfeasibleError, SharedUndecidedError):
        return None


def again(asked: Asked, fleet: Fleet, known: Sequence[Found], share: float = 1.0) -> Found | None:
    """The best plan from the levels that known plans use, at every cap that is offered."""
    from placement.levels import CAPS
    from placement.offer import Named, at_cap

    used = dict.fromkeys(level for found in known for level in _used(found))
    return first(asked, fleet, share, Named(frozenset(at_cap(one, cap) for one in used for cap in CAPS), only=True))


def rounds(asked: Asked, fleet: Fleet, whole: Found | None) -> tuple[Found, ...]:
    """A plan made again from the levels that a plan of the whole fleet and those of each class used, then those plans.

    The first is the cheapest for the whole fleet; empty where no plan was found at all.
    """
    alone = [found for each in classes_alone(fleet) if (found := first(asked, each, SHARE_OF_A_CLASS)) is not None]
    known = [whole, *alone] if whole is not None else alone
    better = again(asked, fleet, known) if known else None
    plans = [found for found in (better, *known) if found is not None]
    return tuple(sorted(plans, key=lambda found: found.usd_per_hour))


def classes_alone(fleet: Fleet) -> Iterator[Fleet]:
    """For each accelerator class a fleet of its devices and all CPU cores."""
    for each in fleet.classes:
        if not is_cpu(each):
            yield replace(fleet, classes=tuple(one for one in fleet.classes if is_cpu(one) or one is each))


def is_cpu(device_class: DeviceClass) -> bool:
    """Whether a class is CPU cores: of the catalog, or one that the fleet file describes by itself."""
    return device_class.device is None or device_class.device.kind == "cpu"


def _used(found: Found) -> Iterator[str]:
    levels = zip(found.shared.problem.levels, found.solution.placement.replicas, strict=True)
    return (level.pool.id for level, replicas in levels if replicas)
