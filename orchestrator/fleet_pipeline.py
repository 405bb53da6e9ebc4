"""The road from several agents and their load to one plan of shared pools, and a plan document for each agent.

Beside `pipeline`, which plans one agent that pays for the time it uses; here replicas are paid by the hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import OrchestratorError
from orchestrator.fleet_refine import SHARE, Planner, Refined, dollars, refine
from orchestrator.graph import AgentTask, Graph, walk
from orchestrator.objective import DEFAULT, Objective, Reached, hourly, parse_objective, reach
from orchestrator.pipeline import DEFAULT_TIME_LIMIT_S, lower

if TYPE_CHECKING:
    from costmodel.calibration import Calibration
    from costmodel.fleet import Fleet
    from placement.load import AgentDemand, Load
    from placement.offer import Named
    from placement.plan import Plan
    from placement.shared_from_ir import SharedLowered
    from placement.shared_homogeneous import SharedHomogeneous
    from placement.shared_plans import Answer
    from placement.shared_solve import SharedSolution

GAP = 0.01
"""The gap at which the search ends."""


class FleetRequestError(OrchestratorError):
    """What is asked of several agents and their fleet does not fit together."""


@dataclass(frozen=True, slots=True)
class FleetRequest:
    """How to plan: precisions that weights may have, and the solver's time and gap.

    `calibration` predicts text generators: `shipped`, the path of what `calibrate` wrote, or `none` for the roofline.
    `objective` is what is minimised, as `parse_objective` reads it. `split`: an operator may be on several pools.
    """

    precisions: tuple[str, ...] = ("fp16",)
    time_limit_s: float = DEFAULT_TIME_LIMIT_S
    gap: float = GAP
    calibration: str = "shipped"
    objective: str = DEFAULT
    split: bool = True


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """The answer for all agents of a load: `answer` and `plans` [agent] are set, or `why` says why there is none.

    `left_out` are agents of the files that the load gives no rate. `objective` was asked for, and `reached` of it;
    `refined` says which levels were looked at, where cost was minimised. `homogeneous`: the best plans found with one
    accelerator class each.
    """

    load: Load
    fleet: Fleet
    graphs: tuple[Graph, ...]
    shared: SharedLowered
    answer: Answer | None
    why: str
    plans: tuple[Plan, ...]
    left_out: tuple[str, ...]
    seconds: float
    objective: Objective = field(default_factory=lambda: parse_objective(DEFAULT))
    reached: Reached | None = None
    refined: Refined | None = None
    homogeneous: tuple[SharedHomogeneous, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether every limit holds."""
        return self.answer is not None


Tell = Callable[[str], None]
"""Says how far planning is, in one line."""


def plan_fleet(
    graphs: Mapping[str, Graph], fleet: Fleet, load: Load, request: FleetRequest, tell: Tell | None = None
) -> FleetPlan:
    """The replicas and placements that are best for the objective and keep every agent's limits at its load.

    Raises `FleetRequestError` for an agent that no file defines and for a fleet that is not paid by the hour, and the
    packages' own errors for what cannot be planned at all.
    """
    from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError

    objective = parse_objective(request.objective)
    refined: Refined | None = None
    began = time.perf_counter()
    tell = tell or (lambda text: None)
    shared = price_fleet(graphs, fleet, load, request)
    check_power(objective, shared, fleet)
    chosen = tuple(graphs[each.agent] for each in load.agents)
    left_out = tuple(left_out_of(graphs, load))
    options = sum(len(each.options) for agent in shared.problem.agents for each in agent.problem.operators)
    tell(f"{len(chosen)} agents, {len(shared.problem.levels)} levels of pools, {options} options")
    lacking = "; ".join(lacks(shared))
    if lacking:
        return FleetPlan(load, fleet, chosen, shared, None, lacking, (), left_out, time.perf_counter() - began)
    try:
        reached = reach(
            objective,
            shared.problem,
            Effort(time_limit_s=request.time_limit_s, gap=request.gap),
            on_better=lambda better: tell(_told(better)),
            split=request.split,
        )
        shared = replace(shared, problem=reached.problem)
        if objective.is_summed:
            first = Refined(shared, reached.solution, len(shared.problem.levels), 0)
            refined = refine(first, _planner(graphs, fleet, load, request, tell), SHARE * request.time_limit_s)
            shared = refined.shared
            reached = replace(reached, problem=shared.problem, solution=refined.solution)
        answer = replace(_answer(reached.solution), bounds_cost=objective.is_cost)
    except (SharedInfeasibleError, SharedUndecidedError) as error:
        reached = None
        answer = _any_answer(shared, error, request.time_limit_s - (time.perf_counter() - began))
        if answer is None:
            return FleetPlan(load, fleet, chosen, shared, None, str(error), (), left_out, time.perf_counter() - began)
    plans = tuple(plans_of(chosen, shared, answer))
    seconds = time.perf_counter() - began
    return FleetPlan(load, fleet, chosen, shared, answer, "", plans, left_out, seconds, objective, reached, refined)


def _planner(graphs: Mapping[str, Graph], fleet: Fleet, load: Load, request: FleetRequest, tell: Tell) -> Planner:
    """Prices and plans the same load with other levels."""
    from placement.shared_solve import Effort, SharedInfeasibleError, SharedUndecidedError

    objective = parse_objective(request.objective)

    def solve(shared: SharedLowered, time_s: float) -> SharedSolution | None:
        effort = Effort(time_limit_s=time_s, gap=request.gap)
        try:
            return reach(objective, shared.problem, effort, lambda better: None, split=request.split).solution
        except (SharedInfeasibleError, SharedUndecidedError):
            return None

    return Planner(
        price=lambda named: price_fleet(graphs, fleet, load, request, named),
        solve=solve,
        on_better=lambda better: tell(f"near the levels of that plan, {_told(better)}"),
        value=hourly(objective) if objective.is_summed else dollars,
    )


def check_power(objective: Objective, shared: SharedLowered, fleet: Fleet) -> None:
    """Raises `FleetRequestError` where watts or carbon are minimised and nobody says what a class draws."""
    from placement.levels import without_power

    unknown = without_power(fleet, [level.pool for level in shared.problem.levels])
    if unknown and any(name in aim for aim in objective.aims for name in ("energy", "carbon")):
        raise FleetRequestError(
            f"the objective {objective.text!r} counts power, but nobody says what {', '.join(unknown)} draws",
            "name a class of the catalog, or minimise cost or latency",
        )


def price_fleet(
    graphs: Mapping[str, Graph], fleet: Fleet, load: Load, request: FleetRequest, named: Named | None = None
) -> SharedLowered:
    """The problem of all agents of a load, with levels that are `named`. Raises as `plan_fleet` does."""
    from costmodel.models import load_models
    from ir import view
    from orchestrator.forms import KEPT_TURNS, SHARED_PREFIXES
    from placement.offer import NONE_NAMED
    from placement.pricing import Pricing
    from placement.shared_from_ir import AgentIr, shared_from_ir

    if fleet.cost_basis != "provisioned":
        raise FleetRequestError(
            f"a load needs a fleet that is paid by the hour, and {fleet.name!r} has cost_basis: {fleet.cost_basis}",
            "write cost_basis: provisioned in the fleet file, or plan without --load",
        )
    irs: list[AgentIr] = []
    for demand in load.agents:
        graph = _graph(graphs, demand)
        module = lower(graph, leave_out={SHARED_PREFIXES} if load.keeps_turns else {SHARED_PREFIXES, KEPT_TURNS})
        irs.append(AgentIr(view.entry(module), replace(demand, sla=demand.sla or graph.sla)))
    fitted = _calibration(request, fleet)
    return shared_from_ir(irs, Pricing(fleet, load_models(), request.precisions), load, fitted, named or NONE_NAMED)


def _calibration(request: FleetRequest, fleet: Fleet) -> Calibration | None:
    """What predicts text generators; the paper's catalog has devices that no calibration was fitted to."""
    from costmodel.calibration import load_calibration

    if request.calibration == "none" or fleet.catalog.name == "paper-2025":
        return None
    return load_calibration(None if request.calibration == "shipped" else Path(request.calibration))


def _graph(graphs: Mapping[str, Graph], demand: AgentDemand) -> Graph:
    if demand.agent not in graphs:
        raise FleetRequestError(
            f"the load names the agent {demand.agent!r}, and the files define {', '.join(graphs)}",
            "give the file that defines it, or take it out of the load",
        )
    return graphs[demand.agent]


def left_out_of(graphs: Mapping[str, Graph], load: Load) -> Iterator[str]:
    """Agents that neither the load names nor an agent of the files calls."""
    named = {each.agent for each in load.agents}
    called = {task.graph.name for graph in graphs.values() for task in walk(graph.body) if isinstance(task, AgentTask)}
    return (name for name in graphs if name not in named | called)


def lacks(shared: SharedLowered) -> Iterator[str]:
    """The operators that nothing may run, with the reasons: a memory that is too small, a pin, a limit on tokens."""
    from placement.grouped_reasons import grouped_reasons
    from placement.open_alternatives import closed_alternatives

    for lowered in shared.agents:
        operators = lowered.problem.operators
        closed = closed_alternatives([bool(each.options) for each in operators], lowered.structure)
        for operator, within in zip(operators, lowered.structure.alternatives, strict=True):
            if not operator.options and within not in closed:
                reasons = "; ".join(grouped_reasons(operator.rejected)) or "no device can run it"
                yield f"nothing may run {operator.id} of {lowered.problem.name}: {reasons}"


def _told(better: SharedSolution) -> str:
    cost = better.evaluation.usd_per_hour
    return f"{better.spent.seconds:.1f} s: ${cost:.4g} an hour, gap {better.gap:.1%} (of: {better.bound_scope})"


def _answer(solution: SharedSolution) -> Answer:
    from placement.shared_plans import Answer

    return Answer(
        placement=solution.placement,
        evaluation=solution.evaluation,
        gap=solution.gap,
        bound_scope=solution.bound_scope,
        solver=solution.solver,
        seconds=solution.spent.seconds,
        kappas=solution.kappas,
        unsplit=solution.unsplit,
    )


def _any_answer(shared: SharedLowered, error: Exception, time_s: float) -> Answer | None:
    """Any plan, for a load whose search for the best ended with none that the judge accepts; None where none is found.

    Raises the search's error where its time ran out, since then nothing is known.
    """
    from placement.shared_feasible import feasibility
    from placement.shared_plans import Answer
    from placement.shared_solve import BOUND_SCOPE, SharedInfeasibleError, solver_name

    if isinstance(error, SharedInfeasibleError):
        return None
    if time_s <= 0.0:
        raise error
    began = time.monotonic()
    found = feasibility(shared.problem, began + time_s)
    if found.plan is None or found.verdict is None:
        return None
    seconds = time.monotonic() - began
    return Answer(found.plan, found.verdict, 1.0, BOUND_SCOPE, solver_name(), seconds)


def plans_of(graphs: tuple[Graph, ...], shared: SharedLowered, answer: Answer) -> Iterator[Plan]:
    """A plan document for each agent of an answer."""
    from orchestrator.fleet_provenance import fleet_heading
    from placement.shared_plans import write_plan

    for index, graph in enumerate(graphs):
        yield write_plan(shared, index, answer, fleet_heading(graph, shared, answer))
