"""Plans of the same agent under a changed fleet, price or SLA, each held beside the plan as it is.

A change edits the fleet or the request and nothing else; the answer is an ordinary plan, so it is proven like one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError
from orchestrator.pipeline import PlanRequest, PlanResult, plan_agent

if TYPE_CHECKING:
    from costmodel.fleet import Fleet
    from placement.plan import Plan

FORMS = "+1:h200_sxm, -1:a40, sla=3s, price:h100_sxm=2.5, or several with commas between"

_COUNT = re.compile(r"([+-]\d+):(.+)")
_PRICE = re.compile(r"price:([^=]+)=(.+)")


class WhatIfError(OrchestratorError):
    """A change that cannot be read, or that the fleet does not allow."""


@dataclass(frozen=True, slots=True)
class Move:
    """An operator whose place the change moves, or a choice that it decides otherwise; None: not in that plan."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A change as written, the plan without and under it, and what moves.

    `more_usd` and `more_s` (mean latency) are of a run, against the base plan; None where either plan is missing.
    `devices` of each class hold the plan's pools.
    """

    change: str
    base: PlanResult
    result: PlanResult
    more_usd: float | None
    more_s: float | None
    devices: dict[str, int]
    moves: tuple[Move, ...]


def what_if(base: PlanResult, changes: Sequence[str]) -> tuple[WhatIf, ...]:
    """The plan under each change alone. Raises `WhatIfError`, or what planning raises."""
    wanted = [_changed(base.fleet, base.request, change) for change in changes]
    return tuple(
        _answer(base, change, plan_agent(base.graph, fleet, request))
        for change, (fleet, request) in zip(changes, wanted, strict=True)
    )


def devices_of(plan: Plan) -> dict[str, int]:
    """By class, the devices that a plan's pools take."""
    used = Counter[str]()
    for pool in plan.pools:
        used[pool.device] += pool.tp * pool.replicas
    return dict(used)


def _changed(fleet: Fleet, request: PlanRequest, change: str) -> tuple[Fleet, PlanRequest]:
    from ir.sla import parse_sla

    for part in (text.strip() for text in change.split(",")):
        if found := _COUNT.fullmatch(part):
            fleet = with_devices(fleet, found[2].strip(), int(found[1]))
        elif found := _PRICE.fullmatch(part):
            fleet = with_price(fleet, found[1].strip(), found[2])
        elif part.startswith("sla="):
            request = replace(request, sla=parse_sla(part.removeprefix("sla=")))
        else:
            raise WhatIfError(f"--what-if {part!r} is no change that can be read", f"write it as {FORMS}")
    return fleet, request


def with_devices(fleet: Fleet, name: str, more: int) -> Fleet:
    """The fleet with more devices of a class, which may be new to it, or with fewer."""
    from costmodel.fleet import DeviceClass

    found = _class_id(fleet, name)
    if found is not None:
        count = fleet.device_class(found).count + more
        if count < 0:
            raise WhatIfError(f"--what-if takes {-more} {found} away, but the fleet has {count - more}", "take fewer")
        rows = (replace(each, count=count) if each.id == found else each for each in fleet.classes)
        return replace(fleet, classes=tuple(rows))
    if more < 0:
        fleet.device_class(name)  # raises, with the classes that there are
    device = fleet.catalog.device(name)
    at = Counter[str]()
    for each in fleet.classes:
        at[each.site] += each.count
    site = at.most_common(1)[0][0] if at else "local"
    added = DeviceClass(device.id, device, more, site, None, "cpu" if device.kind == "cpu" else "simulated")
    return replace(fleet, classes=(*fleet.classes, added))


def with_price(fleet: Fleet, name: str, amount: str) -> Fleet:
    """The fleet with another price of an hour of one device."""
    try:
        usd_per_hour = float(amount)
    except ValueError:
        usd_per_hour = math.nan
    if not 0.0 <= usd_per_hour < math.inf:
        raise WhatIfError(f"--what-if price {amount!r} is no price", "give US dollars per hour of a device, 0 or more")
    found = fleet.device_class(_class_id(fleet, name) or name).id
    rows = (
        replace(each, usd_per_hour=usd_per_hour, price_usd=None) if each.id == found else each for each in fleet.classes
    )
    return replace(fleet, classes=tuple(rows))


def _class_id(fleet: Fleet, name: str) -> str | None:
    """The id of the fleet's class of this name, or of the device that the catalog knows by it."""
    ids = {each.id for each in fleet.classes}
    if name in ids or not fleet.catalog.has(name):
        return name if name in ids else None
    known = fleet.catalog.device(name).id
    return known if known in ids else None


def _answer(base: PlanResult, change: str, result: PlanResult) -> WhatIf:
    before, after = base.plan, result.plan
    if before is None or after is None:
        return WhatIf(change, base, result, None, None, devices_of(after) if after else {}, ())
    more_usd = after.promised.cost_usd - before.promised.cost_usd
    more_s = after.promised.latency_mean_s - before.promised.latency_mean_s
    return WhatIf(change, base, result, more_usd, more_s, devices_of(after), moves_between(before, after))


def moves_between(before: Plan, after: Plan) -> tuple[Move, ...]:
    """The operators at another place in the second plan, in its order, then the choices decided otherwise."""
    old, new = _places(before), _places(after)
    names = dict.fromkeys([*new, *old])
    moved = [Move(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
    choices = dict.fromkeys([*after.choices, *before.choices])
    pairs = ((name, before.choices.get(name), after.choices.get(name)) for name in choices)
    return (*moved, *(Move(name, one, other) for name, one, other in pairs if one != other))


def _places(plan: Plan) -> dict[str, str]:
    from orchestrator.places import device_text

    pools = {pool.id: pool for pool in plan.pools}
    found: dict[str, str] = {}
    for operator in plan.operators:
        pool = pools[operator.routes[0].pool]
        found[operator.id] = device_text(pool.device, pool.tp, pool.precision)
    return found
