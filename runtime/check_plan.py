"""Checks of a plan's tables: operators, routes, pools and transfers name each other and nothing else.

The tables come from another process or another day; a dangling name must be found before a replica is started for it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Set

from placement.plan import Plan, PlanOperator, PlanPool, PlanTransfer
from runtime.errors import ProgramError


def check_operators(plan: Plan) -> None:
    """Raises `ProgramError` for an id used twice, a route to an unknown pool, shares that do not add up to one, and for
    models that would take turns where nothing can make them.

    Also for an operator that finds the KV of the turn before, where its tokens may be made in another pool.
    """
    _once("operator", [operator.id for operator in plan.operators])
    _once("pool", [pool.id for pool in plan.pools])
    pools = {pool.id: pool for pool in plan.pools}
    for pool in plan.pools:
        _check_turns(pool)
    for operator in plan.operators:
        _check_routes(operator, pools.keys())
        for route in operator.routes:
            loads_s = pools[route.pool].loads_s
            if loads_s and operator.model not in loads_s:
                raise ProgramError(
                    f"the models of pool {route.pool!r} take turns, and {operator.model!r} of operator "
                    f"{operator.id!r} is not among {', '.join(loads_s)}"
                )
        if operator.continues and len(operator.routes) > 1 and operator.group is None:
            raise ProgramError(
                f"operator {operator.id!r} continues the turns of a react, whose KV is in one pool, but its "
                f"{len(operator.routes)} routes have no group; give it one, or one route"
            )
    _check_groups(plan)


def transfers_into(plan: Plan) -> tuple[tuple[tuple[int, PlanTransfer], ...], ...]:
    """For each operator the transfers that it receives, each with its source operator's index."""
    index = {operator.id: position for position, operator in enumerate(plan.operators)}
    into: list[list[tuple[int, PlanTransfer]]] = [[] for _ in plan.operators]
    for transfer in plan.transfers:
        for end in (transfer.src, transfer.dst):
            if end not in index:
                raise ProgramError(
                    f"a transfer goes from {transfer.src!r} to {transfer.dst!r}, but the plan has no operator {end!r}"
                )
        into[index[transfer.dst]].append((index[transfer.src], transfer))
    return tuple(tuple(entries) for entries in into)


def _check_turns(pool: PlanPool) -> None:
    if pool.loads_s and (pool.driver != "simulated" or pool.batch != 1):
        raise ProgramError(
            f"the models of pool {pool.id!r} take turns, which this version only simulates, one call at a time; it has "
            f"the driver {pool.driver!r} and {pool.batch} calls at once"
        )


def _once(what: str, ids: list[str]) -> None:
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise ProgramError(f"the {what} id {twice[0]!r} is used twice in the plan; ids must be unique")


def _check_routes(operator: PlanOperator, pools: Set[str]) -> None:
    if not operator.routes:
        raise ProgramError(f"operator {operator.id!r} has no route; place it on a pool of the plan")
    for route in operator.routes:
        if route.pool not in pools:
            known = ", ".join(sorted(pools)) or "none"
            raise ProgramError(f"operator {operator.id!r} is routed to the unknown pool {route.pool!r}; known: {known}")
    total = sum(route.share for route in operator.routes)
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        raise ProgramError(
            f"the routes of operator {operator.id!r} have shares that add up to {total:g}; they must be 1"
        )


def _check_groups(plan: Plan) -> None:
    """Raises `ProgramError` where operators that take their routes together have different ones."""
    first: dict[str, PlanOperator] = {}
    for operator in plan.operators:
        if operator.group is None:
            continue
        other = first.setdefault(operator.group, operator)
        if [(each.pool, each.share) for each in other.routes] != [(each.pool, each.share) for each in operator.routes]:
            raise ProgramError(
                f"operators {other.id!r} and {operator.id!r} are of the group {operator.group!r} and have different "
                "routes; give them the same pools and shares in the same order"
            )
