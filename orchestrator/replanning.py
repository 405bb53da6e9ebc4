"""From plans that run and an event to new plans that change as little as they must: the road that `replan` takes.

The tables before and after the event are built like those of `plan`, so what is judged is what planning would judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from orchestrator.events import Event, fleet_after
from orchestrator.fleet_pipeline import FleetRequest, plans_of, price_fleet
from orchestrator.graph import Graph
from orchestrator.pipeline import PlanRequest, lower, price_module
from orchestrator.replanned import Reasons, Replanned, Ways, broken, moved, spares
from orchestrator.running import RunningPlanError, running, running_together

if TYPE_CHECKING:
    from costmodel.fleet import Fleet
    from placement.from_ir import Lowered
    from placement.load import Load
    from placement.plan import Plan
    from placement.problem import Placement
    from placement.replan import MovePrice, Replan
    from placement.replan_shared import SharedReplan
    from placement.shared_from_ir import SharedLowered
    from placement.shared_problem import SharedPlacement


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has happened, and the price of an operator's move."""

    event: Event
    price: MovePrice


def replan_agent(graph: Graph, plan: Plan, fleet: Fleet, request: PlanRequest, wanted: Wanted) -> Replanned:
    """A metered plan of one agent after an event. Raises `RunningPlanError`, `EventError`, and as planning does."""
    from ir.sla import Sla
    from placement.infeasible import InfeasibleError
    from placement.replan import replan

    event, price = wanted.event, wanted.price
    if request.sla is None and plan.sla is not None:
        request = replace(request, sla=Sla(plan.sla.stat, plan.sla.limit_s))
    before, after, placement = _tables(graph, plan, (fleet, fleet_after(fleet, event)), request)
    try:
        found = replan(before.problem, placement, after.problem, price)
    except InfeasibleError as error:
        return Replanned(graph.name, "run", why=error.report.text)
    document = _document(graph, after, found)
    ids = [row.id for row in after.problem.operators]
    places = dict(_places(before, placement)), dict(_places(after, found.placement))
    names = [ids[index] for index in found.moved]
    kept = found.kept
    return Replanned(
        name=graph.name,
        unit="run",
        plans=(document,),
        steps=found.steps,
        moved=moved(places, names, {ids[index] for index in found.forced}, Reasons(event, _prices(fleet, event), {})),
        stays=tuple(name for name in places[1] if name not in names),
        before_usd=found.before.cost_usd,
        after_usd=found.after.cost_usd,
        kept_usd=kept.cost_usd if kept is not None and kept.feasible else None,
        broken=tuple(broken(kept.violations)) if kept is not None else ("a pool in use is gone",),
        change_usd=found.change_usd,
        over=price.runs,
        gap=found.gap,
        bound_scope=document.bound_scope,
        solve_s=found.seconds,
        notes=tuple(spares((document,), event)),
    )


@dataclass(frozen=True, slots=True)
class Situation:
    """A fleet and what agents ask of it."""

    fleet: Fleet
    load: Load


def replan_load(
    graphs: Mapping[str, Graph],
    plans: Sequence[Plan],
    situations: tuple[Situation, Situation],
    request: FleetRequest,
    wanted: Wanted,
) -> Replanned:
    """Plans of shared pools, in the load's order, from the situation before an event to that after it.

    They may split traffic over pools. Raises `RunningPlanError`, `EventError`, and as planning does.
    """
    from placement.replan_routes import replan_routed
    from placement.replan_shared import DEFAULT_EFFORT
    from placement.shared_solve import SharedInfeasibleError

    event, price, load = wanted.event, wanted.price, situations[0].load
    before, after = _shared_tables(graphs, plans, situations, request)
    placement = running_together(before, plans)
    effort = replace(DEFAULT_EFFORT, time_limit_s=request.time_limit_s)
    try:
        found = replan_routed(before.problem, placement, after.problem, price, effort)
    except SharedInfeasibleError as error:
        return Replanned(load.name, "hour", why=str(error))
    places = dict(_shared_places(before, placement)), dict(_shared_places(after, found.placement))
    names, forced = (
        [
            f"{after.agents[agent].problem.name}/{after.agents[agent].problem.operators[index].id}"
            for agent, index in some
        ]
        for some in (found.moved, found.forced)
    )
    reasons = Reasons(event, _prices(situations[0].fleet, event), dict(_rates(situations)))
    kept, documents = found.kept, _documents(graphs, after, found)
    return Replanned(
        name=load.name,
        unit="hour",
        plans=documents,
        steps=found.steps,
        moved=moved(places, names, set(forced), reasons),
        stays=tuple(name for name in places[1] if name not in names),
        before_usd=found.before.usd_per_hour,
        after_usd=found.after.usd_per_hour,
        kept_usd=kept.usd_per_hour if kept is not None and kept.feasible else None,
        broken=tuple(broken(kept.violations)) if kept is not None else ("a pool in use is gone",),
        change_usd=found.change_usd,
        over=price.runs,
        gap=None if found.gap >= 1.0 else found.gap,
        bound_scope=found.bound_scope,
        solve_s=found.seconds,
        notes=tuple(spares(documents, event)),
    )


def _tables(
    graph: Graph, plan: Plan, fleets: tuple[Fleet, Fleet], request: PlanRequest
) -> tuple[Lowered, Lowered, Placement]:
    """The tables before and after of the form that the plan has: prompts that share prefixes, or none."""
    from costmodel.errors import CostError
    from orchestrator.forms import SHARED_PREFIXES

    first: Exception | None = None
    for leave_out in ({SHARED_PREFIXES}, set[str]()):
        module = lower(graph, leave_out=leave_out, added=request.passes)
        try:
            before = price_module(module, graph, fleets[0], request)
            return before, price_module(module, graph, fleets[1], request), running(before, plan)
        except (RunningPlanError, CostError) as error:
            first = first or error
    assert first is not None, "either form raised"
    raise first


def _shared_tables(
    graphs: Mapping[str, Graph],
    plans: Sequence[Plan],
    situations: tuple[Situation, Situation],
    request: FleetRequest,
) -> tuple[SharedLowered, SharedLowered]:
    """Both tables with the same levels: those that run, and those that are offered after the event."""
    from placement.offer import Named

    running_ids = frozenset(pool.id for plan in plans for pool in plan.pools)
    after = situations[1]
    offered = price_fleet(graphs, after.fleet, after.load, request, Named(running_ids))
    every = Named(running_ids | {level.pool.id for level in offered.problem.levels}, only=True)
    before, after_too = (price_fleet(graphs, one.fleet, one.load, request, every) for one in situations)
    return before, after_too


def _document(graph: Graph, after: Lowered, found: Replan) -> Plan:
    """The plan document of a replanned agent, its bound that of the plans that may be reached."""
    from orchestrator.provenance import heading
    from placement.plan_from_ir import plan_from_ir
    from placement.replan import BOUND_SCOPE
    from placement.solve import Solution

    solution = Solution(
        placement=found.placement,
        evaluation=found.after,
        bound_usd=min(found.bound_usd, found.after.objective_usd),
        gap=found.gap,
        bound_scope=BOUND_SCOPE,
        status="time_limit",
        seconds=found.seconds,
        solver=f"HiGHS {version('highspy')}",
        heuristic_cost_usd=None,
    )
    return plan_from_ir(after, solution, heading(graph, after, solution))


def _documents(graphs: Mapping[str, Graph], after: SharedLowered, found: SharedReplan) -> tuple[Plan, ...]:
    from placement.shared_plans import Answer

    solver = f"HiGHS {version('highspy')}"
    answer = Answer(found.placement, found.after, found.gap, found.bound_scope, solver, found.seconds)
    chosen = tuple(graphs[each.problem.name] for each in after.agents)
    return tuple(plans_of(chosen, after, answer))


def _places(lowered: Lowered, placement: Placement) -> Iterator[tuple[str, Ways]]:
    """The pool of each operator that runs."""
    for row, option in zip(lowered.problem.operators, placement.option, strict=True):
        if option is not None:
            yield row.id, ((1.0, lowered.problem.pools[row.options[option].pool]),)


def _shared_places(shared: SharedLowered, placement: SharedPlacement) -> Iterator[tuple[str, Ways]]:
    """The pools of each operator that runs, of all agents."""
    from placement.taken import taken_by

    for agent, lowered in enumerate(shared.agents):
        for position, ways in taken_by(shared, agent, placement).items():
            name = f"{lowered.problem.name}/{lowered.problem.operators[position].id}"
            yield name, tuple((way.share, lowered.problem.pools[way.option.pool]) for way in ways)


def _prices(fleet: Fleet, event: Event) -> dict[str, float]:
    from costmodel.tco import price

    return {name: price(fleet.device_class(name), fleet).usd_per_hour for name, _ in event.prices}


def _rates(situations: tuple[Situation, Situation]) -> Iterator[tuple[str, tuple[float, float]]]:
    before, after = ({each.agent: each.rate_per_s for each in one.load.agents} for one in situations)
    return ((name, (rate, after[name])) for name, rate in before.items() if after[name] != rate)
