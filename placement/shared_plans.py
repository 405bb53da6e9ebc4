"""From a shared placement to one plan document for each agent: the pools that it uses, with all their replicas.

The documents are those of metered plans, so that the runtime runs either; what differs is how pools are sized and what
a call costs, which is its part of pools that are paid by the hour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from costmodel.errors import CostError, FleetError
from costmodel.loading import load_s
from costmodel.tco import price
from placement import plan
from placement.evaluate import Evaluation
from placement.from_ir import Lowered
from placement.plan_from_ir import Heading, plan_from_ir
from placement.plan_pools import serving_pool
from placement.problem import Option, Pool
from placement.shared_agent import AgentEvaluation
from placement.shared_evaluate import SharedEvaluation
from placement.shared_from_ir import SharedLowered
from placement.shared_problem import Level, SharedPlacement
from placement.shared_solve import Unsplit
from placement.solve import Solution
from placement.taken import Taken, group_names, mean_moves, taken_by
from placement.turns import takes_turns

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A placement that the judge accepts, with the bound on the objective of all agents together.

    `kappas` [agent] are those at which it was solved; none where it comes from elsewhere. `bounds_cost`: the objective
    is dollars, so that its gap says how much cheaper a plan could be; otherwise nothing is proven of dollars.
    `unsplit`: the best plan found that splits no traffic, where this one does; None too where none was found.
    """

    placement: SharedPlacement
    evaluation: SharedEvaluation
    gap: float
    bound_scope: str
    solver: str
    seconds: float
    kappas: tuple[float, ...] = ()
    bounds_cost: bool = True
    unsplit: Unsplit | None = None


def write_plan(shared: SharedLowered, agent: int, answer: Answer, heading: Heading) -> plan.Plan:
    """The plan document of one agent.

    Its bound is its part of the bound of all agents: its cost x (1 - gap), or 0 where the objective is not cost.
    """
    lowered, verdict = shared.agents[agent], answer.evaluation.agents[agent]
    pools = list(_pools(shared, answer, agent))
    moves = mean_moves(shared, agent, answer.placement)
    document = plan_from_ir(lowered, _solution(verdict, answer, agent), heading, pools, moves)
    changes = {lowered.specs[position].id: change for position, change in _changes(shared, agent, answer)}
    operators = [each.model_copy(update=changes[each.id]) for each in document.operators]
    budget = shared.problem.budget
    limits = {
        "usd_per_hour": budget.usd_per_hour,
        "watts": budget.watts,
        "gco2e_per_hour": budget.gco2e_per_hour,
    }
    return document.model_copy(
        update={
            "operators": operators,
            "cost_basis": "provisioned",
            "budget": {name: limit for name, limit in limits.items() if limit is not None},
        }
    )


def call_usd(shared: SharedLowered, answer: Answer, way: Taken) -> float:
    """What a call costs on one of its ways: its fee, and its part of the level by the time it keeps a slot busy."""
    slot_s = way.service.held(shared.problem.margin).slot_s
    level, load = shared.problem.levels[way.option.pool], answer.evaluation.levels[way.option.pool]
    part = slot_s / load.busy_slots if load.busy_slots else 0.0
    return way.option.cost_usd + part * load.replicas * level.usd_per_hour / _SECONDS_PER_HOUR


def _model(shared: SharedLowered, agent: int, position: int, way: Taken) -> str | None:
    """The model of an operator: of a pool of several the one that its option is of."""
    loading = way.service.loading
    model = shared.problem.levels[way.option.pool].pool.model
    if loading is not None or model is None:
        return None if loading is None else loading.model
    own = [name for name in model.split("+") if name in shared.agents[agent].specs[position].models]
    return own[0] if len(own) == 1 else model


def _changes(shared: SharedLowered, agent: int, answer: Answer) -> Iterator[tuple[int, dict[str, object]]]:
    """By operator what a plan of one agent that pays by the call says otherwise."""
    groups = group_names(shared, agent, answer.placement)
    for position, ways in taken_by(shared, agent, answer.placement).items():
        change: dict[str, object] = {
            "promised": _promise(shared, agent, answer, (position, ways)),
            "model": _model(shared, agent, position, ways[0]),
        }
        if len(ways) > 1:
            pools = shared.agents[agent].problem.pools
            change["routes"] = [
                plan.Route(pool=pools[way.option.pool].id, share=way.share, mean_s=way.option.latency_s) for way in ways
            ]
            change["group"] = groups.get(position)
        yield position, change


def _promise(shared: SharedLowered, agent: int, answer: Answer, taken: tuple[int, Sequence[Taken]]) -> plan.Promise:
    """The time of a visit as estimated, without the margin; what it waits at the planned load is a note."""
    position, ways = taken
    first = ways[0].option
    waiting_s = answer.evaluation.agents[agent].waiting_s[position]
    devices = [way.option.device_s for way in ways]
    known = [each for each in devices if each is not None]
    return plan.Promise(
        mean_s=_mean(ways, [way.option.latency_s for way in ways]),
        cost_usd=_mean(ways, [call_usd(shared, answer, way) for way in ways]),
        source=first.source,
        notes=[*first.notes, *_switching(shared, answer, first), _waits(waiting_s)],
        device_s=_mean(ways, known) if len(known) == len(devices) else None,
    )


def _mean(ways: Sequence[Taken], values: Sequence[float]) -> float:
    if len(ways) == 1:
        return values[0]
    return math.fsum(way.share * value for way, value in zip(ways, values, strict=True))


def _waits(waiting_s: float) -> str:
    return f"waits {waiting_s:.3g} s for a slot on average at the planned load"


def _switching(shared: SharedLowered, answer: Answer, option: Option) -> Iterator[str]:
    """What the estimate leaves out where models take turns."""
    found = answer.evaluation.levels[option.pool].switches
    if takes_turns(shared.problem.levels[option.pool].pool):
        yield (
            f"the models of its pool take turns: {found.share:.0%} of all calls there load theirs first, "
            f"{found.seconds:.3g} s each with the margin"
        )


def _solution(verdict: AgentEvaluation, answer: Answer, agent: int) -> Solution:
    """One agent's part as the record that plans are written from."""
    judged = Evaluation(
        latency_s=verdict.latency_s,
        latency_mean_s=verdict.latency_mean_s,
        latency_worst_s=verdict.latency_worst_s,
        cost_usd=verdict.usd_per_run,
        penalty_usd=0.0,
        objective_usd=verdict.usd_per_run,
        violations=(),
        critical_path=verdict.critical_path,
        operator_latency_s=verdict.operator_s,
        operator_cost_usd=(),
        edge_latency_s=verdict.edge_s,
        edge_cost_usd=(),
        slack_s=verdict.slack_s,
        devices_used={},
    )
    return Solution(
        placement=answer.placement.agents[agent],
        evaluation=judged,
        bound_usd=verdict.usd_per_run * (1.0 - answer.gap) if answer.bounds_cost else 0.0,
        gap=answer.gap if answer.bounds_cost else 1.0,
        bound_scope=f"{answer.bound_scope}, all agents together",
        status="optimal",
        seconds=answer.seconds,
        solver=answer.solver,
        heuristic_cost_usd=None,
    )


def _pools(shared: SharedLowered, answer: Answer, agent: int) -> Iterator[plan.PlanPool]:
    taken = taken_by(shared, agent, answer.placement)
    for index in sorted({way.option.pool for ways in taken.values() for way in ways}):
        yield _pool(shared.agents[0], shared.problem.levels[index], answer.placement.replicas[index])


def _pool(lowered: Lowered, level: Level, replicas: int) -> plan.PlanPool:
    """A level's pool with its replicas; a pack has no step of its own, as only one of its models runs at a time."""
    pool = level.pool
    size: dict[str, object] = {
        "batch": level.slots,
        "replicas": replicas,
        "utilisation_cap": level.cap,
        "keeps": level.keeps,
    }
    if pool.model is not None and "+" not in pool.model:
        written = serving_pool(lowered, pool, level.slots)
        phases = {"prefill", "decode"} & set(pool.id.split("/"))
        return written.model_copy(update={**size, "phase": next(iter(phases), written.phase)})
    fleet = lowered.pricing.fleet
    try:
        usd_per_hour = price(fleet.device_class(pool.device), fleet).usd_per_hour
    except FleetError:
        usd_per_hour = None
    return plan.PlanPool(
        id=pool.id,
        device=pool.device,
        site=pool.site,
        driver=pool.driver,
        model=pool.model,
        phase=None,
        tp=pool.tp,
        precision=pool.precision,
        batch=level.slots,
        replicas=replicas,
        utilisation_cap=level.cap,
        engine="cpu" if pool.model is None else "continuous",
        start_s=None if takes_turns(pool) else _start_s(lowered, pool),
        loads_s=_loads_s(lowered, pool),
        usd_per_hour=usd_per_hour,
    )


def _loads_s(lowered: Lowered, pool: Pool) -> dict[str, float]:
    """Seconds to load each model of a pool whose models take turns."""
    device = lowered.pricing.fleet.device_class(pool.device).device
    if not takes_turns(pool) or pool.model is None or device is None or pool.precision is None:
        return {}
    models = lowered.pricing.models
    return {name: load_s(models.model(name), device, pool.precision, pool.tp) for name in pool.model.split("+")}


def _start_s(lowered: Lowered, pool: Pool) -> float | None:
    """Seconds to load the models of a pack one after another; None where nothing is loaded, or nobody knows."""
    device = lowered.pricing.fleet.device_class(pool.device).device
    if pool.model is None or device is None or pool.precision is None:
        return None
    models = [lowered.pricing.models.model(name) for name in pool.model.split("+")]
    try:
        return sum(load_s(model, device, pool.precision, pool.tp) for model in models)
    except CostError:
        return None
