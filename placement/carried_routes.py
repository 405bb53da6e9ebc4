"""A shared problem in which routes that stay are constants, so that the program, which has no routes, plans the rest.

What a route puts on each of its levels is an agent of its own there; in the run it is time outside any slot.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from placement.problem import Block, OpNode, Problem
from placement.shared_change import Place
from placement.shared_problem import AgentLoad, Service, SharedPlacement, SharedProblem


def carried(
    problem: SharedProblem, plan: SharedPlacement, places: Iterable[Place]
) -> tuple[SharedProblem, tuple[AgentLoad, ...]]:
    """The problem in which operators with a route, each at its option of the plan, load no level, and their loads.

    A visit takes the slowest route, in the mean the mean of them, and waits as at its option's level: what the routes
    themselves take and wait is for the judge.
    """
    agents = list(problem.agents)
    parts: list[AgentLoad] = []
    for place in sorted(places):
        agent, operator = place
        load, shares = agents[agent], plan.routes[place]
        option = plan.agents[agent].option[operator]
        assert option is not None, "an operator with a route runs"
        parts += [_part(load, operator, at, share) for at, share in sorted(shares.items())]
        agents[agent] = _outside(load, (operator, option), shares)
    return replace(problem, agents=tuple(agents)), tuple(parts)


def _part(load: AgentLoad, operator: int, option: int, share: float) -> AgentLoad:
    """The calls of an operator that one of its options serves, as an agent of one operator."""
    row = load.problem.operators[operator]
    name = f"{load.name}/{row.id}/{row.options[option].pool}/{option}"
    one = replace(row, visits=1.0, options=(row.options[option],))
    table = Problem(name, (one,), load.problem.pools, (), (), Block((OpNode(0),), ((),)))
    part = min(1.0, row.visits) * share  # a random part p of a stream has the dispersion p cv2 + 1 - p
    return AgentLoad(
        problem=table,
        rate_per_s=load.rate_per_s * row.visits * share,
        services=((load.services[operator][option],),),
        arrival_cv2=part * load.arrival_cv2 + 1.0 - part,
        tenant=load.tenant,
    )


def _outside(load: AgentLoad, at: tuple[int, int], shares: Mapping[int, float]) -> AgentLoad:
    """The agent whose operator, at its option, holds no slot and costs nothing, for as long as its routes take."""
    operator, option = at
    row, services = load.problem.operators[operator], load.services[operator]
    sla = load.problem.sla
    visits = [(share, _whole(services[one])) for one, share in shares.items()]
    if sla is not None and sla.stat == "mean":
        seconds = math.fsum(share * each.outside_s for share, each in visits)
    else:
        seconds = max(each.outside_s for _, each in visits)
    spread = max(each.sd_s for _, each in visits)
    factors = [each.factor for _, each in visits if each.factor is not None]
    service = Service(0.0, spread if seconds else 0.0, seconds, max(factors, default=None))
    options, rows = list(row.options), list(services)
    options[option] = replace(options[option], latency_s=service.visit_s, cost_usd=0.0)
    rows[option] = service
    operators, all_rows = list(load.problem.operators), list(load.services)
    operators[operator] = replace(row, options=tuple(options))
    all_rows[operator] = tuple(rows)
    return replace(load, problem=replace(load.problem, operators=tuple(operators)), services=tuple(all_rows))


def _whole(service: Service) -> Service:
    """A visit as time outside; a model that may have to be loaded first always is."""
    load_s = 0.0 if service.loading is None else service.loading.seconds
    return Service(0.0, service.sd_s, service.visit_s + load_s, service.factor)
