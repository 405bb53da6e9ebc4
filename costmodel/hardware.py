"""What hardware has: a device's memory, bandwidth, arithmetic rates, links, power and price.

Kept apart from what work asks (`work`) and from what it then costs (`roofline`, `tco`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from costmodel.errors import CatalogError
from costmodel.facts import Entry, Source

Kind = Literal["gpu", "asic", "cpu", "other"]

REQUIRED = ("kind", "mem_bytes", "mem_bytes_per_s", "tdp_w", "scaleout_bytes_per_s", "scaleout_latency_s")
"""Fields without which a device cannot be costed; an accelerator also needs the `scaleup_*` fields."""

_RATE = "flops_per_s."


@dataclass(frozen=True, slots=True)
class Device:
    """One device as work sees it; an accelerator is a card or module, a CPU is one core with its share of the socket.

    `mem_bytes` is usable memory. `flops_per_s` maps precision to the dense rate. `scaleup_bytes_per_s` is one
    direction of one device, `scaleup_domain` the number of devices that it joins. A CPU core's scale-up is the memory
    that the socket's cores share, its domain their number (`cores`); its scale-out NIC is the socket's, undivided.
    `price_usd` and `price_used_usd` are midpoints of the new and the used price, None where there is no public one.
    `operating_usd_per_hour` is only in catalogs that print one. `embodied_kgco2e` is what making it emitted.
    `host_bytes_per_s` is the rate of the bus to its host's memory, one way, None where it has none or nobody says.
    """

    id: str
    name: str
    vendor: str
    kind: Kind
    mem_bytes: float
    mem_bytes_per_s: float
    flops_per_s: Mapping[str, float] = field(hash=False)
    tdp_w: float
    scaleup_bytes_per_s: float
    scaleup_domain: int
    scaleup_latency_s: float
    scaleout_bytes_per_s: float
    scaleout_latency_s: float
    price_usd: float | None = None
    cloud_usd_per_hour: float | None = None
    operating_usd_per_hour: float | None = None
    cores: int | None = None
    price_used_usd: float | None = None
    embodied_kgco2e: float | None = None
    host_bytes_per_s: float | None = None
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source], compare=False)

    @property
    def is_goal(self) -> bool:
        """True for a product that does not exist yet: its figures are design goals."""
        return any(source.confidence == "goal" for source in self.sources.values())


def device_from_facts(id_: str, entry: Entry) -> Device:
    """A device from its facts; those of a CPU are of the socket and are divided by its cores. Raises CatalogError."""
    kind = entry["kind"].value if "kind" in entry else "other"
    if kind not in get_args(Kind):
        raise CatalogError(f"{entry['kind'].where}: kind must be one of {', '.join(get_args(Kind))}, got {kind!r}")
    of_cpu = ("cores", "scaleup_latency_s")
    of_accelerator = ("scaleup_bytes_per_s", "scaleup_domain", "scaleup_latency_s")
    lacking = [name for name in (*REQUIRED, *(of_cpu if kind == "cpu" else of_accelerator)) if name not in entry]
    if lacking:
        raise CatalogError(
            f"device {id_!r} cannot be costed: its catalog row lacks {', '.join(lacking)}. "
            "Use another device, or give the missing facts in a catalog file of your own"
        )
    numbers = {name: fact.number() for name, fact in entry.items() if name not in {"vendor", "name", "kind"}}
    rates = {name.removeprefix(_RATE): rate for name, rate in numbers.items() if name.startswith(_RATE)}
    shares = _core_shares(numbers) if kind == "cpu" else {}
    share = 1 / numbers["cores"] if kind == "cpu" else 1.0
    numbers |= shares
    price, used = (_midpoint(numbers, name) for name in ("price_new_usd", "price_used_usd"))
    embodied = numbers.get("embodied_kgco2e")
    return Device(
        id=id_,
        name=entry["name"].value if "name" in entry else id_,
        vendor=entry["vendor"].value if "vendor" in entry else "",
        kind=cast(Kind, kind),
        mem_bytes=numbers["mem_bytes"],
        mem_bytes_per_s=numbers["mem_bytes_per_s"],
        flops_per_s={name: rate * share for name, rate in rates.items()},
        tdp_w=numbers["tdp_w"],
        scaleup_bytes_per_s=numbers["scaleup_bytes_per_s"],
        scaleup_domain=int(numbers["scaleup_domain"]),
        scaleup_latency_s=numbers["scaleup_latency_s"],
        scaleout_bytes_per_s=numbers["scaleout_bytes_per_s"],
        scaleout_latency_s=numbers["scaleout_latency_s"],
        price_usd=None if price is None else price * share,
        cloud_usd_per_hour=_midpoint(numbers, "cloud_usd_per_hour"),
        operating_usd_per_hour=numbers.get("operating_usd_per_hour"),
        cores=int(numbers["cores"]) if kind == "cpu" else None,
        price_used_usd=None if used is None else used * share,
        embodied_kgco2e=None if embodied is None else embodied * share,
        host_bytes_per_s=numbers.get("host_bytes_per_s"),
        sources={name: fact.source for name, fact in entry.items()},
    )


def _core_shares(numbers: Mapping[str, float]) -> dict[str, float]:
    """One core's share of a socket; cores reach each other through the memory that they share."""
    cores = numbers["cores"]
    if cores < 1:
        raise CatalogError(f"a CPU has at least one core, got {cores:g}")
    bandwidth = numbers["mem_bytes_per_s"] / cores
    return {
        "mem_bytes": numbers["mem_bytes"] / cores,
        "mem_bytes_per_s": bandwidth,
        "tdp_w": numbers["tdp_w"] / cores,
        "scaleup_bytes_per_s": bandwidth,
        "scaleup_domain": cores,
    }


def _midpoint(numbers: Mapping[str, float], prefix: str) -> float | None:
    """The middle of `prefix`_lo and `prefix`_hi, either alone if only one is there."""
    ends = [numbers[name] for name in (f"{prefix}_lo", f"{prefix}_hi") if name in numbers]
    return sum(ends) / len(ends) if ends else None
