"""Links between device classes, and what it takes to move bytes over them.

A link that the fleet file states wins; else devices of one chassis use their scale-up fabric, those of one site their
network cards, and between sites there is nothing.
"""

from __future__ import annotations

from costmodel.errors import CostError
from costmodel.fleet import DeviceClass, Fleet, Link


def link_between(fleet: Fleet, a: DeviceClass, b: DeviceClass) -> Link | None:
    """The link from `a` to `b`, or None. Links of the file go one way: state both for both.

    A class end is more exact than a site end. Without a stated link: same chassis (or one class within its scale-up
    domain), the slower scale-up; same site, the slower network card; the latency is the larger. A class absent from
    the catalog has no default link.
    """
    for source, target in ((a.id, b.id), (a.id, b.site), (a.site, b.id), (a.site, b.site)):
        for link in fleet.links:
            if (link.source, link.target) == (source, target):
                return link
    if a.device is None or b.device is None or a.site != b.site:
        return None
    if _share_chassis(a, b):
        slower = min(a.device.scaleup_bytes_per_s, b.device.scaleup_bytes_per_s)
        latency_s = max(a.device.scaleup_latency_s, b.device.scaleup_latency_s)
        return Link(a.id, b.id, slower, latency_s, 0.0, "scale-up of the slower")
    slower = min(a.device.scaleout_bytes_per_s, b.device.scaleout_bytes_per_s)
    latency_s = max(a.device.scaleout_latency_s, b.device.scaleout_latency_s)
    return Link(a.id, b.id, slower, latency_s, 0.0, "scale-out of the slower")


def _share_chassis(a: DeviceClass, b: DeviceClass) -> bool:
    if a.id == b.id and a.device is not None:
        return a.chassis is not None or a.count <= a.device.scaleup_domain
    return a.chassis is not None and a.chassis == b.chassis


def transfer_s(link: Link, size_bytes: float) -> float:
    """Seconds until the last of `size_bytes` arrives: the link's latency, then its rate."""
    _check(size_bytes)
    moving_s = 0.0 if link.bytes_per_s is None else size_bytes / link.bytes_per_s
    return link.latency_s + moving_s


def transfer_usd(link: Link, size_bytes: float) -> float:
    """What the link charges for `size_bytes`, US dollars."""
    _check(size_bytes)
    return link.usd_per_byte * size_bytes


def _check(size_bytes: float) -> None:
    if not 0 <= size_bytes < float("inf"):
        raise CostError(f"a transfer moves a finite number of bytes of at least 0, got {size_bytes!r}")
