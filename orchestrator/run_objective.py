"""What a plan of one agent without a load is best in, in the units of a run, and what was reached of it.

The counterpart of what `orchestrator.objective` says of a load; the text is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.objective import THROUGHPUT, WITHIN, Objective, ObjectiveError, parse_objective

if TYPE_CHECKING:
    from costmodel.fleet import Fleet
    from placement.aimed import Reached
    from placement.problem import Problem
    from placement.run_aims import Aims, PerSecond, RunAim

RUN_UNITS: Mapping[str, str] = {"cost": "$/run", "latency": "s", "energy": "J/run", "carbon": "gCO2e/run"}
"""Joules are at the meter; grams are of these and of making the devices, by the time that a run holds
them."""


def run_objective(text: str) -> Objective:
    """Reads an objective of one agent without a load. Raises `ObjectiveError`."""
    found = replace(parse_objective(text), units=RUN_UNITS)
    if not found.aims:
        raise ObjectiveError(
            f"the objective {THROUGHPUT!r} is how much a fleet carries, and without a load a plan is of one run",
            "give --load, or minimise cost, latency, energy or carbon",
        )
    return found


def aims_of(objective: Objective, fleet: Fleet, problem: Problem) -> Aims:
    """The objective as the solver's aims. Raises `ObjectiveError` where nobody says what a device draws."""
    from placement.run_aims import Aims

    needs_power = any(name in aim for aim in objective.aims for name in ("energy", "carbon"))
    devices = dict.fromkeys(problem.pools[row.pool].device for each in problem.operators for row in each.options)
    uses = dict(_uses(devices, fleet)) if needs_power else {}
    unknown = [device for device in devices if needs_power and device not in uses]
    if unknown:
        raise ObjectiveError(
            f"the objective {objective.text!r} counts power, but nobody says what {', '.join(unknown)} draws",
            "name a class of the catalog, or minimise cost or latency",
        )
    return Aims(uses, tuple(_aim(weights) for weights in objective.aims), WITHIN)


def _aim(weights: Mapping[str, float]) -> RunAim:
    from placement.run_aims import RunAim

    return RunAim(
        usd=weights.get("cost", 0.0),
        joules=weights.get("energy", 0.0),
        gco2e=weights.get("carbon", 0.0),
        seconds=weights.get("latency", 0.0),
    )


def _uses(devices: Iterable[str], fleet: Fleet) -> Iterator[tuple[str, PerSecond]]:
    """By class what one device uses in a second; nothing of a class whose power is unknown."""
    from costmodel.energy import footprint
    from placement.run_aims import PerSecond

    for device in devices:
        device_class = fleet.device_class(device)
        if device_class.device is not None:
            used = footprint(device_class, fleet, 1.0)
            yield device, PerSecond(used.facility_j, used.operational_gco2e + (used.embodied_gco2e or 0.0))


@dataclass(frozen=True, slots=True)
class ReachedAim:
    """What a plan reaches of one aim: in its unit, empty for a sum of several; with its bound and gap."""

    aim: str
    unit: str
    value: float
    bound: float
    gap: float


def reached_aims(objective: Objective, reached: Sequence[Reached]) -> tuple[ReachedAim, ...]:
    """A row for each aim in turn; none where nothing was reached, as of a plan that is the cheapest."""
    rows = zip(objective.aims, reached, strict=False)
    return tuple(
        ReachedAim(" + ".join(_term(*each) for each in aim.items()), _unit(aim), one.value, one.bound, one.gap)
        for aim, one in rows
    )


def _term(name: str, weight: float) -> str:
    return name if weight == 1.0 else f"{weight:g} x {name}"


def _unit(aim: Mapping[str, float]) -> str:
    (name, weight), *others = aim.items()
    return "" if others or weight != 1.0 else RUN_UNITS[name]
