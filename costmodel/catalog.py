"""Catalogs of devices: the shipped ones by name, or a file of facts of one's own.

A catalog also holds the electricity price, PUE and carbon intensity that go with it, which a fleet may override.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from costmodel.errors import CatalogError
from costmodel.facts import Entry, Fact, Source, read_facts
from costmodel.hardware import Device, device_from_facts
from costmodel.names import resolve

SHIPPED: Mapping[str, str] = {"default": "hardware.csv", "paper-2025": "paper-2025.csv"}
"""Catalogs by name, and their files under costmodel/data."""

SITE = "site"
"""The id whose facts are of the place, not of a device: `electricity_usd_per_kwh`, `pue` and `gco2e_per_kwh`."""

_OF_SITE = ("electricity_usd_per_kwh", "pue", "gco2e_per_kwh")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Devices by id with their sources; devices that lack a fact are kept as `entries` and refused when asked for."""

    name: str
    entries: Mapping[str, Entry] = field(hash=False)
    electricity_usd_per_kwh: float
    pue: float
    gco2e_per_kwh: float
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source], compare=False)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every device id, in the file's order."""
        return tuple(self.entries)

    def device(self, id_or_alias: str) -> Device:
        """The device with this id, or the only one whose id begins so. Raises CatalogError.

        A device that is only a design goal answers to its full id alone, never to an alias.
        """
        existing = [each for each, entry in self.entries.items() if each == id_or_alias or not _is_goal(entry)]
        try:
            id_ = resolve(id_or_alias, existing)
        except LookupError as error:
            raise CatalogError(f"no device in catalog {self.name!r}: {error}") from error
        return device_from_facts(id_, self.entries[id_])

    def has(self, id_: str) -> bool:
        """True when the catalog has exactly this id."""
        return id_ in self.entries


def _is_goal(entry: Entry) -> bool:
    return any(fact.source.confidence == "goal" for fact in entry.values())


def load_catalog(name_or_path: str | Path) -> Catalog:
    """A shipped catalog by name (`default`, `paper-2025`) or one from a CSV file of facts. Raises CatalogError."""
    name = str(name_or_path)
    if name in SHIPPED:
        return _shipped(name)
    path = Path(name_or_path)
    if not path.is_file():
        raise CatalogError(f"a catalog is one of {', '.join(SHIPPED)} or the path of a CSV file, got {name!r}")
    return _catalog(name, path)


@cache
def _shipped(name: str) -> Catalog:
    return _catalog(name, Path(str(files("costmodel").joinpath("data", SHIPPED[name]))))


def _catalog(name: str, path: Path) -> Catalog:
    entries = read_facts(path)
    site = entries.pop(SITE, {})
    if name != "default":
        default = _shipped("default")
        entries = _completed(_extended(entries, site.pop("extends", None)), default)
        site = {**_site_facts(), **site}
    missing = [each for each in _OF_SITE if each not in site]
    if missing:
        raise CatalogError(f"{path}: the rows of {SITE!r} lack {', '.join(missing)}")
    return Catalog(
        name=name,
        entries=entries,
        electricity_usd_per_kwh=site["electricity_usd_per_kwh"].number(),
        pue=site["pue"].number(),
        gco2e_per_kwh=site["gco2e_per_kwh"].number(),
        sources={each: fact.source for each, fact in site.items()},
    )


def _extended(entries: dict[str, dict[str, Fact]], extends: Fact | None) -> dict[str, dict[str, Fact]]:
    """With `site,extends,NAME`: the devices of that shipped catalog, overridden fact by fact, and the file's own."""
    if extends is None:
        return entries
    if extends.value not in SHIPPED:
        raise CatalogError(f"{extends.where}: extends must be one of {', '.join(SHIPPED)}, got {extends.value!r}")
    shipped = _shipped(extends.value).entries
    new = {id_: entry for id_, entry in entries.items() if id_ not in shipped}
    return {**{id_: {**entry, **entries.get(id_, {})} for id_, entry in shipped.items()}, **new}


def _site_facts() -> Entry:
    path = Path(str(files("costmodel").joinpath("data", SHIPPED["default"])))
    return read_facts(path)[SITE]


def _completed(entries: dict[str, dict[str, Fact]], default: Catalog) -> dict[str, dict[str, Fact]]:
    """Fills each entry from the default device that its `base` names, marked so; adds the default catalog's CPUs."""
    done: dict[str, dict[str, Fact]] = {}
    for id_, entry in entries.items():
        own = dict(entry)
        base = own.pop("base", None)
        if base is not None and base.value not in default.entries:
            raise CatalogError(f"{base.where}: base must be a device of the default catalog, got {base.value!r}")
        inherited = {} if base is None else _marked(default.entries[base.value])
        done[id_] = {**inherited, **own}
    for id_, entry in default.entries.items():
        if entry["kind"].value == "cpu" and id_ not in done:
            done[id_] = _marked(entry)
    return done


def _marked(entry: Entry) -> dict[str, Fact]:
    note = "from the default catalog, not from this one: "
    return {
        name: Fact(fact.value, Source(note + fact.source.text, fact.source.confidence), fact.where)
        for name, fact in entry.items()
    }
