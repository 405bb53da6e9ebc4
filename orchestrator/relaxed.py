"""What stands in the way of an infeasible agent, and every single change that would help, more devices included.

The table of an infeasible plan holds only what fits the fleet, so it is priced again for a fleet with more of each
class; the capacities stay those of the fleet.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from orchestrator.pipeline import PlanResult

if TYPE_CHECKING:
    from placement.problem import Problem
    from placement.relaxations import Conflict, Fix

CHASSIS = 8
"""Each class is priced as if the fleet had at least this many: what a chassis holds."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """Limits that cannot hold together, and the single changes that help, cheapest run first."""

    conflict: Conflict
    fixes: tuple[Fix, ...]


def relaxed(result: PlanResult) -> Relaxed:
    """Of an infeasible result. Raises what pricing raises."""
    from placement.relaxations import conflict, single_fixes

    wide = _with_more_devices(result)
    return Relaxed(conflict(wide), single_fixes(wide))


def relaxed_json(found: Relaxed) -> dict[str, Any]:
    """As keys of a refusal."""
    return {
        "conflict": {**asdict(found.conflict), "limits": list(found.conflict.limits)},
        "fixes": [{"text": fix.text, **asdict(fix)} for fix in found.fixes],
    }


def _with_more_devices(result: PlanResult) -> Problem:
    from placement.from_ir import from_ir
    from placement.held_run import hold

    lowered = result.lowered
    classes = tuple(replace(each, count=max(each.count, CHASSIS)) for each in result.fleet.classes)
    pricing = replace(lowered.pricing, fleet=replace(result.fleet, classes=classes))
    problem = lowered.problem
    wide = from_ir(lowered.graph, pricing, problem.sla, problem.penalty_usd_per_s).problem
    return hold(replace(wide, capacities=problem.capacities), result.request.margin)
