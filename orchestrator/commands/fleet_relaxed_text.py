"""A load that cannot be planned: what stands in its way and what would help, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from orchestrator.commands.text import percent, usd
from orchestrator.fleet_relaxed import FleetRelaxed

if TYPE_CHECKING:
    from placement.shared_fixes import SharedFix

_SEARCHED = "plans that were tried"


def fleet_relaxed_lines(found: FleetRelaxed) -> Iterator[str]:
    """The conflict, a line for each change that helps, and what time was too short for."""
    limits = found.conflict.limits
    if limits:
        scope = "surrogate" if found.conflict.is_proven else _SEARCHED
        yield f"these cannot hold together (of: {scope}): {'; '.join(term.text for term in limits)}"
    else:
        yield "no limit by itself or with others stands in the way: without all of them there is no plan either"
    if not found.conflict.is_irreducible:
        yield "note: time ran out before it was known whether fewer of them conflict; a longer --time-limit helps"
    for fix in found.fixes.found:
        yield f"fix: {fix.text}; then {_cost(fix)}"
    still_open = found.fixes.open
    if still_open:
        yield f"note: time ran out before it was known whether a change of these helps: {_names(found)}"
    elif limits and not found.fixes.found:
        yield "no change of one of them alone helps"


def fleet_relaxed_json(found: FleetRelaxed) -> dict[str, Any]:
    """As keys of the answer; a fix has its limit's unit, and US dollars an hour."""
    standing = found.conflict
    return {
        "conflict": {
            "limits": [term.text for term in standing.limits],
            "is_irreducible": standing.is_irreducible,
            "scope": "surrogate" if standing.is_proven else _SEARCHED,
        },
        "fixes": [
            {
                "text": fix.text,
                "kind": fix.term.kind,
                "what": fix.term.what,
                "before": fix.term.before,
                "after": fix.after,
                "usd_per_hour": fix.usd_per_hour,
                "gap": fix.gap,
            }
            for fix in found.fixes.found
        ],
        "undecided": [term.text for term in found.fixes.open],
    }


def _names(found: FleetRelaxed) -> str:
    return "; ".join(term.text for term in found.fixes.open)


def _cost(fix: SharedFix) -> str:
    if fix.gap is None:
        return f"{usd(fix.usd_per_hour)} per hour or less"
    return f"{usd(fix.usd_per_hour)} per hour, gap {percent(fix.gap)}"
