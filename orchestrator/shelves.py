"""All that the shipped data knows, as one collection: devices, models, links and figures of energy and carbon.

Four tables of facts with one form; what is asked for by id may stand in any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from costmodel.catalog import Catalog, load_catalog
from costmodel.errors import CatalogError, CostModelError
from costmodel.facts import Entry, read_facts
from costmodel.fleet import DeviceClass, Finance, Fleet
from costmodel.models import model_facts
from costmodel.names import candidates, nearest
from costmodel.profile import Profile
from costmodel.tco import Price, price

KINDS = ("devices", "models", "links", "energy")
"""The shelves, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """The facts of one id; `price` of a device by an annuity on the catalog's terms, None where it has none."""

    id: str
    kind: str
    facts: Entry
    price: Price | None = None


Shelves = Mapping[str, Mapping[str, CatalogEntry]]


def shelves(catalog: str = "default") -> Shelves:
    """Entries by shelf and id. Raises CatalogError for a catalog that is not there."""
    known = load_catalog(catalog)
    return {
        "devices": {
            id_: CatalogEntry(id_, "devices", facts, plain_price(known, id_)) for id_, facts in known.entries.items()
        },
        "models": {id_: CatalogEntry(id_, "models", facts) for id_, facts in model_facts().items()},
        "links": _table("links", "network.csv"),
        "energy": _table("energy", "energy.csv"),
    }


def find(found: Shelves, name: str) -> CatalogEntry:
    """The entry with this id, or the only one of the first shelf with ids that begin so. Raises CatalogError."""
    for shelf in found.values():
        ids = candidates(name, shelf)
        if len(ids) == 1:
            return shelf[ids[0]]
        if ids:
            raise CatalogError(f"{name!r} is the beginning of several: {', '.join(ids)}. Write one of them in full")
    every = [id_ for shelf in found.values() for id_ in shelf]
    raise CatalogError(f"the catalogs have no {name!r}; {nearest(name, every)}")


def of_kind(found: Mapping[str, Mapping[str, CatalogEntry]], kind: str | None) -> Shelves:
    """The shelves of a kind, all of them for None. Raises CatalogError."""
    if kind is not None and kind not in found:
        raise CatalogError(f"there is no kind {kind!r}; use one of {', '.join(KINDS)}")
    return {name: shelf for name, shelf in found.items() if kind in (None, name)}


def _table(kind: str, file: str) -> dict[str, CatalogEntry]:
    path = Path(str(files("costmodel").joinpath("data", file)))
    return {id_: CatalogEntry(id_, kind, facts) for id_, facts in read_facts(path).items()}


def plain_price(known: Catalog, id_: str) -> Price | None:
    """What an hour of a device costs in a fleet that states nothing; None where the catalog does not say enough."""
    fleet = Fleet(
        name=known.name,
        catalog=known,
        currency="USD",
        electricity_usd_per_kwh=known.electricity_usd_per_kwh,
        pue=known.pue,
        finance=Finance(kind="paper" if known.name == "paper-2025" else "annuity"),
        cost_basis="metered",
        classes=(),
        links=(),
        profile=Profile(),
    )
    try:
        return price(DeviceClass(id_, known.device(id_), 1, "", None, "simulated"), fleet)
    except CostModelError:
        return None
