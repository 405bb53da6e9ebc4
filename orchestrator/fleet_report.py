"""A plan of shared pools as rows and as JSON: what `orchestrator plan --load` prints.

Text and JSON read the same rows, so that a figure is never computed twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.fleet_pipeline import FleetPlan
from orchestrator.fleet_provenance import assumptions_of_fleet
from orchestrator.provenance import assumptions_of_agent
from placement.shared_agent import AgentEvaluation
from placement.shared_plans import Answer, call_usd
from placement.taken import taken_by

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A level that the plan uses. `utilisation` of all slots (times with the margin), `waiting_s` on average.

    Where models take turns, `switch_share` of its calls load theirs, for `switch_s` each, with the margin.
    """

    id: str
    device: str
    model: str | None
    tp: int
    precision: str | None
    slots: int
    cap: float
    tenant: str | None
    replicas: int
    devices: int
    calls_per_s: float
    utilisation: float
    waiting_s: float
    switch_share: float
    switch_s: float
    usd_per_hour: float
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent. `latency_s` is the SLA's statistic, by sampling where it is a mean or percentile; with the margin.

    `first_output_s` likewise, of the time to the first output; None without a limit on it.
    """

    agent: str
    rate_per_s: float
    usd_per_hour: float
    usd_per_run: float
    joule_per_run: float
    gco2e_per_run: float
    sla_stat: str | None
    sla_limit_s: float | None
    latency_s: float
    first_output_stat: str | None
    first_output_limit_s: float | None
    first_output_s: float | None
    latency_mean_s: float
    latency_worst_s: float
    critical_path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """One operator of an agent, or its `share` of the runs: pool, estimate of a visit, `factor` times as long as limits
    take it (`held_s`), what it waits (of a share the mean of all calls of the pool), what a run pays."""

    agent: str
    operator: str
    pool: str
    share: float
    visits: float
    visit_s: float
    factor: float
    held_s: float
    waiting_s: float
    usd_per_run: float


def pool_rows(plan: FleetPlan, answer: Answer) -> Iterator[PoolRow]:
    """The levels with replicas, in the problem's order."""
    users: dict[int, list[str]] = {}
    for index, lowered in enumerate(plan.shared.agents):
        for position, ways in taken_by(plan.shared, index, answer.placement).items():
            for way in ways:
                users.setdefault(way.option.pool, []).append(f"{lowered.problem.name}/{lowered.specs[position].id}")
    levels = zip(plan.shared.problem.levels, answer.evaluation.levels, answer.placement.replicas, strict=True)
    for index, (level, load, replicas) in enumerate(levels):
        if replicas:
            yield PoolRow(
                id=level.pool.id,
                device=level.pool.device,
                model=level.pool.model,
                tp=level.pool.tp,
                precision=level.pool.precision,
                slots=level.slots,
                cap=level.cap,
                tenant=level.tenant,
                replicas=replicas,
                devices=replicas * level.pool.tp,
                calls_per_s=load.calls_per_s,
                utilisation=load.utilisation,
                waiting_s=load.waiting_s,
                switch_share=load.switches.share,
                switch_s=load.switches.seconds,
                usd_per_hour=replicas * level.usd_per_hour,
                operators=tuple(users.get(index, ())),
            )


def agent_rows(plan: FleetPlan, answer: Answer) -> Iterator[AgentRow]:
    """The agents in the load's order."""
    for lowered, load, verdict in zip(
        plan.shared.agents, plan.shared.problem.agents, answer.evaluation.agents, strict=True
    ):
        sla = lowered.problem.sla
        first = None if load.first_output is None else load.first_output.sla
        yield AgentRow(
            agent=verdict.name,
            rate_per_s=verdict.rate_per_s,
            usd_per_hour=verdict.usd_per_run * verdict.rate_per_s * _SECONDS_PER_HOUR,
            usd_per_run=verdict.usd_per_run,
            joule_per_run=verdict.joule_per_run,
            gco2e_per_run=verdict.gco2e_per_run,
            sla_stat=None if sla is None else sla.stat,
            sla_limit_s=None if sla is None else sla.limit_s,
            latency_s=verdict.latency_s,
            first_output_stat=None if first is None else first.stat,
            first_output_limit_s=None if first is None else first.limit_s,
            first_output_s=verdict.first_output_s,
            latency_mean_s=mean_s(verdict),
            latency_worst_s=verdict.latency_worst_s,
            critical_path=tuple(lowered.specs[position].id for position in verdict.critical_path),
        )


def mean_s(verdict: AgentEvaluation) -> float:
    """The sampled mean of a run where runs were sampled, else the formula's."""
    return verdict.latency_mean_s if verdict.sampled is None else verdict.sampled.mean_s


def placed_rows(plan: FleetPlan, answer: Answer) -> Iterator[PlacedRow]:
    """Every operator that runs, agent by agent; one whose traffic is split has a row for each pool."""
    for index, lowered in enumerate(plan.shared.agents):
        verdict = answer.evaluation.agents[index]
        for position, ways in taken_by(plan.shared, index, answer.placement).items():
            visits = lowered.specs[position].visits
            for way in ways:
                at, factor = way.option.pool, way.service.factor_at(plan.shared.problem.margin)
                is_split = len(ways) > 1
                yield PlacedRow(
                    agent=lowered.problem.name,
                    operator=lowered.specs[position].id,
                    pool=lowered.problem.pools[at].id,
                    share=way.share,
                    visits=visits * way.share,
                    visit_s=way.option.latency_s,
                    factor=factor,
                    held_s=factor * way.option.latency_s,
                    waiting_s=answer.evaluation.levels[at].waiting_s if is_split else verdict.waiting_s[position],
                    usd_per_run=visits * way.share * call_usd(plan.shared, answer, way),
                )


def assumptions(plan: FleetPlan, answer: Answer) -> list[str]:
    """What the plan rests on, each once."""
    of_agents = (text for graph in plan.graphs for text in assumptions_of_agent(graph))
    return list(dict.fromkeys([*assumptions_of_fleet(plan.shared, answer), *_of_levels(plan), *of_agents]))


def _of_levels(plan: FleetPlan) -> Iterator[str]:
    if plan.refined is None:
        return
    yield (
        f"{plan.refined.levels} levels of pools were looked at, the last near those in use; bound and gap say nothing "
        "of any other"
    )


def objective_json(plan: FleetPlan) -> dict[str, Any]:
    """What was minimised, the value and bound of the last aim, and for throughput the factor of all rates."""
    reached = plan.reached
    document: dict[str, Any] = {"text": plan.objective.text, "meaning": plan.objective.meaning}
    if reached is None:
        return document
    if reached.throughput is not None:
        found = reached.throughput
        bounds = [None if math.isinf(each) else each for each in (found.bound, found.whole_bound)]
        return {
            **document,
            "rate_factor": found.factor,
            "refused_rate_factor": found.refused,
            "bound_rate_factor": bounds[0],
            "unsplit_bound_rate_factor": bounds[1],
            "gap": found.gap,
        }
    return {
        **document,
        "value": reached.solution.objective,
        "bound": reached.solution.bound,
        "unit": plan.objective.unit or None,
    }


def fleet_json(plan: FleetPlan) -> dict[str, Any]:
    """The document of `plan --load --json`: seconds, US dollars, watts, grams of CO2 equivalent, joules."""
    answer, problem = plan.answer, plan.shared.problem
    subject = {"load": plan.load.name, "fleet": plan.fleet.name, "agents_left_out": list(plan.left_out)}
    if answer is None:
        return {"feasible": False, **subject, "message": plan.why, "solve_s": plan.seconds}
    found = answer.evaluation
    return {
        "feasible": True,
        **subject,
        "cost_basis": "provisioned",
        "usd_per_hour": found.usd_per_hour,
        "watts": found.watts,
        "gco2e_per_hour": found.gco2e_per_hour,
        "objective": objective_json(plan),
        "bound_usd_per_hour": found.usd_per_hour * (1.0 - answer.gap) if answer.bounds_cost else None,
        "gap": answer.gap,
        "bound_scope": answer.bound_scope,
        "unsplit": None if answer.unsplit is None else asdict(answer.unsplit),
        "margin": plan.load.margin,
        "budget": asdict(problem.budget),
        "samples": found.samples,
        "agents": [asdict(row) for row in agent_rows(plan, answer)],
        "pools": [asdict(row) for row in pool_rows(plan, answer)],
        "operators": [asdict(row) for row in placed_rows(plan, answer)],
        "devices": {device: count for device, count in found.devices_used.items() if count},
        "assumptions": assumptions(plan, answer),
        "solver": answer.solver,
        "solve_s": plan.seconds,
    }
