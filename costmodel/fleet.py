"""The fleet: which device classes there are, how many, where, how they are linked and what money costs.

Frozen records that the cost model and placement read; the file's border is `fleet_document`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from costmodel.catalog import SHIPPED, Catalog, load_catalog
from costmodel.errors import CatalogError, FleetError, ProfileError
from costmodel.fleet_document import DeviceDocument, FleetDocument, LinkDocument, read_document
from costmodel.hardware import Device
from costmodel.names import candidates
from costmodel.profile import Profile, load_profile


@dataclass(frozen=True, slots=True)
class Finance:
    """How capital becomes an hourly price: `kind` annuity or paper, interest a year, years of life, paper's column.

    `residual` is the share of the price that is left after `years`.
    """

    kind: str = "annuity"
    rate: float = 0.08
    years: float = 4.0
    column: str = "full"
    residual: float = 0.0


@dataclass(frozen=True, slots=True)
class Overheads:
    """What an accelerator costs beside itself: shares of its price, the host's watts for each, and rent.

    A CPU is its own host, so `host_share` and `host_w` do not apply to it. Rent is for each kW that a device and its
    host may draw, in US dollars a month.
    """

    host_share: float = 0.0
    network_share: float = 0.0
    host_w: float = 0.0
    colocation_usd_per_kw_month: float = 0.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server; `key_env` names the environment variable that holds its key."""

    url: str
    model: str
    key_env: str | None
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """`count` devices of one kind at a site; `device` is None for a class that only profile rows describe.

    `price_usd` of one device and `usd_per_hour` of one device replace the catalog's price and the whole calculation.
    `bought` is which price of the catalog counts: new, used or cloud. `power_w` is what a busy device was measured to
    draw.
    """

    id: str
    device: Device | None
    count: int
    site: str
    chassis: str | None
    driver: str
    price_usd: float | None = None
    usd_per_hour: float | None = None
    endpoint: Endpoint | None = None
    bought: str = "new"
    power_w: float | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link one way; `source` and `target` are ids of classes or names of sites. `bytes_per_s` None: no such limit."""

    source: str
    target: str
    bytes_per_s: float | None
    latency_s: float
    usd_per_byte: float
    basis: str = "fleet file"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything a plan needs to know of the hardware. Money is in US dollars.

    `power_share` is the power of a busy device as a share of its TDP; `gco2e_per_kwh` None: that of the catalog.
    """

    name: str
    catalog: Catalog
    currency: str
    electricity_usd_per_kwh: float
    pue: float
    finance: Finance
    cost_basis: str
    classes: tuple[DeviceClass, ...]
    links: tuple[Link, ...]
    profile: Profile
    overheads: Overheads = Overheads()
    power_share: float = 1.0
    gco2e_per_kwh: float | None = None
    hypotheses: tuple[str, ...] = ()

    def device_class(self, id_: str) -> DeviceClass:
        """The class with this id. Raises FleetError."""
        for each in self.classes:
            if each.id == id_:
                return each
        raise FleetError(
            f"fleet {self.name!r} has no class {id_!r}; it has {', '.join(each.id for each in self.classes)}"
        )


def load_fleet(path: Path | str) -> Fleet:
    """The fleet of a YAML file; paths in it are relative to it. Raises FleetError, CatalogError or ProfileError."""
    path = Path(path)
    document = read_document(path)
    name = document.catalog
    catalog = load_catalog(name if name in SHIPPED else path.parent / name)
    profile = load_profile(path.parent / document.profile) if document.profile else Profile()
    classes: list[DeviceClass] = []
    written: dict[str, str] = {}
    for each in document.devices:
        device_class = _device_class(each, catalog, profile, path)
        if any(other.id == device_class.id for other in classes):
            raise FleetError(
                f"{path}: the class {device_class.id!r} stands twice; give one entry with the sum of the counts"
            )
        classes.append(device_class)
        written[each.class_] = device_class.id
    _refuse_short_names(profile, {each.id for each in classes}, catalog, path)
    sites = {each.site for each in classes}
    return Fleet(
        name=document.name,
        catalog=catalog,
        currency=document.currency,
        electricity_usd_per_kwh=_either(document.electricity_usd_per_kwh, catalog.electricity_usd_per_kwh),
        pue=_either(document.pue, catalog.pue),
        finance=_finance(document, path),
        cost_basis=document.cost_basis,
        classes=tuple(classes),
        links=_links(document.links, written, sites, path),
        profile=profile,
        overheads=_overheads(document),
        power_share=document.power_share,
        gco2e_per_kwh=document.gco2e_per_kwh,
        hypotheses=tuple(document.hypotheses),
    )


def _either(given: float | None, default: float) -> float:
    return default if given is None else given


def _overheads(document: FleetDocument) -> Overheads:
    given = document.overheads
    return Overheads(given.host_share, given.network_share, given.host_w, given.colocation_usd_per_kw_month)


def _finance(document: FleetDocument, path: Path) -> Finance:
    finance = document.finance
    beyond = document.overheads.model_fields_set | (finance.model_fields_set & {"residual"})
    if finance.kind == "paper" and beyond:
        raise FleetError(
            f"{path}: the paper's finance has no {', '.join(sorted(beyond))}; take them out, or write kind: annuity"
        )
    if finance.kind == "annuity" and finance.column == "operating":
        raise FleetError(f"{path}: finance.column: operating belongs to kind: paper; an annuity has no such column")
    return Finance(finance.kind, finance.rate, finance.years, finance.column, finance.residual)


def _device_class(document: DeviceDocument, catalog: Catalog, profile: Profile, path: Path) -> DeviceClass:
    device = _device(document.class_, catalog, profile, path)
    is_cpu = device is not None and device.kind == "cpu"
    driver = document.driver or ("cpu" if is_cpu else "simulated")
    if (driver == "openai") != (document.endpoint is not None):
        raise FleetError(
            f"{path}: class {document.class_!r}: driver openai and an endpoint go together; give both or none"
        )
    endpoint = document.endpoint
    given = [name for name in ("price_usd", "usd_per_hour") if getattr(document, name) is not None]
    if document.price is not None and given:
        raise FleetError(
            f"{path}: class {document.class_!r}: price: {document.price} asks for the catalog's price, but "
            f"{' and '.join(given)} gives one; keep one"
        )
    return DeviceClass(
        id=document.class_ if device is None else device.id,
        device=device,
        count=document.count,
        site=document.site,
        chassis=document.chassis,
        driver=driver,
        price_usd=document.price_usd,
        usd_per_hour=document.usd_per_hour,
        endpoint=endpoint and Endpoint(endpoint.url, endpoint.model, endpoint.key_env, endpoint.max_concurrency),
        bought=document.price or "new",
        power_w=document.power_w,
    )


def _device(name: str, catalog: Catalog, profile: Profile, path: Path) -> Device | None:
    """The catalog's device; None for a class that the profile covers under this very name."""
    if not catalog.has(name) and profile.has_device(name):
        return None
    try:
        return catalog.device(name)
    except CatalogError as error:
        raise FleetError(f"{path}: class {name!r}: {error}; or give a profile with rows of this class") from error


def _refuse_short_names(profile: Profile, ids: set[str], catalog: Catalog, path: Path) -> None:
    """A row of a class's short form would measure nothing, as rows are found by the whole id."""
    for name in sorted({end for row in profile.measurements for end in row.device.split("->")}):
        meant = () if name in ids or catalog.has(name) else candidates(name, ids)
        if meant:
            raise ProfileError(
                f"{path}: rows of a profile name a class by its whole id, got {name!r}; write {' or '.join(meant)}"
            )


def _links(documents: list[LinkDocument], written: dict[str, str], sites: set[str], path: Path) -> tuple[Link, ...]:
    links: dict[tuple[str, str], Link] = {}
    for each in documents:
        source, target = (_end(name, written, sites, path) for name in (each.from_, each.to))
        if (source, target) in links:
            raise FleetError(f"{path}: the link from {source!r} to {target!r} stands twice; keep one")
        links[source, target] = Link(source, target, each.bytes_per_s, each.latency_s, each.usd_per_byte)
    return tuple(links.values())


def _end(name: str, written: dict[str, str], sites: set[str], path: Path) -> str:
    ids = {*written.values()}
    class_id = name if name in ids else written.get(name)
    if class_id is not None and name in sites:
        raise FleetError(f"{path}: link end {name!r} is both a class and a site; rename the site")
    if class_id is None and name not in sites:
        known = ", ".join(sorted({*written, *ids, *sites}))
        raise FleetError(f"{path}: link end {name!r} is neither a class nor a site of this fleet; known: {known}")
    return name if class_id is None else class_id
