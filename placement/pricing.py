"""What prices a problem, and the records of an operator's options before they are numbered.

Shared by the two sources of rows: measurements (`measured_rows`) and formulas (`formula_rows`).
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.calibrated import Corrections
from costmodel.errors import FleetError
from costmodel.fleet import DeviceClass, Fleet
from costmodel.models import ModelCatalog
from costmodel.tco import price
from placement.problem import Pool

_SECONDS_PER_HOUR = 3600.0
DRIVERS = ("cpu", "simulated")
"""Drivers that this version plans for; the others of a fleet file are for later ones."""


@dataclass(frozen=True, slots=True)
class Pricing:
    """What prices a problem: the fleet with its profile, model shapes, and which precisions and batch to offer.

    `corrections` take the roofline of text generators to what was measured; None: the plain roofline, without
    intervals. `rotates`: while one half of a decode with offloaded attention serves a call, the other serves another.
    """

    fleet: Fleet
    models: ModelCatalog
    precisions: tuple[str, ...] = ("fp16",)
    batch: int = 1
    corrections: Corrections | None = None
    rotates: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One way to run an operator; `latency_s` and `cost_usd` are of one visit, as `Option` has them."""

    pool: Pool
    latency_s: float
    cost_usd: float
    source: str
    batch: int = 1
    bound_by: str = ""
    notes: tuple[str, ...] = ()
    device_s: float | None = None
    parts_s: tuple[float, ...] = ()
    low_s: float | None = None
    high_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an operator has no row at a place. `is_limit`: it could be priced, but a limit such as memory forbids it."""

    place: str
    why: str
    is_limit: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


def usd_per_s(device_class: DeviceClass, fleet: Fleet) -> float:
    """Price of one device in use, US dollars per second. Raises `FleetError` for a class without a price."""
    return price(device_class, fleet).usd_per_hour / _SECONDS_PER_HOUR


def check_fleet(fleet: Fleet) -> None:
    """Raises `FleetError` for a fleet that one agent without a load cannot be planned for."""
    if fleet.cost_basis != "metered":
        raise FleetError(
            f"fleet {fleet.name!r} has cost_basis: {fleet.cost_basis}, which pays for replicas by the hour: say how "
            "much the agents run with `plan FILE... --load LOAD`, or write cost_basis: metered (price x time used)"
        )
    check_drivers(fleet)


def check_drivers(fleet: Fleet) -> None:
    """Raises `FleetError` for a class whose driver this version does not have."""
    for each in fleet.classes:
        if each.driver not in DRIVERS:
            raise FleetError(
                f"class {each.id!r} of fleet {fleet.name!r} has the driver {each.driver!r}, which this version does "
                f"not have; write driver: simulated, or leave it out (there are {', '.join(DRIVERS)})"
            )
        if each.driver == "cpu" and not runs_functions(each):
            raise FleetError(
                f"class {each.id!r} of fleet {fleet.name!r} has the driver 'cpu', which runs functions on CPU cores, "
                "but it is no CPU; write driver: simulated, or leave it out"
            )


def runs_functions(device_class: DeviceClass) -> bool:
    """Whether users' functions may be placed on a class: CPU cores, real or simulated."""
    if device_class.device is None:
        return device_class.driver == "cpu"
    return device_class.device.kind == "cpu"


def cpu_pool(device_class: DeviceClass) -> Pool:
    """The pool of a CPU class that runs users' functions, one core a call."""
    return Pool(
        id=f"{device_class.id}/functions",
        device=device_class.id,
        site=device_class.site,
        tp=1,
        model=None,
        precision=None,
        place=device_class.id,
        kv_place=device_class.id,
        driver=device_class.driver,
    )


def model_pool(device_class: DeviceClass, model: str, tp: int, precision: str, part: str | None = None) -> Pool:
    """The pool that holds a model, or a part of one, on `tp` devices.

    A CPU class runs users' functions, but models only simulated.
    """
    suffix = "" if part is None else f"/{part}"
    return Pool(
        id=f"{device_class.id}/{model}/tp{tp}/{precision}{suffix}",
        device=device_class.id,
        site=device_class.site,
        tp=tp,
        model=model,
        precision=precision,
        place=device_class.id,
        kv_place=f"{device_class.id}/{model}{suffix}",
        driver="simulated" if device_class.driver == "cpu" else device_class.driver,
        part=part,
    )
